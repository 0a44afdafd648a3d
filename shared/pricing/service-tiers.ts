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

/** Discounts on tokens that a provider gives on all of its models, by service tier. */
const DISCOUNTS: Readonly<Record<string, Readonly<Record<string, Discount>>>> = {
  openai: { batch: HALF, flex: HALF },
  'azure.ai.openai': { batch: HALF },
  anthropic: { batch: HALF },
  'aws.bedrock': { batch: HALF, flex: HALF },
  'gcp.gemini': { batch: HALF, flex: HALF },
  'gcp.vertex_ai': { batch: HALF, flex: HALF },
  mistral_ai: { batch: HALF },
  groq: { batch: HALF },
  x_ai: { batch: HALF },
}

/** What a service tier does to list prices: nothing (null), a discount, or something unknown (undefined). */
export function tierDiscount(provider: string, tier: string): Discount | null | undefined {
  const name = tier.toLowerCase()
  if (STANDARD.has(name)) return null
  if (name === 'flex' && provider === 'groq') return null
  return DISCOUNTS[provider]?.[name]
}
