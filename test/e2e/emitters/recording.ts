import type { Attributes, HrTime, SpanContext, SpanKind, SpanStatus } from '@opentelemetry/api'
import { formatTime } from '../../../shared/http/time.ts'

/** A span as the SDK handed it to its exporter, in the words of `GET /ledger/v1/traces/{id}`. */
export interface SentSpan {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId: string
  readonly traceState: string
  readonly name: string
  readonly kind: string
  readonly startTime: string
  readonly endTime: string
  readonly durationNs: number
  readonly status: string
  readonly statusMessage: string
  readonly serviceName: string
  readonly attributes: object
  readonly resourceAttributes: object
  readonly events: readonly { readonly time: string; readonly name: string; readonly attributes: object }[]
  readonly links: readonly {
    readonly traceId: string
    readonly spanId: string
    readonly traceState: string
    readonly attributes: object
  }[]
  readonly scope: { readonly name: string; readonly version: string; readonly attributes: object }
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
  readonly resource: { readonly attributes: Attributes }
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
  const { traceId, spanId, traceState } = span.spanContext()
  const { name, version = '' } = span.instrumentationScope
  return {
    traceId,
    spanId,
    parentSpanId: span.parentSpanContext?.spanId ?? '',
    traceState: traceState?.serialize() ?? '',
    name: span.name,
    kind: KINDS[span.kind]!,
    startTime: formatTime(nanos(span.startTime)),
    endTime: formatTime(nanos(span.endTime)),
    durationNs: Number(nanos(span.endTime) - nanos(span.startTime)),
    status: STATUSES[span.status.code]!,
    statusMessage: span.status.message ?? '',
    attributes: span.attributes,
    serviceName: String(span.resource.attributes['service.name']),
    resourceAttributes: span.resource.attributes,
    events: span.events.map(({ name, time, attributes = {} }) => ({ time: formatTime(nanos(time)), name, attributes })),
    links: span.links.map(({ context, attributes = {} }) => ({
      traceId: context.traceId,
      spanId: context.spanId,
      traceState: context.traceState?.serialize() ?? '',
      attributes,
    })),
    scope: { name, version, attributes: {} },
  }
}

function nanos([seconds, rest]: HrTime): bigint {
  return BigInt(seconds) * 1_000_000_000n + BigInt(rest)
}
