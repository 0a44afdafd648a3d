import type { AttributeValue } from '../spans/attributes.ts'
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
import type { WireReader } from './wire-reader.ts'

const NO_EVENTS: readonly SpanEvent[] = []
const NO_LINKS: readonly SpanLink[] = []
const ZERO_TRACE = '0'.repeat(32)
const ZERO_SPAN = '0'.repeat(16)

/** Reads a Span message up to `stop`; undefined where the reader's `refusal` says why not. `divert` takes what is ours on the bus. */
export function readSpan(
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
