import { type Context, ROOT_CONTEXT, SpanStatusCode, type Tracer, trace } from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { BatchSpanProcessor, NodeTracerProvider } from '@opentelemetry/sdk-trace-node'
import type { PlannedTrace } from './plan.ts'
import { countSpans, type PlannedSpan } from './spans.ts'

export interface SendOptions {
  /** The server's base URL. */
  readonly url: string
  readonly headers: Record<string, string>
}

export interface SentTrace {
  readonly traceId: string
  readonly spanCount: number
}

/** The SDK exports 512 spans at once and silently drops what its queue has no room for: flush before either. */
const FLUSH_SPANS = 256

/** Sends the traces as their services would: one OpenTelemetry SDK each. Rejects when an export fails. */
export async function sendTraces(traces: readonly PlannedTrace[], options: SendOptions): Promise<SentTrace[]> {
  const services = new Map<string, NodeTracerProvider>()
  const sent: SentTrace[] = []
  let waiting = 0
  for (const { service, root } of traces) {
    const provider = services.get(service) ?? createProvider(service, options)
    services.set(service, provider)
    const spanCount = countSpans(root)
    sent.push({ traceId: emit(provider.getTracer('spanledger-demo', '1.0.0'), root), spanCount })
    waiting += spanCount
    if (waiting < FLUSH_SPANS) continue
    await flush(services)
    waiting = 0
  }
  await flush(services)
  for (const provider of services.values()) await provider.shutdown()
  return sent
}

function createProvider(service: string, { url, headers }: SendOptions): NodeTracerProvider {
  const exporter = new OTLPTraceExporter({ url: `${url}/v1/traces`, headers })
  return new NodeTracerProvider({
    resource: resourceFromAttributes({
      'service.name': service,
      'service.version': '1.0.0',
      'deployment.environment.name': 'demo',
    }),
    spanProcessors: [new BatchSpanProcessor(exporter)],
  })
}

async function flush(services: ReadonlyMap<string, NodeTracerProvider>): Promise<void> {
  for (const provider of services.values()) await provider.forceFlush()
}

/** Gives the trace's id. */
function emit(tracer: Tracer, planned: PlannedSpan, parent: Context = ROOT_CONTEXT): string {
  const { name, kind, start, end, attributes, error } = planned
  const span = tracer.startSpan(name, { kind, startTime: start, attributes }, parent)
  for (const child of planned.children) emit(tracer, child, trace.setSpan(parent, span))
  if (error !== undefined) {
    span.recordException({ name: 'ProviderError', message: error }, end)
    span.setStatus({ code: SpanStatusCode.ERROR, message: error })
  }
  span.end(end)
  return span.spanContext().traceId
}
