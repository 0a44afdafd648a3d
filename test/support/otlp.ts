import { randomBytes } from 'node:crypto'

/** An OTLP/JSON attribute; integers become int64. */
export function attribute(key: string, value: string | number | boolean) {
  if (typeof value === 'string') return { key, value: { stringValue: value } }
  if (typeof value === 'boolean') return { key, value: { boolValue: value } }
  return { key, value: Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value } }
}

export interface ChatSpan {
  readonly traceId?: string
  readonly spanId?: string
  readonly parentSpanId?: string
  readonly name?: string
  readonly model?: string
  readonly inputTokens?: number
  readonly outputTokens?: number
  readonly user?: string
  /** Milliseconds since 1970. */
  readonly start?: number
  readonly durationMs?: number
  readonly attributes?: readonly ReturnType<typeof attribute>[]
}

/** A span of one chat call by the current OpenTelemetry GenAI conventions, as OTLP/JSON. */
export function chatSpan(span: ChatSpan = {}) {
  const start = span.start ?? Date.now()
  const model = span.model ?? 'gpt-4o-mini'
  return {
    traceId: span.traceId ?? newTraceId(),
    spanId: span.spanId ?? newSpanId(),
    ...(span.parentSpanId && { parentSpanId: span.parentSpanId }),
    name: span.name ?? `chat ${model}`,
    kind: 3,
    startTimeUnixNano: `${start}000000`,
    endTimeUnixNano: `${start + (span.durationMs ?? 100)}000000`,
    attributes: [
      attribute('gen_ai.operation.name', 'chat'),
      attribute('gen_ai.provider.name', 'openai'),
      attribute('gen_ai.request.model', model),
      attribute('gen_ai.usage.input_tokens', span.inputTokens ?? 1000),
      attribute('gen_ai.usage.output_tokens', span.outputTokens ?? 100),
      attribute('user.id', span.user ?? 'u1'),
      ...(span.attributes ?? []),
    ],
    status: {},
  }
}

/** An `ExportTraceServiceRequest` of spans from one service. */
export function exportRequest(spans: readonly object[], service = 'test') {
  const resource = { attributes: [attribute('service.name', service)] }
  return { resourceSpans: [{ resource, scopeSpans: [{ scope: { name: 'test' }, spans }] }] }
}

/** Posts OTLP/JSON. */
export function postTraces(url: string, request: object, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${url}/v1/traces`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(request),
  })
}

export function newTraceId(): string {
  return randomBytes(16).toString('hex')
}

export function newSpanId(): string {
  return randomBytes(8).toString('hex')
}
