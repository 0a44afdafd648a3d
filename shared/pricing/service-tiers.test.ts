import { expect, test } from 'vitest'
import { buildChat } from '../../test/support/span.ts'
import { loadCatalogue } from './catalogue.ts'
import { createCustomCatalogue } from './custom-catalogue.ts'
import { createPricer } from './pricer.ts'

const catalogue = await loadCatalogue()
const pricer = createPricer({ catalogue })

const PLAIN = { input_tokens: 1000, output_tokens: 100 }
const CACHED = { ...PLAIN, 'cache_read.input_tokens': 400 }

function call(provider: string, model: string, tier: string, usage: Readonly<Record<string, number>> = PLAIN) {
  const attributes = { 'gen_ai.provider.name': provider, 'gen_ai.response.service_tier': tier }
  return buildChat(model, usage, { attributes })
}

const price = (...said: Parameters<typeof call>) => pricer.price([call(...said)], { project: 'p' })[0]!

test.each<[...Parameters<typeof call>, string]>([
  // xAI's discount on batches depends on the model.
  ['x_ai', 'grok-4.6', 'batch', PLAIN, 'no price for service tier batch'],
  // No price is published of what was cached.
  ['mistral_ai', 'mistral-large-2512', 'batch', CACHED, 'no price for cache_read_tokens'],
  ['azure.ai.openai', 'o4-mini', 'batch', CACHED, 'no price for cache_read_tokens'],
  ['aws.bedrock', 'amazon.nova-pro-v1:0', 'flex', CACHED, 'no price for cache_read_tokens'],
  ['gcp.vertex_ai', 'gemini-2.5-pro', 'ON_DEMAND_FLEX', CACHED, 'no price for cache_read_tokens'],
  // Dearer than listed, by how much is not in the catalogue.
  ['openai', 'gpt-5-nano', 'priority', PLAIN, 'no price for service tier priority'],
  ['openai', 'gpt-6-sol', 'fast', PLAIN, 'no price for service tier fast'],
  ['openai', 'gpt-5.4', 'priority', { input_tokens: 300_000 }, 'no price for input_tokens'],
  ['openai', 'gpt-6.2-sol', 'fast', { input_tokens: 272_001 }, 'no price for input_tokens'],
  ['openai', 'gpt-6.2-sol', 'ultrafast', PLAIN, 'no price for service tier ultrafast'],
  ['azure.ai.openai', 'gpt-4o', 'priority', PLAIN, 'no price for service tier priority'],
  ['aws.bedrock', 'amazon.nova-pro-v1:0', 'priority', PLAIN, 'no price for service tier priority'],
  ['gcp.vertex_ai', 'gemini-2.5-pro', 'ON_DEMAND_PRIORITY', PLAIN, 'no price for service tier priority'],
  ['groq', 'openai/gpt-oss-20b', 'performance', PLAIN, 'no price for service tier performance'],
  // Bought beforehand.
  ['anthropic', 'claude-sonnet-4-5', 'priority', PLAIN, 'no price for service tier priority'],
  ['openai', 'gpt-4o', 'scale', PLAIN, 'no price for service tier scale'],
  ['aws.bedrock', 'amazon.nova-pro-v1:0', 'reserved', PLAIN, 'no price for service tier reserved'],
  ['gcp.vertex_ai', 'gemini-2.5-pro', 'PROVISIONED_THROUGHPUT', PLAIN, 'no price for service tier provisioned'],
  ['deepseek', 'deepseek-v4-flash', 'batch', PLAIN, 'no price for service tier batch'],
  ['openai', 'gpt-4o', 'nonsense', PLAIN, 'no price for service tier nonsense'],
])('%s %s, %s: unpriced, never at list price', (provider, model, tier, usage, reason) => {
  const ledger = price(provider, model, tier, usage)
  expect(ledger).toMatchObject({ costStatus: 'unpriced', costPicoUsd: null })
  expect(JSON.parse(ledger.receipt).reason).toContain(reason)
  expect(JSON.parse(ledger.receipt).serviceTier).toMatch(/^[a-z_]+$/)
})

test.each([
  // As OpenAI's page on its priority tier, now its fast mode, had them: USD per million of input, cached input and output.
  ['gpt-6.2-sol', 4, 0.2, 20],
  ['gpt-6.1-terra', 2, 0.1, 10],
  ['gpt-5.5', 12.5, 1.25, 75],
  ['gpt-5.4-mini', 1.5, 0.15, 9],
  ['gpt-5.4', 5, 0.5, 30],
  ['gpt-5.2', 3.5, 0.35, 28],
  ['gpt-5.1', 2.5, 0.25, 20],
  ['gpt-5', 2.5, 0.25, 20],
  ['gpt-5-mini', 0.45, 0.045, 3.6],
  ['gpt-5.1-codex', 2.5, 0.25, 20],
  ['gpt-5-codex', 2.5, 0.25, 20],
  ['gpt-4.1', 3.5, 0.875, 14],
  ['gpt-4.1-mini', 0.7, 0.175, 2.8],
  ['gpt-4.1-nano', 0.2, 0.05, 0.8],
  ['gpt-4o-2024-11-20', 4.25, 2.125, 17],
  ['gpt-4o-2024-08-06', 4.25, 2.125, 17],
  ['gpt-4o-2024-05-13', 8.75, 8.75, 26.25],
  ['gpt-4o-mini', 0.25, 0.125, 1],
  ['o3', 3.5, 0.875, 14],
  ['o4-mini', 2, 0.5, 8],
])('what goes first at OpenAI had no price: %s', (model, input, cached, output) => {
  const units = (tokens: number, usd: number) => BigInt(tokens) * BigInt(Math.round(usd * 1_000_000))
  for (const tier of ['priority', 'fast', 'Priority']) {
    const ledger = price('openai', model, tier, CACHED)
    expect(ledger.costPicoUsd).toBe(units(600, input) + units(400, cached) + units(100, output))
    expect(JSON.parse(ledger.receipt).serviceTier).toBe(tier.toLowerCase())
  }
})

test('an unpriced call of the standard tier names none; of any other, none that is endless or cannot be read', () => {
  const tierOf = (tier: string) => JSON.parse(price('openai', 'no-such-model', tier).receipt).serviceTier
  expect(['', 'default', 'AUTO', 'Priority', `\u0000${'🙂'.repeat(99)}`].map(tierOf)).toStrictEqual([
    undefined,
    undefined,
    undefined,
    'priority',
    '?'.repeat(40),
  ])
})

test.each(['constructor', '__proto__', 'toString'])(
  'a tier called %s made pricing throw, and with it a message fail',
  (tier) => {
    for (const [provider, model] of [['openai', 'gpt-4o'] as const, [tier, 'gpt-4o'] as const, ['', tier] as const])
      expect(price(provider, model, tier).costStatus).toBe('unpriced')
  },
)

test.each(['', 'default', 'auto', 'standard', 'standard_only', 'on_demand', 'ON_DEMAND', 'unspecified'])(
  'list price holds for tier %j',
  (tier) => {
    expect(price('openai', 'gpt-4o', tier).costPicoUsd).toBe(1000n * 2_500_000n + 100n * 10_000_000n)
  },
)

test('Groq’s flexible tier costs what the standard one does', () => {
  const [flex, standard] = ['flex', 'on_demand'].map(
    (tier) => price('groq', 'llama-3.3-70b-versatile', tier).costPicoUsd,
  )
  expect(flex).toBe(1000n * 590_000n + 100n * 790_000n)
  expect(standard).toBe(flex)
})

test('what a batch looks up costs as much as ever', () => {
  const searches = { 'anthropic.usage.server_tool_use.web_search_requests': 3 }
  const span = call('anthropic', 'claude-haiku-4-5', 'batch')
  const attributes = new Map([
    ...span.attributes,
    ...Object.entries(searches).map(([key, count]) => [key, BigInt(count)] as const),
  ])
  const [ledger] = pricer.price([{ ...span, attributes }], { project: 'p' })
  expect(ledger?.costPicoUsd).toBe(1000n * 500_000n + 100n * 2_500_000n + 3n * 10_000_000_000n)
})

test('a price of one’s own gives any tier a price', () => {
  const prices = { input_mtok: 4.25, output_mtok: 17 }
  const shared = [{ provider: 'openai', model: 'gpt-4o', serviceTier: 'priority', prices }]
  const own = createPricer({ catalogue: createCustomCatalogue({ base: catalogue, shared }) })
  const costs = ['priority', 'default'].map((tier) => own.price([call('openai', 'gpt-4o', tier)], { project: 'p' })[0])
  expect(costs.map((ledger) => ledger?.costPicoUsd)).toStrictEqual([
    1000n * 4_250_000n + 100n * 17_000_000n,
    1000n * 2_500_000n + 100n * 10_000_000n,
  ])
})
