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

/** Looked up by what clients say, `constructor` included. */
function mapOfMaps(table: Readonly<Record<string, Readonly<Record<string, Discount>>>>) {
  return new Map(Object.entries(table).map(([provider, tiers]) => [provider, new Map(Object.entries(tiers))]))
}

/** What a service tier of `provider` does to list prices: nothing (null), a discount, or something unknown (undefined). */
export function tierDiscount(provider: string, tier: string): Discount | null | undefined {
  const name = tier.toLowerCase()
  if (STANDARD.has(name)) return null
  if (name === 'flex' && provider === 'groq') return null
  return DISCOUNTS.get(provider)?.get(name)
}

/** A service tier as receipts name it, from what a client calls it: lower-case, short and printable; '' for a standard one. */
export function namedTier(tier: string): string {
  const name = tier.toLowerCase()
  return STANDARD.has(name) ? '' : name.slice(0, 40).replaceAll(/[^ -~]/g, '?')
}
