// The OpenTelemetry JS SDK through both of its OTLP/HTTP exporters, each with and without gzip: one service for each.
import {
  type Attributes,
  type Context,
  createTraceState,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  type Tracer,
  trace,
} from '@opentelemetry/api'
import { OTLPTraceExporter as JsonExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { OTLPTraceExporter as ProtoExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { BatchSpanProcessor, NodeTracerProvider } from '@opentelemetry/sdk-trace-node'
import { createRecorder, report, type SentSpan } from './recording.ts'

const url = `${process.argv[2]}/v1/traces`
const exporters = { protobuf: ProtoExporter, json: JsonExporter }

const sent: SentSpan[] = []
for (const [format, Exporter] of Object.entries(exporters)) {
  for (const compression of ['none', 'gzip']) {
    process.env.OTEL_EXPORTER_OTLP_COMPRESSION = compression
    sent.push(...(await send(`otel-${format}-${compression}`, new Exporter({ url }))))
  }
}
report(sent)

async function send(service: string, exporter: ProtoExporter | JsonExporter): Promise<SentSpan[]> {
  const recorder = createRecorder()
  const provider = new NodeTracerProvider({
    resource: resourceFromAttributes({
      'service.name': service,
      'service.version': '1.2.3',
      'deployment.environment.name': 'test',
      'process.pid': process.pid,
      'process.command_args': ['node', 'emitter.ts', ''],
    }),
    spanProcessors: [new BatchSpanProcessor(exporter), recorder],
  })
  const tracer = provider.getTracer('e2e', '4.5.6')
  agentTrace(tracer)
  everythingTrace(tracer)
  await provider.shutdown()
  return recorder.sent()
}

/** An agent that says what its calls used in sum: 3,700 input and 400 output tokens. */
function agentTrace(tracer: Tracer): void {
  const person = { 'user.id': 'ana', 'gen_ai.conversation.id': 'talk-1' }
  const usage = { 'gen_ai.usage.input_tokens': 3_700, 'gen_ai.usage.output_tokens': 400 }
  inSpan(tracer, 'invoke_agent researcher', SpanKind.INTERNAL, ROOT_CONTEXT, (agent, context) => {
    agent.setAttributes({ ...genAi('invoke_agent', 'openai'), 'gen_ai.agent.name': 'researcher', ...person, ...usage })
    inSpan(tracer, 'chat gpt-4o', SpanKind.CLIENT, context, (span) =>
      span.setAttributes({
        ...genAi('chat', 'openai', 'gpt-4o', 'gpt-4o-2024-08-06'),
        ...person,
        'gen_ai.request.temperature': 0.2,
        'gen_ai.request.stop_sequences': ['END', '\n\n'],
        'gen_ai.response.finish_reasons': ['tool_calls'],
        'gen_ai.usage.input_tokens': 1_200,
        'gen_ai.usage.cache_read.input_tokens': 1_024,
        'gen_ai.usage.output_tokens': 300,
        'gen_ai.usage.reasoning.output_tokens': 200,
      }),
    )
    inSpan(tracer, 'execute_tool search', SpanKind.INTERNAL, context, (span, inner) => {
      span.setAttributes({ 'gen_ai.operation.name': 'execute_tool', 'gen_ai.tool.name': 'search', ...person })
      inSpan(tracer, 'embeddings text-embedding-3-small', SpanKind.CLIENT, inner, (call) =>
        call.setAttributes({
          ...genAi('embeddings', 'openai', 'text-embedding-3-small'),
          ...person,
          'gen_ai.usage.input_tokens': 500,
        }),
      )
    })
    inSpan(tracer, 'chat claude-haiku-4-5', SpanKind.CLIENT, context, (span) =>
      span.setAttributes({
        ...genAi('chat', 'anthropic', 'claude-haiku-4-5', 'claude-haiku-4-5-20251001'),
        ...person,
        'gen_ai.usage.input_tokens': 2_000,
        'gen_ai.usage.cache_read.input_tokens': 1_500,
        'gen_ai.usage.cache_creation.input_tokens': 300,
        'gen_ai.usage.output_tokens': 100,
      }),
    )
    inSpan(tracer, 'chat gpt-4o-mini', SpanKind.CLIENT, context, (span) => {
      span.setAttributes({ ...genAi('chat', 'openai', 'gpt-4o-mini'), ...person, 'error.type': '429' })
      span.recordException(new Error('rate limit reached'))
      span.setStatus({ code: SpanStatusCode.ERROR, message: 'rate limit reached: "try again" in 20 s ⏳' })
    })
  })
}

/** Every kind of span, attribute, event, link and status that the API can make. */
function everythingTrace(tracer: Tracer): void {
  const remote = {
    traceId: '0af7651916cd43dd8448eb211c80319c',
    spanId: 'b7ad6b7169203331',
    traceFlags: TraceFlags.SAMPLED,
    traceState: createTraceState('vendor=value,other=1'),
  }
  const values: Attributes = {
    text: 'Grüße, 世界 \u0000\t"quoted" \\ 👩‍🚀',
    empty: '',
    integer: 42,
    negative: -7,
    large: Number.MAX_SAFE_INTEGER,
    zero: 0,
    double: 0.1,
    tiny: -5e-324,
    yes: true,
    no: false,
    texts: ['a', '', 'ü'],
    integers: [1, -2, 3],
    doubles: [0.5, -1.25],
    flags: [true, false],
    none: [],
    'key with spaces, "quotes" and ünïcode': 'x'.repeat(100),
  }
  const kinds = [SpanKind.INTERNAL, SpanKind.SERVER, SpanKind.CLIENT, SpanKind.PRODUCER, SpanKind.CONSUMER]
  const root = tracer.startSpan('root', { kind: SpanKind.SERVER, links: [{ context: remote, attributes: values }] })
  const context = trace.setSpan(ROOT_CONTEXT, root)
  for (const kind of kinds) {
    inSpan(tracer, `kind ${SpanKind[kind]}`, kind, context, (span) => {
      span.setAttributes(values)
      span.addEvent('moment', values)
      span.addEvent('', undefined, [1_700_000_000, 1])
      span.addLink({ context: root.spanContext() })
      span.setStatus({ code: SpanStatusCode.OK })
    })
  }
  root.end()
}

function genAi(operation: string, provider: string, model?: string, answered = model): Attributes {
  return {
    'gen_ai.operation.name': operation,
    'gen_ai.provider.name': provider,
    ...(model !== undefined && { 'gen_ai.request.model': model, 'gen_ai.response.model': answered }),
  }
}

function inSpan(
  tracer: Tracer,
  name: string,
  kind: SpanKind,
  parent: Context,
  body: (span: Span, context: Context) => void,
): void {
  const span = tracer.startSpan(name, { kind }, parent)
  body(span, trace.setSpan(parent, span))
  span.end()
}
