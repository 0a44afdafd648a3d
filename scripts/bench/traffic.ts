import { gzipSync } from 'node:zlib'
import { encodeTraces } from '../../shared/otlp/encode.ts'
import type { AttributeValue } from '../../shared/spans/attributes.ts'
import type { Resource, Scope, Span } from '../../shared/spans/span.ts'

/**
 * The shape of the benchmarks' traffic: traces of 8 spans with 12 attributes each, an agent that makes three LLM calls and four tool
 * calls; of a call the id, the times and the counts are random, as long as the providers' own.
 */
export const SPANS_PER_REQUEST = 512
const SPANS_PER_TRACE = 8

/** Provider, model, and the provider's ids of responses: a prefix and so many random digits. */
const MODELS = [
  ['openai', 'gpt-4o-mini', 'chatcmpl-', 29],
  ['openai', 'gpt-4o', 'chatcmpl-', 29],
  ['anthropic', 'claude-sonnet-4-5', 'msg_01', 22],
  ['gcp.gemini', 'gemini-2.5-flash', '', 22],
] as const

/** A small, fast generator of repeatable numbers (xorshift32). */
export function createRandom(seed: number): () => number {
  let state = seed | 0 || 1
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 2 ** 32
  }
}

const scope: Scope = {
  name: 'bench',
  version: '1.0.0',
  attributes: new Map(),
  droppedAttributesCount: 0,
  schemaUrl: '',
}
const resources: Resource[] = ['checkout', 'support', 'search'].map((service) => ({
  attributes: new Map<string, AttributeValue>([
    ['service.name', service],
    ['service.version', '2.4.1'],
    ['deployment.environment.name', 'production'],
    ['host.name', `${service}-7f9c`],
  ]),
  droppedAttributesCount: 0,
  schemaUrl: '',
}))

/** The spans of one request; `start` is when the first begins, in milliseconds since 1970. */
export function requestSpans(random: () => number, start: number): Span[] {
  const spans: Span[] = []
  for (let trace = 0; trace < SPANS_PER_REQUEST / SPANS_PER_TRACE; trace++) {
    const traceId = hex(random, 32)
    const rootId = hex(random, 16)
    const user = `user-${Math.floor(random() * 500)}`
    const session = `session-${Math.floor(random() * 5000)}`
    const resource = resources[Math.floor(random() * resources.length)] as Resource
    for (let index = 0; index < SPANS_PER_TRACE; index++) {
      const begin = BigInt(start + trace * 10 + index) * 1_000_000n + BigInt(Math.floor(random() * 1e6))
      const isCall = index % 3 === 1
      spans.push({
        traceId,
        spanId: index === 0 ? rootId : hex(random, 16),
        parentSpanId: index === 0 ? '' : rootId,
        traceState: '',
        flags: 1,
        name: index === 0 ? 'invoke_agent shopper' : isCall ? 'chat' : 'execute_tool lookup',
        kind: isCall ? 'CLIENT' : 'INTERNAL',
        startTimeUnixNano: begin,
        endTimeUnixNano: begin + BigInt(Math.floor(random() * 2e9)),
        attributes: (index === 0 ? agentAttributes : isCall ? callAttributes : toolAttributes)(random, user, session),
        droppedAttributesCount: 0,
        events: [],
        droppedEventsCount: 0,
        links: [],
        droppedLinksCount: 0,
        statusCode: random() < 0.02 ? 'ERROR' : 'UNSET',
        statusMessage: '',
        resource,
        scope,
      })
    }
  }
  return spans
}

/** One request as it goes over the wire: protobuf, gzip. */
export function requestBody(random: () => number, start: number): Buffer {
  return gzipSync(encodeTraces(requestSpans(random, start)), { level: 1 })
}

function agentAttributes(random: () => number, user: string, session: string): Map<string, AttributeValue> {
  return new Map<string, AttributeValue>([
    ['gen_ai.operation.name', 'invoke_agent'],
    ['gen_ai.agent.name', 'shopper'],
    ['gen_ai.agent.id', 'agent-1'],
    ['gen_ai.agent.version', '1.4.0'],
    ['gen_ai.output.type', 'text'],
    ['http.request.method', 'POST'],
    ['http.route', '/chat'],
    ['http.response.status_code', 200n],
    ['client.address', `10.0.${Math.floor(random() * 256)}.${Math.floor(random() * 256)}`],
    ['server.address', 'shop.example.com'],
    ['user.id', user],
    ['session.id', session],
  ])
}

function callAttributes(random: () => number, user: string, session: string): Map<string, AttributeValue> {
  const [provider, model, prefix, digits] = MODELS[Math.floor(random() * MODELS.length)] as (typeof MODELS)[number]
  return new Map<string, AttributeValue>([
    ['gen_ai.operation.name', 'chat'],
    ['gen_ai.provider.name', provider],
    ['gen_ai.request.model', model],
    ['gen_ai.response.model', model],
    ['gen_ai.response.id', `${prefix}${letters(random, digits)}`],
    ['gen_ai.usage.input_tokens', BigInt(Math.floor(random() * 8000))],
    ['gen_ai.usage.output_tokens', BigInt(Math.floor(random() * 1200))],
    ['gen_ai.request.temperature', 0.7],
    ['server.address', 'api.example.com'],
    ['user.id', user],
    ['session.id', session],
    ['http.response.status_code', 200n],
  ])
}

function toolAttributes(random: () => number, user: string, session: string): Map<string, AttributeValue> {
  return new Map<string, AttributeValue>([
    ['gen_ai.operation.name', 'execute_tool'],
    ['gen_ai.tool.name', 'lookup'],
    ['gen_ai.tool.type', 'function'],
    ['gen_ai.tool.call.id', `call_${letters(random, 24)}`],
    ['db.system.name', 'postgresql'],
    ['db.query.summary', 'SELECT orders'],
    ['db.response.returned_rows', BigInt(Math.floor(random() * 50))],
    ['server.address', 'db.internal'],
    ['server.port', 5432n],
    ['user.id', user],
    ['session.id', session],
    ['cache.hit', random() < 0.5],
  ])
}

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'

function letters(random: () => number, count: number): string {
  let text = ''
  for (let index = 0; index < count; index++) text += LETTERS[Math.floor(random() * LETTERS.length)]
  return text
}

function hex(random: () => number, digits: number): string {
  let text = ''
  while (text.length < digits)
    text += Math.floor(random() * 0x1_0000_0000)
      .toString(16)
      .padStart(8, '0')
  return text.slice(0, digits)
}
