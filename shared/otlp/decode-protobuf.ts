import { type AttributeValue, NO_ATTRIBUTES } from '../spans/attributes.ts'
import {
  type Resource,
  type Scope,
  SPAN_KINDS,
  type Span,
  type SpanEvent,
  type SpanLink,
  STATUS_CODES,
} from '../spans/span.ts'
import { type Divert, readAttribute, readOrDivert, settled } from './decode-attributes.ts'
import { DEFAULT_LIMITS, type OtlpLimits } from './limits.ts'
import { type DecodedTraces, type RejectReason, reject } from './rejections.ts'
import { WireReader } from './wire-reader.ts'

const NO_EVENTS: readonly SpanEvent[] = []
const NO_LINKS: readonly SpanLink[] = []
const ZERO_TRACE = '0'.repeat(32)
const ZERO_SPAN = '0'.repeat(16)

/** What becomes of the spans as they are read. */
export interface SpanSink {
  /** Span attributes that are ours on the bus go here, before their span is accepted; without it they stay where they are. */
  readonly divert?: Divert
  /** The same for resource attributes. */
  readonly divertFromResource?: Divert
  accept(span: Span): void
  /** `index` is the span's place in the request, from 0. */
  refuse(reason: RejectReason, index: number): void
}

/**
 * Decodes an `ExportTraceServiceRequest`. A span that breaks a limit or has no valid ids is rejected alone; throws
 * `otlp/malformed` when the bytes are not protobuf, and `otlp/too-large`.
 * `strip` takes off spans and resources the attributes that only we may set (`isLedgerKey`).
 */
export function decodeTraces(
  data: Uint8Array,
  limits: OtlpLimits = DEFAULT_LIMITS,
  { strip = false }: { strip?: boolean } = {},
): DecodedTraces {
  const traces = { spans: [] as Span[], rejected: new Map(), examples: new Map(), stripped: 0 }
  const strike = () => {
    traces.stripped++
  }
  readTraces(data, limits, {
    accept: (span) => traces.spans.push(span),
    refuse: (reason, index) => reject(traces, reason, index),
    ...(strip && { divert: strike, divertFromResource: strike }),
  })
  return traces
}

/** Reads an `ExportTraceServiceRequest`, span by span, into `sink`; throws like {@link decodeTraces}. */
export function readTraces(data: Uint8Array, limits: OtlpLimits, sink: SpanSink): void {
  const reader = new WireReader(data, limits)
  const end = data.length
  const position = { index: 0 }
  while (reader.pos < end) {
    const tag = reader.tag(end)
    if (tag === 0x0a) readResourceSpans(reader, reader.end(end), sink, position)
    else reader.skip(tag, end, 1, 1)
  }
}

interface Position {
  index: number
}

/** The fields around the spans may follow them, so they are read first, and the spans on a second pass. */
function readResourceSpans(reader: WireReader, stop: number, sink: SpanSink, position: Position): void {
  const start = reader.pos
  reader.refusal = undefined
  const attributes = new Map<string, AttributeValue>()
  const resource = { attributes: NO_ATTRIBUTES, droppedAttributesCount: 0, schemaUrl: '' }
  while (reader.pos < stop) {
    const tag = reader.tag(stop)
    if (tag === 0x0a) readResource(reader, reader.end(stop), resource, attributes, sink.divertFromResource)
    else if (tag === 0x12) reader.pos = reader.end(stop)
    else if (tag === 0x1a) resource.schemaUrl = reader.string(stop, reader.limits.maxNameBytes, 'resource_too_large')
    else reader.skip(tag, stop, 1, 3)
  }
  if (attributes.size > 0) resource.attributes = attributes
  const refusal = reader.refusal
  reader.pos = start
  while (reader.pos < stop) {
    const tag = reader.tag(stop)
    if (tag === 0x12) readScopeSpans(reader, reader.end(stop), resource, refusal, sink, position)
    else reader.skip(tag, stop, 0, 0)
  }
}

function readResource(
  reader: WireReader,
  stop: number,
  resource: { droppedAttributesCount: number },
  attributes: Map<string, AttributeValue>,
  divert: Divert | undefined,
): void {
  if (stop - reader.pos > reader.limits.maxResourceBytes) reader.refuse('resource_too_large')
  let count = 0
  while (reader.pos < stop) {
    const tag = reader.tag(stop)
    if (tag === 0x0a) readOrDivert(reader, stop, attributes, count++, divert)
    else if (tag === 0x10) resource.droppedAttributesCount = reader.uint32(stop)
    else reader.skip(tag, stop, 1, 2)
  }
}

function readScopeSpans(
  reader: WireReader,
  stop: number,
  resource: Resource,
  resourceRefusal: RejectReason | undefined,
  sink: SpanSink,
  position: Position,
): void {
  const start = reader.pos
  reader.refusal = resourceRefusal
  const attributes = new Map<string, AttributeValue>()
  const scope = { name: '', version: '', attributes: NO_ATTRIBUTES, droppedAttributesCount: 0, schemaUrl: '' }
  while (reader.pos < stop) {
    const tag = reader.tag(stop)
    if (tag === 0x0a) readScope(reader, reader.end(stop), scope, attributes)
    else if (tag === 0x12) reader.pos = reader.end(stop)
    else if (tag === 0x1a) scope.schemaUrl = reader.string(stop, reader.limits.maxNameBytes, 'resource_too_large')
    else reader.skip(tag, stop, 1, 3)
  }
  if (attributes.size > 0) scope.attributes = attributes
  const refusal = reader.refusal
  reader.pos = start
  while (reader.pos < stop) {
    const tag = reader.tag(stop)
    if (tag !== 0x12) {
      reader.skip(tag, stop, 0, 0)
      continue
    }
    const spanEnd = reader.end(stop)
    reader.refusal = refusal
    const span = refusal === undefined ? readSpan(reader, spanEnd, resource, scope, sink.divert) : undefined
    reader.pos = spanEnd
    if (reader.refusal !== undefined) sink.refuse(reader.refusal, position.index)
    else if (span !== undefined) sink.accept(span)
    position.index++
  }
}

function readScope(
  reader: WireReader,
  stop: number,
  scope: { name: string; version: string; droppedAttributesCount: number },
  attributes: Map<string, AttributeValue>,
): void {
  if (stop - reader.pos > reader.limits.maxResourceBytes) reader.refuse('resource_too_large')
  let count = 0
  while (reader.pos < stop) {
    const tag = reader.tag(stop)
    if (tag === 0x0a) scope.name = reader.string(stop, reader.limits.maxNameBytes, 'name_too_long')
    else if (tag === 0x12) scope.version = reader.string(stop, reader.limits.maxNameBytes, 'name_too_long')
    else if (tag === 0x1a) readAttribute(reader, stop, attributes, count++)
    else if (tag === 0x20) scope.droppedAttributesCount = reader.uint32(stop)
    else reader.skip(tag, stop, 1, 4)
  }
}

/** Undefined where the reader's `refusal` says why. */
function readSpan(
  reader: WireReader,
  stop: number,
  resource: Resource,
  scope: Scope,
  divert: Divert | undefined,
): Span | undefined {
  reader.countObject()
  let traceId = ''
  let spanId = ''
  let parentSpanId = ''
  let traceState = ''
  let flags = 0
  let name = ''
  let kind = 0
  let startTimeUnixNano = 0n
  let endTimeUnixNano = 0n
  let attributes: Map<string, AttributeValue> | undefined
  let attributeCount = 0
  let droppedAttributesCount = 0
  let events: SpanEvent[] | undefined
  let droppedEventsCount = 0
  let links: SpanLink[] | undefined
  let droppedLinksCount = 0
  const status = { code: 0, message: '' }
  const { maxNameBytes } = reader.limits
  while (reader.pos < stop && reader.refusal === undefined) {
    const tag = reader.tag(stop)
    switch (tag) {
      case 0x0a:
        traceId = readId(reader, stop, 16)
        break
      case 0x12:
        spanId = readId(reader, stop, 8)
        break
      case 0x1a:
        traceState = reader.string(stop, maxNameBytes, 'name_too_long')
        break
      case 0x22:
        parentSpanId = readId(reader, stop, 8)
        break
      case 0x2a:
        name = reader.string(stop, maxNameBytes, 'name_too_long')
        break
      case 0x30:
        kind = reader.uint32(stop)
        break
      case 0x39:
        startTimeUnixNano = reader.time(stop)
        break
      case 0x41:
        endTimeUnixNano = reader.time(stop)
        break
      case 0x4a:
        attributes ??= new Map()
        readOrDivert(reader, stop, attributes, attributeCount++, divert)
        break
      case 0x50:
        droppedAttributesCount = reader.uint32(stop)
        break
      case 0x5a:
        events ??= []
        events.push(readEvent(reader, reader.end(stop)))
        break
      case 0x60:
        droppedEventsCount = reader.uint32(stop)
        break
      case 0x6a:
        links ??= []
        links.push(readLink(reader, reader.end(stop)))
        break
      case 0x70:
        droppedLinksCount = reader.uint32(stop)
        break
      case 0x7a:
        readStatus(reader, reader.end(stop), status)
        break
      case 0x85:
        flags = reader.fixed32(stop)
        break
      default:
        reader.skip(tag, stop, 1, 16)
    }
  }
  if (traceId.length !== 32 || traceId === ZERO_TRACE) reader.refuse('invalid_trace_id')
  if (spanId.length !== 16 || spanId === ZERO_SPAN) reader.refuse('invalid_span_id')
  if (parentSpanId.length !== 16 && parentSpanId !== '') reader.refuse('invalid_parent_span_id')
  if (reader.refusal !== undefined) return undefined
  return {
    traceId,
    spanId,
    parentSpanId: parentSpanId === ZERO_SPAN ? '' : parentSpanId,
    traceState,
    flags,
    name,
    kind: SPAN_KINDS[kind] ?? 'UNSPECIFIED',
    startTimeUnixNano,
    endTimeUnixNano,
    attributes: settled(attributes),
    droppedAttributesCount,
    events: events ?? NO_EVENTS,
    droppedEventsCount,
    links: links ?? NO_LINKS,
    droppedLinksCount,
    statusCode: STATUS_CODES[status.code] ?? 'UNSET',
    statusMessage: status.message,
    resource,
    scope,
  }
}

/** An id as hex; one of a wrong length as something of a wrong length. */
function readId(reader: WireReader, end: number, bytes: number): string {
  const stop = reader.end(end)
  const start = reader.pos
  reader.pos = stop
  if (stop === start) return ''
  return stop - start === bytes ? reader.bytes.hexSlice(start, stop) : '?'
}

function readEvent(reader: WireReader, stop: number): SpanEvent {
  reader.countObject()
  let timeUnixNano = 0n
  let name = ''
  let attributes: Map<string, AttributeValue> | undefined
  let count = 0
  let droppedAttributesCount = 0
  while (reader.pos < stop) {
    const tag = reader.tag(stop)
    if (tag === 0x09) timeUnixNano = reader.time(stop)
    else if (tag === 0x12) name = reader.string(stop, reader.limits.maxNameBytes, 'name_too_long')
    else if (tag === 0x1a) {
      attributes ??= new Map()
      readAttribute(reader, stop, attributes, count++)
    } else if (tag === 0x20) droppedAttributesCount = reader.uint32(stop)
    else reader.skip(tag, stop, 1, 4)
  }
  return { timeUnixNano, name, attributes: settled(attributes), droppedAttributesCount }
}

function readLink(reader: WireReader, stop: number): SpanLink {
  reader.countObject()
  let traceId = ''
  let spanId = ''
  let traceState = ''
  let attributes: Map<string, AttributeValue> | undefined
  let count = 0
  let droppedAttributesCount = 0
  let flags = 0
  while (reader.pos < stop) {
    const tag = reader.tag(stop)
    if (tag === 0x0a) traceId = readId(reader, stop, 16)
    else if (tag === 0x12) spanId = readId(reader, stop, 8)
    else if (tag === 0x1a) traceState = reader.string(stop, reader.limits.maxNameBytes, 'name_too_long')
    else if (tag === 0x22) {
      attributes ??= new Map()
      readAttribute(reader, stop, attributes, count++)
    } else if (tag === 0x28) droppedAttributesCount = reader.uint32(stop)
    else if (tag === 0x35) flags = reader.fixed32(stop)
    else reader.skip(tag, stop, 1, 6)
  }
  if (traceId === '?' || spanId === '?') reader.refuse('invalid_link_id')
  return { traceId, spanId, traceState, attributes: settled(attributes), droppedAttributesCount, flags }
}

/** Field 1 was another enum once, long reserved: skipped like any unknown field. */
function readStatus(reader: WireReader, stop: number, status: { code: number; message: string }): void {
  while (reader.pos < stop) {
    const tag = reader.tag(stop)
    if (tag === 0x12) status.message = reader.string(stop, reader.limits.maxAttributeBytes, 'attribute_too_long')
    else if (tag === 0x18) status.code = reader.uint32(stop)
    else reader.skip(tag, stop, 2, 3)
  }
}
