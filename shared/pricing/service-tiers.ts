import type { Discount } from './plan.ts'

/** Names under which providers bill at list price. Capacity that was bought beforehand is not among them. */
const STANDARD: ReadonlySet<string> = new Set([
  '',
  'default',
  'auto',
  'standard',
  'standard_only',
  'unspecified',
  'traffic_type_unspecified',
  'on_demand',
  'on-demand',
  'ondemand',
])

const HALF: Discount = { times: 1n, over: 2n, cacheReads: 'discounted' }
/** Half of the list price; the discount on cached tokens takes its place instead of coming on top. */
const HALF_OR_CACHED: Discount = { ...HALF, cacheReads: 'listed' }
/** Half of the list price; what cached tokens then cost is not published. */
const HALF_IF_UNCACHED: Discount = { ...HALF, cacheReads: 'unknown' }

/** What Anthropic adds for inference that is to stay in the United States, and what is left of that in a batch. */
const TENTH_MORE: Discount = { times: 11n, over: 10n, cacheReads: 'discounted' }
const HALF_AND_TENTH: Discount = { ...TENTH_MORE, over: 20n }

/**
 * Discounts on tokens that a provider (by its id in the catalogue) gives on all of its models, and surcharges, by service
 * tier. xAI's discount on batches depends on the model.
 */
const DISCOUNTS = mapOfMaps({
  openai: { batch: HALF, flex: HALF },
  azure: { batch: HALF_IF_UNCACHED },
  anthropic: { batch: HALF, us: TENTH_MORE, 'batch-us': HALF_AND_TENTH },
  aws: { batch: HALF_IF_UNCACHED, flex: HALF_IF_UNCACHED },
  google: { batch: HALF_OR_CACHED, flex: HALF_IF_UNCACHED },
  mistral: { batch: HALF_IF_UNCACHED },
  groq: { batch: HALF_OR_CACHED },
})

/**
 * What OpenAI takes for calls that go first, as a fraction of its list price, by model: its page on that tier has no others at
 * the prices that are listed now, and none for a long context.
 */
export const OPENAI_FIRST: Readonly<Record<string, readonly [times: number, over: number]>> = {
  'gpt-4o': [17, 10],
  'gpt-4o-2024-05-13': [7, 4],
  'gpt-4o-mini': [5, 3],
  'gpt-4.1': [7, 4],
  'gpt-4.1-mini': [7, 4],
  'gpt-4.1-nano': [2, 1],
  o3: [7, 4],
  'o4-mini': [20, 11],
  'gpt-5': [2, 1],
  'gpt-5-mini': [9, 5],
  'gpt-5.1': [2, 1],
  'gpt-5.2': [2, 1],
  'gpt-5.4': [2, 1],
  'gpt-5.4-mini': [2, 1],
  'gpt-5.5': [5, 2],
  'gpt-6.1-terra': [2, 1],
  'gpt-6.2-sol': [2, 1],
}

const FIRST: ReadonlyMap<string, Discount> = new Map(
  Object.entries(OPENAI_FIRST).map(([model, [times, over]]) => [
    model,
    { times: BigInt(times), over: BigInt(over), cacheReads: 'discounted', shortContextOnly: true },
  ]),
)

/** OpenAI's names of that tier: the second since July 2026. */
const FIRST_NAMES: ReadonlySet<string> = new Set(['priority', 'fast'])

/** Looked up by what clients say, `constructor` included. */
function mapOfMaps(table: Readonly<Record<string, Readonly<Record<string, Discount>>>>) {
  return new Map(Object.entries(table).map(([provider, tiers]) => [provider, new Map(Object.entries(tiers))]))
}

/**
 * What a service tier of `provider` does to the list prices of `model` (both by their ids in the catalogue): nothing (null), a
 * discount or a surcharge, or something unknown (undefined).
 */
export function tierDiscount(provider: string, model: string, tier: string): Discount | null | undefined {
  const name = tier.toLowerCase()
  if (STANDARD.has(name)) return null
  if (name === 'flex' && provider === 'groq') return null
  if (provider === 'openai' && FIRST_NAMES.has(name)) return FIRST.get(model)
  return DISCOUNTS.get(provider)?.get(name)
}

/** A service tier as receipts name it, from what a client calls it: lower-case, short and printable; '' for a standard one. */
export function namedTier(tier: string): string {
  const name = tier.toLowerCase()
  return STANDARD.has(name) ? '' : name.slice(0, 40).replaceAll(/[^ -~]/g, '?')
}
