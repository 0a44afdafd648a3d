import { calcPrice } from '@pydantic/genai-prices'
import { expect, test } from 'vitest'
import { emptyUsage, LEAF } from '../genai/usage.ts'
import { createCatalogue, loadCatalogue, loadProviders } from './catalogue.ts'
import { modelNames } from './model-names.ts'
import { indexMatches, matches } from './models.ts'
import { bill } from './receipt.ts'

const catalogue = await loadCatalogue()
const providers = await loadProviders()
const NOON = BigInt(Date.parse('2026-11-01T12:00:00Z')) * 1_000_000n

const asListed = createCatalogue(providers, 'as listed', { amendments: [] })

const planOf = (provider: string, model: string, time = NOON, { find } = catalogue) => {
  const quote = find({ provider, model, asked: model, serviceTier: '', project: 'p' })
  return typeof quote === 'string' ? quote : quote.at(time)
}

test('every model of the catalogue costs what the catalogue’s own arithmetic says, to its precision', () => {
  const usage = emptyUsage()
  usage[LEAF.input_tokens] = 700
  usage[LEAF.cache_read_tokens] = 300
  usage[LEAF.output_tokens] = 90
  let compared = 0
  for (const provider of providers)
    for (const { id, match } of provider.models) {
      if (!matches(match, id.toLowerCase())) continue
      const timestamp = new Date('2026-11-01T12:00:00Z')
      const counts = { input_tokens: 1000, cache_read_tokens: 300, output_tokens: 90 }
      const theirs = calcPrice(counts, id, { providerId: provider.id, timestamp })
      const plan = planOf(provider.id, id, NOON, asListed)
      if (theirs === null || typeof plan === 'string') continue
      const ours = bill(usage, plan)
      if ('unpriced' in ours) continue
      const requests = plan.tiers[0]!.rates[LEAF.requests]?.rate.whole ?? 0
      expect((Number(ours.total) + requests) / 1e12, `${provider.id}/${id}`).toBeCloseTo(theirs.total_price, 12)
      compared++
    }
  expect(compared).toBeGreaterThan(1000)
})

test('an index finds what a search through the list finds', () => {
  for (const { models } of providers) {
    const list = models.map(({ match }) => match)
    const index = indexMatches(list)
    for (const { id } of models) {
      const name = id.toLowerCase()
      expect(index.find(name)).toBe(list.findIndex((match) => matches(match, name)))
    }
  }
})

test('names of one model', () => {
  expect(modelNames('models/Gemini-2.5-Flash')).toContain('gemini-2.5-flash')
  expect(modelNames('projects/p/locations/l/publishers/google/models/gemini-2.5-pro')).toContain('gemini-2.5-pro')
  expect(modelNames('claude-sonnet-4@20250514')).toContain('claude-sonnet-4-20250514')
  expect(modelNames('gpt-5-20250807')).toContain('gpt-5-2025-08-07')
})

test('the price of the day and of the hour', () => {
  const at = (time: string) => {
    const plan = planOf('deepseek', 'deepseek-chat', BigInt(Date.parse(time)) * 1_000_000n)
    return typeof plan === 'string' ? plan : plan.tiers[0]!.rates[LEAF.input_tokens]!.rate.whole
  }
  expect([at('2025-03-01T00:29:59Z'), at('2025-03-01T00:30:00Z')]).toStrictEqual([135_000, 270_000])
  expect([at('2025-03-01T16:29:59Z'), at('2025-03-01T16:30:00Z')]).toStrictEqual([270_000, 135_000])
})

test('the version changes with any price', () => {
  const list = (input_mtok: number) => [
    { id: 'a', models: [{ id: 'm', match: { equals: 'm' }, prices: { input_mtok } }] },
  ]
  expect(createCatalogue(list(1), 'x').version).not.toBe(createCatalogue(list(2), 'x').version)
  expect(createCatalogue(list(1), 'x').version).toBe(createCatalogue(list(1), 'x').version)
})

test('hostile names are answered at once', () => {
  expect(planOf('openai', 'x'.repeat(1_000_000))).toBe('model name too long')
  expect(planOf('x'.repeat(1_000_000), 'gpt-4o')).toBe('model name too long')
  for (const name of ['__proto__', 'constructor', 'toString', '', '*', '/', 'a/', '/a', '\u0000'])
    expect(typeof planOf(name, name)).toBe('string')
})
