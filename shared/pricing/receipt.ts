import { inputTokens, LEAF, LEAVES, type Usage } from '../genai/usage.ts'
import type { CostStatus, Ledger } from '../spans/ledger.ts'
import { amount, PICO_USD_PER_USD } from './money.ts'
import type { PlanTier, PricePlan } from './plan.ts'

/** One line of a receipt. Unit price and amount are decimal text in 1e-12 USD; the amount is a whole number. */
export interface ReceiptLine {
  readonly unit: string
  readonly quantity: number
  readonly unitPrice: string
  readonly amount: string
}

/**
 * Why a cost is what it is, as the JSON text of {@link Receipt}. `total` is the sum of the lines; each amount is quantity
 * times unit price, rounded half up once.
 */
export interface Receipt {
  readonly dialect: string
  /** Which rule read the usage (`shared/genai/resolve.ts`). */
  readonly rule?: string
  /** Catalogue id of the price, `provider/model`. */
  readonly price?: string
  readonly version?: string
  /** Present where it changed the price; of a call without a price, where it is not the standard one. */
  readonly serviceTier?: string
  /** The long-context tier: prices for input above that many tokens. */
  readonly above?: number
  readonly lines?: readonly ReceiptLine[]
  readonly total?: string
  /** The dearer of two possible readings of an ambiguous cost; `lines` is then the cheaper. */
  readonly upper?: { readonly lines: readonly ReceiptLine[]; readonly total: string }
  /** Why there is no cost. */
  readonly reason?: string
  /** On a corrected span: what it was first said to cost. */
  readonly was?: FirstSaid
}

/** What a span was first said to cost: null where that was not known. */
export interface FirstSaid {
  readonly status: CostStatus
  readonly total: string | null
  readonly version: string
}

/**
 * `ledger` as a correction of `earlier`. Its receipt keeps what was first said, through any number of corrections, so
 * that what was priced then and what is priced now are both in one row.
 */
export function correctLedger(ledger: Ledger, earlier: Ledger | FirstSaid, revision: number): Ledger {
  const was = 'version' in earlier ? earlier : firstSaid(earlier)
  const members = ledger.receipt === '' ? '' : `${ledger.receipt.slice(1, -1)},`
  return { ...ledger, revision, receipt: `{${members}"was":${JSON.stringify(was)}}` }
}

/** What a ledger says, or the first that it corrects said. */
export function firstSaid({ revision, receipt, costStatus, costPicoUsd, priceVersion }: Ledger): FirstSaid {
  const { was }: Partial<Receipt> = revision > 0 ? JSON.parse(receipt || '{}') : {}
  return was ?? { status: costStatus, total: costPicoUsd?.toString() ?? null, version: priceVersion }
}

/** A usage with its price: the sum, and its lines as JSON text; or why it has none. */
export type Bill =
  | { readonly total: bigint; readonly tier: PlanTier; readonly lines: string }
  | { readonly unpriced: string }

/** Costs are stored in 64 bits. */
const MAX_PICO_USD = 2n ** 63n - 1n

/** Prices `usage` by `plan`. The tier follows from the size of the input, unless the caller says which one. */
export function bill(usage: Usage, plan: PricePlan, tier: PlanTier = tierOf(usage, plan)): Bill {
  const { rates } = tier
  let exact = 0
  let total = 0n
  let lines = ''
  for (let leaf = 0; leaf < LEAVES.length; leaf++) {
    const quantity = usage[leaf]!
    if (quantity === 0) continue
    const price = rates[leaf]
    if (price == null) {
      if (leaf === LEAF.requests) continue
      return { unpriced: `no price for ${LEAVES[leaf]!} of ${plan.id}` }
    }
    const { rate, beforeAmount } = price
    lines += `${lines === '' ? price.beforeQuantity : price.beforeNextQuantity}${quantity}${beforeAmount}`
    const sum = exact + quantity * rate.whole
    if (rate.whole > 0 && sum <= Number.MAX_SAFE_INTEGER) {
      exact = sum
      lines += `${quantity * price.significant}${price.afterSignificant}`
    } else {
      const cost = amount(quantity, rate)
      total += cost
      lines += `${cost}"}`
    }
  }
  total += BigInt(exact)
  return total <= MAX_PICO_USD
    ? { total, tier, lines }
    : { unpriced: `more than ${MAX_PICO_USD / PICO_USD_PER_USD} USD at the price of ${plan.id}` }
}

/** The tier whose prices hold for a call with that input. */
export function tierOf(usage: Usage, plan: PricePlan): PlanTier {
  const { tiers } = plan
  if (tiers.length === 1) return tiers[0]!
  const input = inputTokens(usage)
  return tiers.findLast(({ above }) => input > above) ?? tiers[0]!
}
