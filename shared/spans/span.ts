import type { Attributes } from './attributes.ts'
import { cutName } from './name.ts'

/** OTLP `SpanKind` by number. */
export const SPAN_KINDS = ['UNSPECIFIED', 'INTERNAL', 'SERVER', 'CLIENT', 'PRODUCER', 'CONSUMER'] as const
export type SpanKind = (typeof SPAN_KINDS)[number]

/** OTLP `Status.StatusCode` by number. */
export const STATUS_CODES = ['UNSET', 'OK', 'ERROR'] as const
export type StatusCode = (typeof STATUS_CODES)[number]

/** What the spans of one `ResourceSpans` share. One object for all of them: never copied, never changed. */
export interface Resource {
  readonly attributes: Attributes
  readonly droppedAttributesCount: number
  readonly schemaUrl: string
}

/** What the spans of one `ScopeSpans` share. */
export interface Scope {
  readonly name: string
  readonly version: string
  readonly attributes: Attributes
  readonly droppedAttributesCount: number
  readonly schemaUrl: string
}

export interface SpanEvent {
  readonly timeUnixNano: bigint
  readonly name: string
  readonly attributes: Attributes
  readonly droppedAttributesCount: number
}

export interface SpanLink {
  readonly traceId: string
  readonly spanId: string
  readonly traceState: string
  readonly attributes: Attributes
  readonly droppedAttributesCount: number
  readonly flags: number
}

/** An OpenTelemetry span as it arrived. Ids are lower-case hex; times are nanoseconds since 1970 in [0, 2^63). */
export interface Span {
  /** 32 hex digits, not all zero. */
  readonly traceId: string
  /** 16 hex digits, not all zero. */
  readonly spanId: string
  /** 16 hex digits, or '' for a root span. */
  readonly parentSpanId: string
  readonly traceState: string
  readonly flags: number
  readonly name: string
  readonly kind: SpanKind
  readonly startTimeUnixNano: bigint
  readonly endTimeUnixNano: bigint
  readonly attributes: Attributes
  readonly droppedAttributesCount: number
  readonly events: readonly SpanEvent[]
  readonly droppedEventsCount: number
  readonly links: readonly SpanLink[]
  readonly droppedLinksCount: number
  readonly statusCode: StatusCode
  readonly statusMessage: string
  readonly resource: Resource
  readonly scope: Scope
}

/** Nanoseconds from start to end; 0 for a span that has not ended or ends before it starts. */
export function durationNanos(span: Span): bigint {
  const duration = span.endTimeUnixNano - span.startTimeUnixNano
  return duration > 0n ? duration : 0n
}

/** The service that emitted the span, as {@link cutName} leaves it; '' where its resource does not say. */
export function serviceName(span: Span): string {
  const name = span.resource.attributes.get('service.name')
  return typeof name === 'string' ? cutName(name) : ''
}
