import { LEAF, LEAVES, type Leaf } from '../genai/usage.ts'
import { type Rate, rateFromUsd, rateText, scaleRate } from './money.ts'

/**
 * Prices as catalogues give them: USD per `…_mtok` million tokens, `…_kcount` thousand; flat, or rising with the input; null
 * for what is sold at a price of its own that nobody has listed.
 */
export type PriceList = Readonly<Record<string, UsdPrice | TieredPrice | null | undefined>>

/** USD, as a number or as its decimal text. */
type UsdPrice = number | string

interface TieredPrice {
  readonly base: UsdPrice
  readonly tiers: readonly { readonly start: number; readonly price: UsdPrice }[]
}

/**
 * Which listed price holds for each leaf: the first that is listed. A class without a price of its own costs what the
 * class above it costs, as the catalogue means it. One-hour cache writes are the exception: where writes have a price,
 * that of five minutes says nothing about theirs.
 */
const PRICE_KEYS: Readonly<Record<Leaf, readonly string[]>> = {
  input_tokens: ['input_text_mtok', 'input_mtok'],
  cache_read_tokens: ['cache_text_read_mtok', 'cache_read_mtok', 'input_mtok'],
  cache_write_5m_tokens: ['cache_write_5m_mtok', 'cache_write_mtok', 'input_mtok'],
  cache_write_1h_tokens: ['cache_write_1h_mtok', 'input_mtok'],
  input_audio_tokens: ['input_audio_mtok', 'input_mtok'],
  input_image_tokens: ['input_image_mtok', 'input_mtok'],
  cache_read_audio_tokens: ['cache_audio_read_mtok', 'cache_read_mtok', 'input_audio_mtok', 'input_mtok'],
  cache_read_image_tokens: ['cache_image_read_mtok', 'cache_read_mtok', 'input_image_mtok', 'input_mtok'],
  output_tokens: ['output_text_mtok', 'output_mtok'],
  reasoning_tokens: ['output_reasoning_mtok', 'output_mtok'],
  output_audio_tokens: ['output_audio_mtok', 'output_mtok'],
  output_image_tokens: ['output_image_mtok', 'output_mtok'],
  requests: ['requests_kcount'],
  web_searches: ['web_searches_kcount'],
}

/** Every listed price that is understood. */
export const LISTED_UNITS = [...new Set(Object.values(PRICE_KEYS).flat())]

/** A price of one leaf, with the texts of its receipt line around the quantity and the amount. */
export interface PlanRate {
  readonly rate: Rate
  /** The whole rate without the zeros at its end: times a quantity it is a small number, whose text takes less to write. */
  readonly significant: number
  readonly beforeQuantity: string
  /** The same of a line that is not the first. */
  readonly beforeNextQuantity: string
  readonly beforeAmount: string
  /** Those zeros, and the end of the line. */
  readonly afterSignificant: string
}

/** Prices by leaf that hold while the input is more than `above` tokens; null where none is known. */
export interface PlanTier {
  readonly above: number
  readonly rates: readonly (PlanRate | null)[]
  /** Members of the receipt that depend only on the tier, as JSON text between others and the first line. */
  readonly receiptHead: string
}

/** What a model's calls cost at one time: one tier, or several by size of input, in rising order. */
export interface PricePlan {
  /** The model's id in the catalogue: `openai/gpt-4o`. */
  readonly id: string
  /** Of the catalogue, or of the price of one's own. */
  readonly version: string
  readonly tiers: readonly PlanTier[]
  /** Whether everything is free. */
  readonly free: boolean
  /** Why there is no price for anything that spans count, such as a model that is sold by the hour; else ''. */
  readonly unpriced: string
}

/** What of the list price holds, such as a half for a batch; of tokens only. */
export interface Discount {
  readonly times: bigint
  readonly over: bigint
  /** Whether it holds for tokens read from the cache too, these keep their listed price, or nobody knows. */
  readonly cacheReads: 'discounted' | 'listed' | 'unknown'
  /** Nobody knows what a long context costs. */
  readonly shortContextOnly?: boolean
}

const CACHE_READS: ReadonlySet<Leaf> = new Set([
  'cache_read_tokens',
  'cache_read_audio_tokens',
  'cache_read_image_tokens',
])

/** Compiles listed prices. Throws `pricing/invalid` for a price that is no number of at least 0. */
export function compilePlan(id: string, version: string, prices: PriceList, tier = '', discount?: Discount): PricePlan {
  const starts = new Set([-1])
  for (const price of Object.values(prices))
    if (typeof price === 'object' && price !== null) for (const { start } of price.tiers) starts.add(start)
  const head = `"price":${JSON.stringify(id)},"version":${JSON.stringify(version)}${tier && `,"serviceTier":${JSON.stringify(tier)}`}`
  const tiers = [...starts]
    .toSorted((a, b) => a - b)
    .map((above) => ({
      above,
      rates: LEAVES.map((leaf) => compileRate(leaf, prices, above, discount)),
      receiptHead: `${head}${above > 0 ? `,"above":${above}` : ''},"lines":[`,
    }))
  return {
    id,
    version,
    tiers,
    unpriced: whyUnpriced(id, prices),
    free: tiers.every(({ rates }) => rates.every((price) => price === null || price.rate.numerator === 0n)),
  }
}

function whyUnpriced(id: string, prices: PriceList): string {
  const units = Object.keys(prices)
  if (units.length === 0) return `no price is listed for ${id}`
  return units.some((unit) => LISTED_UNITS.includes(unit))
    ? ''
    : `${id} is sold by ${units.join(', ')}, which spans do not say`
}

function compileRate(leaf: Leaf, prices: PriceList, above: number, discount?: Discount): PlanRate | null {
  if (leaf === 'cache_write_1h_tokens' && prices.cache_write_1h_mtok === undefined && hasWritePrice(prices)) return null
  const key = PRICE_KEYS[leaf].find((name) => prices[name] !== undefined)
  const price = key === undefined ? null : prices[key]
  if (key === undefined || price == null) return null
  let rate = rateFromUsd(listedPrice(price, above), key.endsWith('_kcount') ? 1_000 : 1_000_000)
  if (discount !== undefined && LEAF[leaf] < LEAF.requests) {
    const { cacheReads, times, over, shortContextOnly } = discount
    if (shortContextOnly && above >= 0) return null
    const applies = cacheReads === 'discounted' || !CACHE_READS.has(leaf)
    if (!applies && cacheReads === 'unknown') return null
    if (applies) rate = scaleRate(rate, times, over)
  }
  const zeros = /(?<=[1-9])0*$/.exec(String(rate.whole))?.[0] ?? ''
  const beforeQuantity = `{"unit":"${leaf}","quantity":`
  return {
    rate,
    significant: rate.whole / 10 ** zeros.length,
    beforeQuantity,
    beforeNextQuantity: `,${beforeQuantity}`,
    beforeAmount: `,"unitPrice":"${rateText(rate)}","amount":"`,
    afterSignificant: `${zeros}"}`,
  }
}

function hasWritePrice(prices: PriceList): boolean {
  return prices.cache_write_mtok !== undefined || prices.cache_write_5m_mtok !== undefined
}

function listedPrice(price: UsdPrice | TieredPrice, above: number): UsdPrice {
  if (typeof price !== 'object') return price
  let listed = price.base
  for (const tier of price.tiers.toSorted((a, b) => a.start - b.start)) if (above >= tier.start) listed = tier.price
  return listed
}
