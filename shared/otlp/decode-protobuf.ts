import { type AttributeValue, NO_ATTRIBUTES } from '../spans/attributes.ts'
import type { Resource, Span } from '../spans/span.ts'
import { type Divert, readAttribute, readOrDivert } from './decode-attributes.ts'
import { readSpan } from './decode-span.ts'
import { DEFAULT_LIMITS, type OtlpLimits } from './limits.ts'
import { type DecodedTraces, type RejectReason, reject } from './rejections.ts'
import { WireReader } from './wire-reader.ts'

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
