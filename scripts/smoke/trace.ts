import { randomBytes } from 'node:crypto'

/** A trace that no other is like: an agent's run with one call of a model in it. */
export interface SmokeTrace {
  readonly traceId: string
  readonly sessionId: string
  readonly user: string
  readonly spanCount: number
  /** `ExportTraceServiceRequest` as OTLP/JSON. */
  readonly request: object
}

/** The smoke trace named `id`, which ended at `now` (milliseconds since 1970). */
export function smokeTrace(id: string, now: number): SmokeTrace {
  const traceId = randomBytes(16).toString('hex')
  const rootId = randomBytes(8).toString('hex')
  const user = `smoke-${id}`
  const who = [text('user.id', user), text('session.id', user)]
  const spans = [
    {
      ...{ traceId, spanId: rootId, name: 'invoke_agent smoke', kind: 1, ...times(now - 1_000, now) },
      attributes: [text('gen_ai.operation.name', 'invoke_agent'), text('gen_ai.agent.name', 'smoke'), ...who],
    },
    {
      ...{ traceId, spanId: randomBytes(8).toString('hex'), parentSpanId: rootId, name: 'chat gpt-4o-mini', kind: 3 },
      ...times(now - 900, now - 100),
      attributes: [
        text('gen_ai.operation.name', 'chat'),
        text('gen_ai.provider.name', 'openai'),
        text('gen_ai.request.model', 'gpt-4o-mini'),
        { key: 'gen_ai.usage.input_tokens', value: { intValue: '1200' } },
        { key: 'gen_ai.usage.output_tokens', value: { intValue: '80' } },
        ...who,
      ],
    },
  ]
  const resource = { attributes: [text('service.name', 'spanledger-smoke')] }
  const request = { resourceSpans: [{ resource, scopeSpans: [{ scope: { name: 'spanledger-smoke' }, spans }] }] }
  return { traceId, sessionId: user, user, spanCount: spans.length, request }
}

function text(key: string, stringValue: string) {
  return { key, value: { stringValue } }
}

function times(start: number, end: number) {
  return { startTimeUnixNano: `${start}000000`, endTimeUnixNano: `${end}000000` }
}
