import { SpanledgerError } from '../errors.ts'
import { type Attributes, type AttributeValue, NO_ATTRIBUTES } from '../spans/attributes.ts'
import { isLedgerKey } from '../spans/ledger.ts'
import {
  type Resource,
  type Scope,
  SPAN_KINDS,
  type Span,
  type SpanEvent,
  type SpanLink,
  STATUS_CODES,
} from '../spans/span.ts'
import {
  bytesField,
  doubleField,
  enumField,
  FieldError,
  idField,
  type Json,
  listField,
  numberField,
  objectField,
  textField,
  timeField,
  uint32Field,
} from './json-fields.ts'
import { parseJson } from './json-text.ts'
import { DEFAULT_LIMITS, MAX_DEPTH, type OtlpLimits } from './limits.ts'
import { type DecodedTraces, type RejectReason, reject } from './rejections.ts'

/** For whoever wrote one by hand. */
const EXPORT = '{"resourceSpans": [{"scopeSpans": [{"spans": […]}]}]}'

const ZERO_TRACE = '0'.repeat(32)
const ZERO_SPAN = '0'.repeat(16)

/** An attribute is two objects and three members in JSON, and seldom an object of its own in protobuf. */
const PARTS_PER_OBJECT = 6

/** What is read where: the limits, and whether attributes that only we may set are taken off. */
interface Context {
  readonly limits: OtlpLimits
  readonly strip: boolean
  stripped: number
}

/**
 * Decodes an `ExportTraceServiceRequest` in JSON, with the names of proto3's JSON (`traceId`) or of the fields (`trace_id`).
 * The same export in protobuf gives the same spans. A span with a field that is not what it should be is rejected alone, like
 * one that breaks a limit; throws `otlp/malformed` and `otlp/too-large`. `strip` as in `decodeTraces`.
 */
export function decodeTracesJson(
  data: Uint8Array,
  limits: OtlpLimits = DEFAULT_LIMITS,
  { strip = false }: { strip?: boolean } = {},
): DecodedTraces {
  if (data.length > limits.maxBytes) {
    throw new SpanledgerError('otlp/too-large', `more than ${limits.maxBytes} bytes: send smaller batches`)
  }
  const context: Context = { limits, strip, stripped: 0 }
  const traces = { spans: [] as Span[], rejected: new Map(), examples: new Map() }
  const request = parseJson(data, { maxParts: limits.maxObjects * PARTS_PER_OBJECT })
  let index = 0
  try {
    if (request === null) throw new FieldError('invalid_field')
    const { resourceSpans, resource_spans } = objectField(request) ?? {}
    for (const item of listField(resourceSpans ?? resource_spans)) {
      const group = objectField(item) ?? {}
      const resource = attempt(() => readResource(group, context))
      for (const part of listField(group.scopeSpans ?? group.scope_spans)) {
        const scopeSpans = objectField(part) ?? {}
        const scope = attempt(() => readScope(scopeSpans, context))
        for (const span of listField(scopeSpans.spans)) {
          const result = attempt(() => readSpan(span, needed(resource), needed(scope), context))
          if (typeof result === 'string') reject(traces, result, index)
          else traces.spans.push(result)
          index++
        }
      }
    }
  } catch (error) {
    if (!(error instanceof FieldError)) throw error
    throw new SpanledgerError('otlp/malformed', `not an export of traces, which is ${EXPORT}`)
  }
  return { ...traces, stripped: context.stripped }
}

/** The result of `read`, or why it cannot be had. */
function attempt<T extends object>(read: () => T): T | RejectReason {
  try {
    return read()
  } catch (error) {
    if (error instanceof FieldError) return error.reason
    throw error
  }
}

function needed<T extends object>(result: T | RejectReason): T {
  if (typeof result === 'string') throw new FieldError(result)
  return result
}

function readResource(group: Json, context: Context): Resource {
  const resource = objectField(group.resource) ?? {}
  const { attributes, droppedAttributesCount, dropped_attributes_count } = resource
  const read = {
    attributes: readAttributes(attributes, context, 0, context.strip),
    droppedAttributesCount: uint32Field(droppedAttributesCount ?? dropped_attributes_count),
    schemaUrl: textField(group.schemaUrl ?? group.schema_url, context.limits.maxNameBytes, 'resource_too_large'),
  }
  checkSize(resource, context)
  return read
}

function readScope(group: Json, context: Context): Scope {
  const { maxNameBytes } = context.limits
  const scope = objectField(group.scope) ?? {}
  const read = {
    name: textField(scope.name, maxNameBytes, 'name_too_long'),
    version: textField(scope.version, maxNameBytes, 'name_too_long'),
    attributes: readAttributes(scope.attributes, context),
    droppedAttributesCount: uint32Field(scope.droppedAttributesCount ?? scope.dropped_attributes_count),
    schemaUrl: textField(group.schemaUrl ?? group.schema_url, maxNameBytes, 'resource_too_large'),
  }
  checkSize(scope, context)
  return read
}

/** Refuses a resource or scope that is too large to be repeated in each message. */
function checkSize(json: Json, { limits }: Context): void {
  let size = 0
  const measure = (value: unknown): void => {
    size += typeof value === 'string' ? Buffer.byteLength(value) : 2
    if (value === null || typeof value !== 'object') return
    for (const item of Object.values(value)) measure(item)
  }
  measure(json)
  if (size > limits.maxResourceBytes) throw new FieldError('resource_too_large')
}

function readSpan(json: unknown, resource: Resource, scope: Scope, context: Context): Span {
  const span = objectField(json)
  if (span === undefined) throw new FieldError('invalid_field')
  const { maxNameBytes, maxAttributeBytes } = context.limits
  const traceId = idField(span.traceId ?? span.trace_id, 16)
  if (!traceId || traceId === ZERO_TRACE) throw new FieldError('invalid_trace_id')
  const spanId = idField(span.spanId ?? span.span_id, 8)
  if (!spanId || spanId === ZERO_SPAN) throw new FieldError('invalid_span_id')
  const parentSpanId = idField(span.parentSpanId ?? span.parent_span_id, 8)
  if (parentSpanId === undefined) throw new FieldError('invalid_parent_span_id')
  const status = objectField(span.status) ?? {}
  return {
    traceId,
    spanId,
    parentSpanId: parentSpanId === ZERO_SPAN ? '' : parentSpanId,
    traceState: textField(span.traceState ?? span.trace_state, maxNameBytes, 'name_too_long'),
    flags: uint32Field(span.flags),
    name: textField(span.name, maxNameBytes, 'name_too_long'),
    kind: enumField(span.kind, SPAN_KINDS, 'SPAN_KIND_'),
    startTimeUnixNano: timeField(span.startTimeUnixNano ?? span.start_time_unix_nano),
    endTimeUnixNano: timeField(span.endTimeUnixNano ?? span.end_time_unix_nano),
    attributes: readAttributes(span.attributes, context, 0, context.strip),
    droppedAttributesCount: uint32Field(span.droppedAttributesCount ?? span.dropped_attributes_count),
    events: listField(span.events).map((event) => readEvent(event, context)),
    droppedEventsCount: uint32Field(span.droppedEventsCount ?? span.dropped_events_count),
    links: listField(span.links).map((link) => readLink(link, context)),
    droppedLinksCount: uint32Field(span.droppedLinksCount ?? span.dropped_links_count),
    statusCode: enumField(status.code, STATUS_CODES, 'STATUS_CODE_'),
    statusMessage: textField(status.message, maxAttributeBytes, 'attribute_too_long'),
    resource,
    scope,
  }
}

function readEvent(json: unknown, context: Context): SpanEvent {
  const event = objectField(json) ?? {}
  return {
    timeUnixNano: timeField(event.timeUnixNano ?? event.time_unix_nano),
    name: textField(event.name, context.limits.maxNameBytes, 'name_too_long'),
    attributes: readAttributes(event.attributes, context),
    droppedAttributesCount: uint32Field(event.droppedAttributesCount ?? event.dropped_attributes_count),
  }
}

function readLink(json: unknown, context: Context): SpanLink {
  const link = objectField(json) ?? {}
  const traceId = idField(link.traceId ?? link.trace_id, 16)
  const spanId = idField(link.spanId ?? link.span_id, 8)
  if (traceId === undefined || spanId === undefined) throw new FieldError('invalid_link_id')
  return {
    traceId,
    spanId,
    traceState: textField(link.traceState ?? link.trace_state, context.limits.maxNameBytes, 'name_too_long'),
    attributes: readAttributes(link.attributes, context),
    droppedAttributesCount: uint32Field(link.droppedAttributesCount ?? link.dropped_attributes_count),
    flags: uint32Field(link.flags),
  }
}

/** A list of KeyValue; where `strip`, less those that only we may set. */
function readAttributes(json: unknown, context: Context, depth = 0, strip = false): Attributes {
  const list = listField(json)
  if (list.length === 0) return NO_ATTRIBUTES
  const { maxAttributes, maxAttributeBytes } = context.limits
  if (list.length > maxAttributes) throw new FieldError('too_many_attributes')
  const attributes = new Map<string, AttributeValue>()
  for (const item of list) {
    const pair = objectField(item) ?? {}
    const key = textField(pair.key, maxAttributeBytes, 'attribute_too_long')
    const value = readValue(pair.value, context, depth)
    if (strip && isLedgerKey(key)) context.stripped++
    else attributes.set(key, value)
  }
  return attributes.size === 0 ? NO_ATTRIBUTES : attributes
}

function readValue(json: unknown, context: Context, depth: number): AttributeValue {
  const any = objectField(json)
  if (any === undefined) return null
  const { maxAttributeBytes, maxDepth } = context.limits
  const text = any.stringValue ?? any.string_value
  if (text !== undefined && text !== null) return textField(text, maxAttributeBytes, 'attribute_too_long')
  const int = any.intValue ?? any.int_value
  if (int !== undefined && int !== null) return numberField(int)
  const double = any.doubleValue ?? any.double_value
  if (double !== undefined && double !== null) return doubleField(double)
  const bool = any.boolValue ?? any.bool_value
  if (bool !== undefined && bool !== null) {
    if (typeof bool !== 'boolean') throw new FieldError('invalid_field')
    return bool
  }
  const bytes = any.bytesValue ?? any.bytes_value
  if (bytes !== undefined && bytes !== null) return bytesField(bytes, maxAttributeBytes, 'attribute_too_long')
  const array = objectField(any.arrayValue ?? any.array_value)
  const list = objectField(any.kvlistValue ?? any.kvlist_value)
  // JSON has no NaN: JavaScript's exporter sends null for it.
  if (array === undefined && list === undefined) return any.doubleValue === null ? Number.NaN : null
  if (depth >= Math.min(maxDepth, MAX_DEPTH)) throw new FieldError('too_deep')
  if (array !== undefined) return listField(array.values).map((item) => readValue(item, context, depth + 1))
  return readAttributes(list!.values, context, depth + 1)
}
