import type { Attributes, HrTime, SpanContext, SpanKind, SpanStatus } from '@opentelemetry/api'

/** A span as the SDK handed it to its exporter, in plain JSON. Times are nanoseconds since 1970 in decimal. */
export interface SentSpan {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId: string
  readonly name: string
  readonly kind: string
  readonly startTime: string
  readonly endTime: string
  readonly status: string
  readonly statusMessage: string
  readonly attributes: Attributes
  readonly resourceAttributes: Attributes
  readonly events: readonly { readonly name: string; readonly time: string; readonly attributes: Attributes }[]
  readonly links: readonly { readonly traceId: string; readonly spanId: string; readonly attributes: Attributes }[]
  readonly scopeName: string
  readonly scopeVersion: string
}

/** What all versions of the SDK's `ReadableSpan` have in common: OpenLLMetry brings one of its own. */
interface EndedSpan {
  readonly name: string
  readonly kind: SpanKind
  readonly spanContext: () => SpanContext
  readonly parentSpanContext?: SpanContext
  readonly startTime: HrTime
  readonly endTime: HrTime
  readonly status: SpanStatus
  readonly attributes: Attributes
  readonly resource: { readonly attributes: object }
  readonly events: readonly { readonly name: string; readonly time: HrTime; readonly attributes?: Attributes }[]
  readonly links: readonly { readonly context: SpanContext; readonly attributes?: Attributes }[]
  readonly instrumentationScope: { readonly name: string; readonly version?: string }
}

const KINDS = ['INTERNAL', 'SERVER', 'CLIENT', 'PRODUCER', 'CONSUMER']
const STATUSES = ['UNSET', 'OK', 'ERROR']

/** A span processor to stand beside the one that exports: it only remembers. */
export function createRecorder() {
  const ended: EndedSpan[] = []
  return {
    onStart() {},
    onEnd: (span: EndedSpan) => void ended.push(span),
    forceFlush: async () => {},
    shutdown: async () => {},
    /** What was sent, once the exporter has been flushed: resource attributes may come late. */
    sent: (): SentSpan[] => ended.map(sentSpan),
  }
}

/** Tells the test what was sent: the last thing a child process writes. */
export function report(spans: readonly SentSpan[]): void {
  process.stdout.write(`${JSON.stringify(spans)}\n`)
}

function sentSpan(span: EndedSpan): SentSpan {
  const { traceId, spanId } = span.spanContext()
  return {
    traceId,
    spanId,
    parentSpanId: span.parentSpanContext?.spanId ?? '',
    name: span.name,
    kind: KINDS[span.kind]!,
    startTime: nanos(span.startTime),
    endTime: nanos(span.endTime),
    status: STATUSES[span.status.code]!,
    statusMessage: span.status.message ?? '',
    attributes: span.attributes,
    resourceAttributes: { ...span.resource.attributes },
    events: span.events.map(({ name, time, attributes = {} }) => ({ name, time: nanos(time), attributes })),
    links: span.links.map(({ context, attributes = {} }) => ({
      traceId: context.traceId,
      spanId: context.spanId,
      attributes,
    })),
    scopeName: span.instrumentationScope.name,
    scopeVersion: span.instrumentationScope.version ?? '',
  }
}

function nanos([seconds, rest]: HrTime): string {
  return (BigInt(seconds) * 1_000_000_000n + BigInt(rest)).toString()
}
