import type { Discount } from './plan.ts'

/** Names under which providers bill at list price. */
const STANDARD: ReadonlySet<string> = new Set([
  '',
  'default',
  'auto',
  'standard',
  'standard_only',
  'on_demand',
  'on-demand',
  'ondemand',
  'scale',
  'reserved',
])

const HALF: Discount = { times: 1n, over: 2n }

/** Discounts on tokens that a provider (by its id in the catalogue) gives on all of its models, by service tier. */
const DISCOUNTS: Readonly<Record<string, Readonly<Record<string, Discount>>>> = {
  openai: { batch: HALF, flex: HALF },
  azure: { batch: HALF },
  anthropic: { batch: HALF },
  aws: { batch: HALF, flex: HALF },
  google: { batch: HALF, flex: HALF },
  mistral: { batch: HALF },
  groq: { batch: HALF },
  'x-ai': { batch: HALF },
}

/** What a service tier of `provider` does to list prices: nothing (null), a discount, or something unknown (undefined). */
export function tierDiscount(provider: string, tier: string): Discount | null | undefined {
  const name = tier.toLowerCase()
  if (STANDARD.has(name)) return null
  if (name === 'flex' && provider === 'groq') return null
  return DISCOUNTS[provider]?.[name]
}
