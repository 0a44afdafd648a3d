import { gzipSync } from 'node:zlib'
import { encodeTraces } from '../../shared/otlp/encode.ts'
import type { AttributeValue } from '../../shared/spans/attributes.ts'
import type { Resource, Scope, Span } from '../../shared/spans/span.ts'
import { createRandom } from '../bench/traffic.ts'

/** What the modelled traffic is like. */
export interface Traffic {
  /** Spans of one export. */
  readonly spansPerRequest: number
  /** Share of spans that are calls of a model, 0 to 1; the others are an agent's own steps and tools. */
  readonly llmShare: number
  /** Least size of a span in protobuf: prompt text is added until it is reached. 0 for none. */
  readonly bytesPerSpan: number
}

const SPANS_PER_TRACE = 8
const MODELS = [
  ['openai', 'gpt-4o-mini'],
  ['openai', 'gpt-4o'],
  ['anthropic', 'claude-sonnet-4-5'],
  ['gcp.gemini', 'gemini-2.5-flash'],
] as const
const WORDS =
  'the order was not found in this region please check invoice customer answer tool result search document refund total before please again which model said there were three items left on account balance'.split(
    ' ',
  )
const SCOPE: Scope = { name: 'cost', version: '1.0.0', attributes: new Map(), droppedAttributesCount: 0, schemaUrl: '' }
const RESOURCE: Resource = {
  attributes: new Map<string, AttributeValue>([
    ['service.name', 'shop-agent'],
    ['service.version', '2.4.1'],
    ['deployment.environment.name', 'production'],
    ['host.name', 'shop-agent-7f9c'],
  ]),
  droppedAttributesCount: 0,
  schemaUrl: '',
}

/** Exports of agent traces of eight spans, twelve attributes a span; the same for the same seed. */
export function createTraffic({ spansPerRequest, llmShare, bytesPerSpan }: Traffic, seed = 1) {
  const random = createRandom(seed)
  const hex = (digits: number) => Array.from({ length: digits }, () => Math.floor(random() * 16).toString(16)).join('')
  const below = (bound: number) => Math.floor(random() * bound)
  let number = 0
  let trace = { traceId: '', rootId: '', user: '', session: '' }

  function nextSpan(startMs: number): Span {
    const position = number % SPANS_PER_TRACE
    if (position === 0) trace = { traceId: hex(32), rootId: hex(16), user: `user-${below(500)}`, session: hex(12) }
    // Calls are spread evenly, so that every request has its share of them.
    const isCall = Math.floor((number + 1) * llmShare) > Math.floor(number * llmShare)
    number += 1
    const start = BigInt(startMs) * 1_000_000n + BigInt(below(1e9))
    const span: Span = {
      traceId: trace.traceId,
      spanId: position === 0 ? trace.rootId : hex(16),
      parentSpanId: position === 0 ? '' : trace.rootId,
      traceState: '',
      flags: 1,
      name: isCall ? 'chat' : position === 0 ? 'invoke_workflow shop' : 'execute_tool lookup',
      kind: isCall ? 'CLIENT' : 'INTERNAL',
      startTimeUnixNano: start,
      endTimeUnixNano: start + BigInt(below(2e9)),
      attributes: isCall ? callAttributes() : toolAttributes(),
      droppedAttributesCount: 0,
      events: [],
      droppedEventsCount: 0,
      links: [],
      droppedLinksCount: 0,
      statusCode: below(50) === 0 ? 'ERROR' : 'UNSET',
      statusMessage: '',
      resource: RESOURCE,
      scope: SCOPE,
    }
    const missing = bytesPerSpan - spanBytes(span)
    if (missing > 0) (span.attributes as Map<string, AttributeValue>).set('gen_ai.input.messages', prose(missing - 27))
    return span
  }

  function callAttributes(): Map<string, AttributeValue> {
    const [provider, model] = MODELS[below(MODELS.length)]!
    return new Map<string, AttributeValue>([
      ['gen_ai.operation.name', 'chat'],
      ['gen_ai.provider.name', provider],
      ['gen_ai.request.model', model],
      ['gen_ai.response.model', model],
      ['gen_ai.response.id', `resp_${hex(24)}`],
      ['gen_ai.usage.input_tokens', BigInt(below(8000))],
      ['gen_ai.usage.output_tokens', BigInt(below(1200))],
      ['gen_ai.request.temperature', 0.7],
      ['server.address', 'api.example.com'],
      ['user.id', trace.user],
      ['session.id', trace.session],
      ['http.response.status_code', 200n],
    ])
  }

  function toolAttributes(): Map<string, AttributeValue> {
    return new Map<string, AttributeValue>([
      ['gen_ai.tool.name', 'lookup'],
      ['tool.call.id', `call_${hex(24)}`],
      ['db.system.name', 'postgresql'],
      ['db.query.summary', 'SELECT orders'],
      ['db.response.returned_rows', BigInt(below(50))],
      ['server.address', 'db.internal'],
      ['server.port', 5432n],
      ['thread.id', BigInt(below(16))],
      ['code.function.name', 'lookupOrder'],
      ['user.id', trace.user],
      ['session.id', trace.session],
      ['cache.hit', random() < 0.5],
    ])
  }

  function prose(bytes: number): string {
    let text = ''
    while (text.length < bytes) text += `${WORDS[below(WORDS.length)]} `
    return text.slice(0, Math.max(0, bytes))
  }

  return {
    /** One export as SDKs send it: protobuf, gzip. `bytes` is its size before compression. */
    next(startMs: number): { readonly body: Uint8Array<ArrayBuffer>; readonly bytes: number } {
      const data = encodeTraces(Array.from({ length: spansPerRequest }, () => nextSpan(startMs)))
      return { body: new Uint8Array(gzipSync(data)), bytes: data.length }
    },
  }
}

/** The size of a span within an export: without what the export says once for all. */
function spanBytes(span: Span): number {
  return encodeTraces([span, span]).length - encodeTraces([span]).length
}
