import { type Resource, type Scope, SPAN_KINDS, type Span, STATUS_CODES } from '../spans/span.ts'
import { writeAttributes } from './encode-attributes.ts'
import { WireWriter } from './wire-writer.ts'

const SPANS_GUESS = 0x4000
const SPAN_GUESS = 0x80
const writer = new WireWriter()
const scratch = new WireWriter()

/**
 * Encodes `spans` as an `ExportTraceServiceRequest`, in their order. Neighbours that share a resource and a scope (the same
 * object, or equal ones) share them on the wire. The same spans always give the same bytes.
 */
export function encodeTraces(spans: readonly Span[]): Uint8Array {
  try {
    for (let at = 0; at < spans.length; ) at = writeResourceSpans(spans, at)
    return writer.take()
  } finally {
    writer.reset()
  }
}

/** Writes the spans from `from` on that share its resource; returns where the next ones begin. */
function writeResourceSpans(spans: readonly Span[], from: number): number {
  const { resource } = spans[from]!
  const start = writer.open(0x0a, SPANS_GUESS)
  writeResource(writer, resource)
  let at = from
  while (at < spans.length && isSame(spans[at]!.resource, resource, writeResource)) {
    at = writeScopeSpans(spans, at, resource)
  }
  if (resource.schemaUrl !== '') writer.string(0x1a, resource.schemaUrl)
  writer.close(start, SPANS_GUESS)
  return at
}

function writeScopeSpans(spans: readonly Span[], from: number, resource: Resource): number {
  const { scope } = spans[from]!
  const start = writer.open(0x12, SPANS_GUESS)
  writeScope(writer, scope)
  let at = from
  while (
    at < spans.length &&
    isSame(spans[at]!.resource, resource, writeResource) &&
    isSame(spans[at]!.scope, scope, writeScope)
  ) {
    writeSpan(spans[at++]!)
  }
  if (scope.schemaUrl !== '') writer.string(0x1a, scope.schemaUrl)
  writer.close(start, SPANS_GUESS)
  return at
}

/** Whether two resources or scopes are one object, or give the same bytes. */
function isSame<T extends { readonly schemaUrl: string }>(
  a: T,
  b: T,
  write: (to: WireWriter, item: T) => void,
): boolean {
  if (a === b) return true
  if (a.schemaUrl !== b.schemaUrl) return false
  write(scratch, a)
  const middle = scratch.pos
  write(scratch, b)
  const same =
    scratch.pos === 2 * middle && Buffer.compare(scratch.written(0, middle), scratch.written(middle, scratch.pos)) === 0
  scratch.reset()
  return same
}

function writeResource(to: WireWriter, resource: Resource): void {
  const start = to.open(0x0a, 128)
  writeAttributes(to, 0x0a, resource.attributes)
  if (resource.droppedAttributesCount !== 0) to.uint32(0x10, resource.droppedAttributesCount)
  to.close(start, 128)
}

function writeScope(to: WireWriter, scope: Scope): void {
  const start = to.open(0x0a, 64)
  if (scope.name !== '') to.string(0x0a, scope.name)
  if (scope.version !== '') to.string(0x12, scope.version)
  writeAttributes(to, 0x1a, scope.attributes)
  if (scope.droppedAttributesCount !== 0) to.uint32(0x20, scope.droppedAttributesCount)
  to.close(start, 64)
}

function writeSpan(span: Span): void {
  const start = writer.open(0x12, SPAN_GUESS)
  writer.hex(0x0a, span.traceId)
  writer.hex(0x12, span.spanId)
  if (span.traceState !== '') writer.string(0x1a, span.traceState)
  if (span.parentSpanId !== '') writer.hex(0x22, span.parentSpanId)
  if (span.name !== '') writer.string(0x2a, span.name)
  if (span.kind !== 'UNSPECIFIED') writer.uint32(0x30, SPAN_KINDS.indexOf(span.kind))
  if (span.startTimeUnixNano !== 0n) writer.fixed64(0x39, span.startTimeUnixNano)
  if (span.endTimeUnixNano !== 0n) writer.fixed64(0x41, span.endTimeUnixNano)
  writeAttributes(writer, 0x4a, span.attributes)
  if (span.droppedAttributesCount !== 0) writer.uint32(0x50, span.droppedAttributesCount)
  for (const event of span.events) {
    const at = writer.open(0x5a, SPAN_GUESS)
    if (event.timeUnixNano !== 0n) writer.fixed64(0x09, event.timeUnixNano)
    if (event.name !== '') writer.string(0x12, event.name)
    writeAttributes(writer, 0x1a, event.attributes)
    if (event.droppedAttributesCount !== 0) writer.uint32(0x20, event.droppedAttributesCount)
    writer.close(at, SPAN_GUESS)
  }
  if (span.droppedEventsCount !== 0) writer.uint32(0x60, span.droppedEventsCount)
  for (const link of span.links) {
    const at = writer.open(0x6a, 64)
    if (link.traceId !== '') writer.hex(0x0a, link.traceId)
    if (link.spanId !== '') writer.hex(0x12, link.spanId)
    if (link.traceState !== '') writer.string(0x1a, link.traceState)
    writeAttributes(writer, 0x22, link.attributes)
    if (link.droppedAttributesCount !== 0) writer.uint32(0x28, link.droppedAttributesCount)
    if (link.flags !== 0) writer.fixed32(0x35, link.flags)
    writer.close(at, 64)
  }
  if (span.droppedLinksCount !== 0) writer.uint32(0x70, span.droppedLinksCount)
  if (span.statusCode !== 'UNSET' || span.statusMessage !== '') {
    const at = writer.open(0x7a, span.statusMessage.length + 8)
    if (span.statusMessage !== '') writer.string(0x12, span.statusMessage)
    if (span.statusCode !== 'UNSET') writer.uint32(0x18, STATUS_CODES.indexOf(span.statusCode))
    writer.close(at, span.statusMessage.length + 8)
  }
  if (span.flags !== 0) writer.fixed32(0x85, span.flags)
  writer.close(start, SPAN_GUESS)
}
