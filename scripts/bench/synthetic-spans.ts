import { createHash } from 'node:crypto'
import type { Delivery } from '../../shared/bus/bus.ts'
import { encodeTraces } from '../../shared/otlp/encode.ts'
import type { AttributeValue } from '../../shared/spans/attributes.ts'
import { EMPTY_LEDGER, type Ledger, ledgerAttributes } from '../../shared/spans/ledger.ts'
import type { Resource, Scope, Span } from '../../shared/spans/span.ts'

const MODELS = ['gpt-4o', 'gpt-4o-mini', 'claude-sonnet-4', 'claude-haiku-4', 'gemini-2.5-pro', 'gemini-2.5-flash']
const SCOPE: Scope = {
  name: 'opentelemetry.instrumentation.openai.v2',
  version: '2.1',
  attributes: new Map(),
  droppedAttributesCount: 0,
  schemaUrl: '',
}
const RESOURCES: readonly Resource[] = ['chat-api', 'support-agent', 'search-worker'].map((service) => ({
  attributes: new Map<string, AttributeValue>([
    ['service.name', service],
    ['service.version', '1.42.0'],
    ['deployment.environment.name', 'production'],
    ['telemetry.sdk.name', 'opentelemetry'],
    ['telemetry.sdk.language', 'python'],
    ['host.name', 'ip-10-0-3-17.eu-central-1.compute.internal'],
  ]),
  droppedAttributesCount: 0,
  schemaUrl: '',
}))

/** What the synthetic traffic is like. */
export interface Traffic {
  readonly project: string
  readonly spansPerRequest: number
  /** Start of the first span, nanoseconds since 1970. */
  readonly from: bigint
  /** Nanoseconds from one span's start to the next one's. */
  readonly step: bigint
}

/** A day in nanoseconds. */
export const DAY_NANOS = 86_400_000_000_000n

/** Thirty days in which `spans` come, evenly, and the first at a time that is always the same. */
export function monthOf(spans: number, spansPerRequest: number): Traffic {
  const from = 1_760_000_000_000_000_000n
  return { project: 'bench', spansPerRequest, from, step: (30n * DAY_NANOS) / BigInt(spans) }
}

/** Message `number` of `traffic` as it is on `priced-spans`: traces of eight spans with 12 attributes each, priced. */
export function syntheticDelivery(traffic: Traffic, number: number): Delivery {
  const { project, spansPerRequest } = traffic
  const first = number * spansPerRequest
  const spans = Array.from({ length: spansPerRequest }, (_, index) => syntheticSpan(traffic, first + index))
  return {
    id: String(number),
    attempt: 1,
    data: encodeTraces(spans),
    attributes: {
      project,
      digest: hash(`${project}/${number}`),
      spans: spansPerRequest,
      ingestedAt: String(traffic.from + BigInt(first) * traffic.step + 2_000_000_000n),
      traceparent: '',
    },
  }
}

/** The id of the trace that span `number` belongs to. */
export function syntheticTraceId(number: number): string {
  return hash(`trace ${number >> 3}`).slice(0, 32)
}

function syntheticSpan({ from, step }: Traffic, number: number): Span {
  const random = createRandom(number)
  const start = from + BigInt(number) * step
  const duration = BigInt(200_000_000 + random(3_000_000_000))
  const model = MODELS[random(MODELS.length)] as string
  const isRoot = (number & 7) === 0
  const input = 200 + random(4000)
  const output = 20 + random(900)
  const attributes = new Map<string, AttributeValue>([
    ['gen_ai.operation.name', 'chat'],
    ['gen_ai.provider.name', model.startsWith('gpt') ? 'openai' : 'anthropic'],
    ['gen_ai.request.model', model],
    ['gen_ai.response.model', `${model}-2025-08-06`],
    ['gen_ai.response.id', `chatcmpl-${hash(`response ${number}`).slice(0, 29)}`],
    ['gen_ai.request.temperature', 0.7],
    ['gen_ai.usage.input_tokens', BigInt(input)],
    ['gen_ai.usage.output_tokens', BigInt(output)],
    ['gen_ai.response.finish_reasons', ['stop']],
    ['user.id', `user-${random(500)}`],
    ['gen_ai.conversation.id', `conversation-${number >> 6}`],
    ['server.address', 'api.openai.com'],
  ])
  for (const [key, value] of ledgerAttributes(ledger(model, input, output, attributes))) attributes.set(key, value)
  return {
    traceId: syntheticTraceId(number),
    spanId: spanId(number),
    parentSpanId: isRoot ? '' : spanId((number >> 3) << 3),
    traceState: '',
    flags: 1,
    name: isRoot ? 'answer question' : `chat ${model}`,
    kind: isRoot ? 'SERVER' : 'CLIENT',
    startTimeUnixNano: start,
    endTimeUnixNano: start + duration,
    attributes,
    droppedAttributesCount: 0,
    events: [],
    droppedEventsCount: 0,
    links: [],
    droppedLinksCount: 0,
    statusCode: random(50) === 0 ? 'ERROR' : 'UNSET',
    statusMessage: '',
    resource: RESOURCES[(number >> 3) % RESOURCES.length] as Resource,
    scope: SCOPE,
  }
}

function ledger(model: string, input: number, output: number, attributes: ReadonlyMap<string, AttributeValue>): Ledger {
  const inputCost = BigInt(input) * 2_500_000n
  const outputCost = BigInt(output) * 10_000_000n
  return {
    ...EMPTY_LEDGER,
    operation: 'chat',
    provider: attributes.get('gen_ai.provider.name') as string,
    model: attributes.get('gen_ai.response.model') as string,
    requestModel: model,
    dialect: 'opentelemetry',
    inputTokens: input,
    outputTokens: output,
    totalTokens: input + output,
    costPicoUsd: inputCost + outputCost,
    costStatus: 'priced',
    priceVersion: '2025-11-20',
    receipt: JSON.stringify({
      lines: [
        { unit: 'input_tokens', quantity: input, price: '2500000', amount: String(inputCost) },
        { unit: 'output_tokens', quantity: output, price: '10000000', amount: String(outputCost) },
      ],
    }),
    userId: attributes.get('user.id') as string,
    sessionId: attributes.get('gen_ai.conversation.id') as string,
    environment: 'production',
  }
}

function spanId(number: number): string {
  return hash(`span ${number}`).slice(0, 16)
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

/** Numbers that look random and are the same for the same seed. */
function createRandom(seed: number): (below: number) => number {
  let state = Math.imul(seed + 1, 0x9e3779b1)
  return (below) => {
    state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x6d2b79f5
    return ((state ^ (state >>> 13)) >>> 0) % below
  }
}
