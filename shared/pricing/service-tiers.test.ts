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
  ['openai', 'gpt-4o', 'priority', PLAIN, 'no price for service tier priority'],
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
