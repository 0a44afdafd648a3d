import { type Attributes, type AttributeValue, stringAttribute } from './attributes.ts'
import type { Span } from './span.ts'

/** The namespace that is ours on the bus. `ingest` strips it from what clients send, but for {@link RESERVATION_ATTRIBUTE}. */
export const LEDGER_NAMESPACE = 'spanledger.'

/** The one attribute of our namespace that clients send: the budget reservation that pays for the call. */
export const RESERVATION_ATTRIBUTE = 'spanledger.reservation'

/** No id of a reservation or a lease is longer. */
const MAX_RESERVATION_ID = 64

/** The reservation or lease that a span with these attributes names; undefined where what it names can be none. */
export function reservationOf(attributes: Attributes): string | undefined {
  const id = stringAttribute(attributes, RESERVATION_ATTRIBUTE)
  return id !== undefined && id !== '' && id.length <= MAX_RESERVATION_ID ? id : undefined
}

/** Whether attribute `key` is ours on the bus, and never a client's. */
export function isLedgerKey(key: string): boolean {
  return key.startsWith(LEDGER_NAMESPACE) && key !== RESERVATION_ATTRIBUTE
}

/** What is known of a span's cost. Unknown is never 0: `unpriced` and `ambiguous` have no `costPicoUsd` to sum. */
export const COST_STATUSES = ['priced', 'free', 'rollup', 'ambiguous', 'unpriced', 'no_usage'] as const
export type CostStatus = (typeof COST_STATUSES)[number]

/**
 * What Spanledger found out about a span: its GenAI call, normalised over all emitters, and what it cost.
 * Tokens are counts in [0, 2^53) that this span bills itself: what its descendants reported already is not counted again
 * (0 for a `rollup`; the attributes keep what the emitter said); `null` means the emitter did not say. Input tokens
 * include cache reads and writes; output tokens include reasoning.
 */
export interface Ledger {
  /** `gen_ai.operation.name`: chat, text_completion, embeddings, execute_tool, invoke_agent, …; '' if not GenAI. */
  readonly operation: string
  /** `gen_ai.provider.name`, normalised: openai, anthropic, aws.bedrock, …; '' if unknown. */
  readonly provider: string
  /** The response's model if given, else the request's. */
  readonly model: string
  readonly inputTokens: number | null
  readonly outputTokens: number | null
  readonly totalTokens: number | null
  readonly cacheReadTokens: number | null
  readonly cacheWriteTokens: number | null
  readonly reasoningTokens: number | null
  /** Units of 1e-12 USD in [0, 2^63); null where the cost is not known or there is none. */
  readonly costPicoUsd: bigint | null
  readonly costStatus: CostStatus
  /** Of the catalogue that priced it; '' where nothing was priced. */
  readonly priceVersion: string
  /** The receipt as JSON text (`shared/pricing/receipt.ts`); '' where there is none. */
  readonly receipt: string
  readonly userId: string
  readonly sessionId: string
  readonly environment: string
  /** The model that was asked for; '' if the emitter did not say. */
  readonly requestModel: string
  readonly agentName: string
  readonly toolName: string
  /** Which convention the emitter spoke (`shared/genai/dialects`): opentelemetry, openinference, …; '' if not GenAI. */
  readonly dialect: string
  /** Bounds of an `ambiguous` cost in 1e-12 USD; null otherwise. */
  readonly costLowerPicoUsd: bigint | null
  readonly costUpperPicoUsd: bigint | null
  /** What the emitter itself says the span cost, in 1e-12 USD, rounded; null if it does not. Never summed. */
  readonly reportedCostPicoUsd: bigint | null
  /**
   * 0 as first priced. A correction repeats a span's ids and says what its ledger is now; of all ledgers of a span the one
   * with the highest revision holds, whatever order they come in. Microseconds since 1970 at which it was made.
   */
  readonly revision: number
}

/** A span with what `price` found out about it. Its attributes are the client's: none is in our namespace. */
export interface PricedSpan {
  readonly span: Span
  readonly ledger: Ledger
}

/** The ledger of a span about which nothing is known. */
export const EMPTY_LEDGER: Ledger = {
  operation: '',
  provider: '',
  model: '',
  inputTokens: null,
  outputTokens: null,
  totalTokens: null,
  cacheReadTokens: null,
  cacheWriteTokens: null,
  reasoningTokens: null,
  costPicoUsd: null,
  costStatus: 'no_usage',
  priceVersion: '',
  receipt: '',
  userId: '',
  sessionId: '',
  environment: '',
  requestModel: '',
  agentName: '',
  toolName: '',
  dialect: '',
  costLowerPicoUsd: null,
  costUpperPicoUsd: null,
  reportedCostPicoUsd: null,
  revision: 0,
}

type Kind = 'string' | 'count' | 'money'

/** How each field of a ledger is named on the bus. The only list of them. */
export const LEDGER_ATTRIBUTES: readonly { readonly field: keyof Ledger; readonly key: string; readonly kind: Kind }[] =
  [
    { field: 'operation', key: 'spanledger.operation', kind: 'string' },
    { field: 'provider', key: 'spanledger.provider', kind: 'string' },
    { field: 'model', key: 'spanledger.model', kind: 'string' },
    { field: 'inputTokens', key: 'spanledger.usage.input_tokens', kind: 'count' },
    { field: 'outputTokens', key: 'spanledger.usage.output_tokens', kind: 'count' },
    { field: 'totalTokens', key: 'spanledger.usage.total_tokens', kind: 'count' },
    { field: 'cacheReadTokens', key: 'spanledger.usage.cache_read_tokens', kind: 'count' },
    { field: 'cacheWriteTokens', key: 'spanledger.usage.cache_write_tokens', kind: 'count' },
    { field: 'reasoningTokens', key: 'spanledger.usage.reasoning_tokens', kind: 'count' },
    { field: 'costPicoUsd', key: 'spanledger.cost.pico_usd', kind: 'money' },
    { field: 'costStatus', key: 'spanledger.cost.status', kind: 'string' },
    { field: 'priceVersion', key: 'spanledger.price.version', kind: 'string' },
    { field: 'receipt', key: 'spanledger.receipt', kind: 'string' },
    { field: 'userId', key: 'spanledger.user.id', kind: 'string' },
    { field: 'sessionId', key: 'spanledger.session.id', kind: 'string' },
    { field: 'environment', key: 'spanledger.environment', kind: 'string' },
    { field: 'requestModel', key: 'spanledger.request.model', kind: 'string' },
    { field: 'agentName', key: 'spanledger.agent.name', kind: 'string' },
    { field: 'toolName', key: 'spanledger.tool.name', kind: 'string' },
    { field: 'dialect', key: 'spanledger.dialect', kind: 'string' },
    { field: 'costLowerPicoUsd', key: 'spanledger.cost.lower_pico_usd', kind: 'money' },
    { field: 'costUpperPicoUsd', key: 'spanledger.cost.upper_pico_usd', kind: 'money' },
    { field: 'reportedCostPicoUsd', key: 'spanledger.cost.reported_pico_usd', kind: 'money' },
    { field: 'revision', key: 'spanledger.revision', kind: 'count' },
  ]

const BY_KEY = new Map(LEDGER_ATTRIBUTES.map((attribute) => [attribute.key, attribute]))

/** The attributes that carry `ledger` on the bus: only what differs from {@link EMPTY_LEDGER}. */
export function ledgerAttributes(ledger: Ledger): Map<string, AttributeValue> {
  const attributes = new Map<string, AttributeValue>()
  for (const { field, key, kind } of LEDGER_ATTRIBUTES) {
    const value = ledger[field]
    if (value === EMPTY_LEDGER[field] || value === null) continue
    attributes.set(key, kind === 'count' ? BigInt(value as number) : (value as string | bigint))
  }
  return attributes
}

/** Collects the ledger of one span after another from the attributes that carry it. */
export class LedgerBuilder {
  #fields: Record<string, unknown> | undefined

  /** Takes an attribute that is ours; one that no field has is dropped. */
  set(key: string, value: AttributeValue): void {
    const attribute = BY_KEY.get(key)
    if (attribute === undefined) return
    this.#fields ??= { ...EMPTY_LEDGER }
    this.#fields[attribute.field] = attribute.kind === 'count' ? Number(value) : value
  }

  /** The ledger of what was set since the last call: the inverse of {@link ledgerAttributes}. */
  take(): Ledger {
    const fields = this.#fields
    this.#fields = undefined
    return fields === undefined ? EMPTY_LEDGER : (fields as unknown as Ledger)
  }
}

/** Splits what a span carries on the bus into the client's span and our ledger. */
export function splitLedger(span: Span): PricedSpan {
  const builder = new LedgerBuilder()
  const attributes = withoutLedger(span.attributes)
  if (attributes === span.attributes) return { span, ledger: EMPTY_LEDGER }
  for (const [key, value] of span.attributes) builder.set(key, value)
  return { span: { ...span, attributes }, ledger: builder.take() }
}

/** `attributes` less those in our namespace; the same object where there are none. */
export function withoutLedger(attributes: Attributes): Attributes {
  let clean: Map<string, AttributeValue> | undefined
  for (const key of attributes.keys()) {
    if (!isLedgerKey(key)) continue
    clean ??= new Map(attributes)
    clean.delete(key)
  }
  return clean ?? attributes
}
