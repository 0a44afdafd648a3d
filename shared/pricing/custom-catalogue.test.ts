import fc from 'fast-check'
import { expect, test } from 'vitest'
import { buildChat } from '../../test/support/span.ts'
import { loadCatalogue } from './catalogue.ts'
import { createCustomCatalogue } from './custom-catalogue.ts'
import { type CustomPrice, customPriceSchema, fits } from './custom-price.ts'
import type { PricePlan } from './plan.ts'
import { createPricer } from './pricer.ts'
import type { Quote } from './quote.ts'
import { openSqlitePriceStore } from './sqlite-price-store.ts'

const base = await loadCatalogue()

async function cost(
  prices: readonly CustomPrice[],
  model: string,
  options: { project?: string; start?: string; tier?: string } = {},
) {
  const { project = 'p', start = '2026-11-01T00:00:00Z', tier = '' } = options
  const store = openSqlitePriceStore(':memory:')
  await store.replace('p', prices)
  const pricer = createPricer({ catalogue: createCustomCatalogue({ base, store }) })
  await pricer.prepare([project])
  const attributes = { 'gen_ai.provider.name': 'openai', 'openai.response.service_tier': tier }
  const [ledger] = pricer.price([buildChat(model, { input_tokens: 1_000_000 }, { start, attributes })], { project })
  return ledger!.costPicoUsd === null ? ledger!.costStatus : Number(ledger!.costPicoUsd) / 1e12
}

const price = (rest: Partial<CustomPrice>): CustomPrice => ({
  provider: '*',
  model: '*',
  prices: { input_mtok: 7 },
  ...rest,
})

test("a project's own price comes before the catalogue's, for that project alone", async () => {
  expect(await cost([price({ model: 'gpt-4o' })], 'gpt-4o')).toBe(7)
  expect(await cost([price({ model: 'gpt-4o' })], 'gpt-4o', { project: 'other' })).toBe(2.5)
  expect(await cost([price({ model: 'gpt-4o-mini' })], 'gpt-4o')).toBe(2.5)
})

test('an unlisted model has the price it is given', async () => {
  expect(await cost([], 'house-model')).toBe('unpriced')
  expect(await cost([price({ model: 'house-*' })], 'House-Model')).toBe(7)
  expect(await cost([price({ model: 'house-*', prices: {} })], 'house-model')).toBe(0)
})

test('stars stand for anything, once each and in order', async () => {
  const fits = async (pattern: string, model: string) => (await cost([price({ model: pattern })], model)) === 7
  for (const pattern of ['a*b*c', '*', 'a*', '*c', 'a*c', '*b*'])
    expect(await fits(pattern, 'axbxc'), pattern).toBe(true)
  expect(await fits('axb*bxa', 'axbxa')).toBe(false)
  for (const pattern of ['a*c*b', 'b*', '*b', 'axbxc*axbxc', 'ax', ''])
    expect(await fits(pattern, 'axbxc'), pattern).toBe(false)
})

test('a price holds from its start to before its end', async () => {
  const dated = [price({ from: '2026-11-01T00:00:00Z', to: '2026-12-01T00:00:00+01:00' })]
  const at = (start: string) => cost(dated, 'gpt-4o', { start })
  expect([await at('2026-10-31T23:59:59Z'), await at('2026-11-01T00:00:00Z')]).toStrictEqual([2.5, 7])
  expect([await at('2026-11-30T22:59:59Z'), await at('2026-11-30T23:00:00Z')]).toStrictEqual([7, 2.5])
})

test('a price whose first and last microseconds were those of another', () => {
  const dated = price({ model: 'gpt-4o', from: '2026-11-01T00:00:00.0005Z', to: '2026-11-01T00:00:01.000500001Z' })
  const quote = createCustomCatalogue({ base, shared: [dated] }).find({
    ...{ provider: 'openai', model: 'gpt-4o', asked: 'gpt-4o' },
    ...{ serviceTier: '', project: 'p' },
  }) as Quote
  const second = BigInt(Date.parse('2026-11-01T00:00:00Z')) * 1_000_000n
  const isOwn = (nanos: bigint) => (quote.at(second + nanos) as PricePlan).version.startsWith('custom@')
  expect([499_999n, 500_000n, 1_000_500_000n, 1_000_500_001n].map(isOwn)).toStrictEqual([false, true, true, false])
})

test('of several that fit the last one holds; a tier and a provider narrow a price', async () => {
  expect(await cost([price({}), price({ prices: { input_mtok: '8.5' } })], 'gpt-4o')).toBe(8.5)
  expect(await cost([price({ serviceTier: 'priority' })], 'gpt-4o')).toBe(2.5)
  expect(await cost([price({ serviceTier: 'priority' })], 'gpt-4o', { tier: 'priority' })).toBe(7)
  expect(await cost([price({ provider: 'azure' })], 'gpt-4o')).toBe(2.5)
})

test('long-context tiers of a price of one’s own hold', async () => {
  const tiers = { input_mtok: { base: 1, tiers: [{ start: 200_000, price: 2 }] } }
  expect(await cost([price({ prices: tiers })], 'gpt-4o')).toBe(2)
})

test('a change in the store is seen, without a look-up asking the store each time', async () => {
  const store = openSqlitePriceStore(':memory:')
  let time = 0
  let asked = 0
  const counted = {
    get: (project: string) => {
      asked++
      return store.get(project)
    },
  }
  const catalogue = createCustomCatalogue({ base, store: counted, refreshMs: 30_000, now: () => time })
  const pricer = createPricer({ catalogue })
  const span = buildChat('house-model', { input_tokens: 1_000_000 })
  const status = async (project = 'p') => {
    await pricer.prepare([project])
    return pricer.price([span], { project })[0]!.costStatus
  }
  for (let n = 0; n < 100; n++) expect(await status()).toBe('unpriced')
  expect(asked).toBe(1)
  await store.replace('p', [price({})])
  time += 29_999
  expect(await status()).toBe('unpriced')
  time += 1
  expect(await status()).toBe('priced')
  expect(await status('other')).toBe('unpriced')
  expect(asked).toBe(3)
  expect(() => pricer.price([span], { project: 'never' })).toThrow('not prepared')
})

test('a project whose prices had just been read was not prepared once a thousand others were', async () => {
  const store = openSqlitePriceStore(':memory:')
  let time = 0
  let searches = 0
  const counted = {
    ...base,
    find: (query: Parameters<typeof base.find>[0]) => {
      searches++
      return base.find(query)
    },
  }
  const pricer = createPricer({ catalogue: createCustomCatalogue({ base: counted, store, now: () => time }) })
  const span = buildChat('house-model', { input_tokens: 1 })
  const others = Array.from({ length: 1500 }, (_, n) => `other-${n}`)
  const all = ['first', ...others]
  await pricer.prepare(['first'])
  await pricer.prepare(all)
  for (const project of all) expect(pricer.price([span], { project })[0]!.costStatus).toBe('unpriced')
  expect(searches).toBe(1501)

  // Those that nobody prices for are forgotten all the same, and what is found for the others is not.
  time += 3_600_000
  await pricer.prepare(['first'])
  for (const project of ['first', 'other-1499']) pricer.price([span], { project })
  expect(searches).toBe(1501)
  expect(() => pricer.price([span], { project: 'other-0' })).toThrow('not prepared')
})

test.each([
  { model: '' },
  { model: 'x', prices: { input_mtok: -1 } },
  { model: 'x', prices: { input_mtok: Number.NaN } },
  { model: 'x', prices: { input_mtok: '1,5' } },
  { model: 'x', prices: { inputs: 1 } },
  { model: 'x', prices: { input_mtok: 1e9 + 1 } },
  { model: 'x', prices: { input_mtok: { base: 0, tiers: [{ start: -1, price: 1 }] } } },
  { model: 'x', prices: {}, from: '2026-11-01' },
  { model: 'x', prices: {}, from: '2026-13-01T00:00:00Z', to: '2026-11-01T00:00:00Z' },
  { model: 'x', prices: {}, from: '2026-11-02T00:00:00.000002Z', to: '2026-11-02T00:00:00.000002Z' },
  { model: 'x', prices: {}, from: '2026-11-02T00:00:00Z', to: '2026-11-01T00:00:00Z' },
  { model: 'x', prices: {}, more: 1 },
])('%j is refused', (wrong) => {
  expect(customPriceSchema.safeParse({ prices: {}, ...wrong }).success).toBe(false)
})

test.each([
  { from: '2026-11-01T00:00:00+02:00' },
  { to: '2026-11-01T00:00:00.000000001-23:59' },
  { prices: { input_mtok: 1e9 } },
  { prices: { input_mtok: { base: 0, tiers: [{ start: 0, price: '1e-6' }] } } },
])('%j is taken', (right) => {
  expect(customPriceSchema.safeParse({ model: 'x', prices: {}, ...right }).success).toBe(true)
})

test('nothing listed is free, of whatever kind; what is listed is named in the receipt as it was set', async () => {
  const of = async (prices: CustomPrice['prices'], provider = '*') => {
    const shared = [price({ provider, model: 'house-*', prices })]
    const pricer = createPricer({ catalogue: createCustomCatalogue({ base, shared }) })
    const attributes = { 'gen_ai.provider.name': 'house' }
    const usage = { input_tokens: 10, output_tokens: 5, 'reasoning.output_tokens': 2, 'cache_read.input_tokens': 4 }
    const [ledger] = pricer.price([buildChat('house-1', usage, { attributes })], { project: 'p' })
    return [ledger!.costStatus, ledger!.costPicoUsd, JSON.parse(ledger!.receipt).price]
  }
  expect(await of({})).toStrictEqual(['free', 0n, 'house-*'])
  expect(await of({ input_mtok: 1, output_mtok: 2 }, 'house')).toStrictEqual(['priced', 20_000_000n, 'house/house-*'])
  expect((await of({ input_mtok: 1 }))[0]).toBe('unpriced')
})

test('a price of a million digits was taken, and reducing it held up all else for minutes', () => {
  const valid = (input_mtok: string) => customPriceSchema.safeParse({ model: 'x', prices: { input_mtok } }).success
  expect(valid(`0.${'1'.repeat(38)}`)).toBe(true)
  expect(valid(`0.${'1'.repeat(39)}`)).toBe(false)
})

test('a pattern fits what the same regular expression fits', () => {
  const text = (...letters: string[]) =>
    fc.array(fc.constantFrom(...letters), { maxLength: 8 }).map((all) => all.join(''))
  fc.assert(
    fc.property(text('a', 'b', '*'), text('a', 'b'), (model, name) => {
      const expression = new RegExp(`^${model.replaceAll('*', '.*')}$`)
      expect(fits(price({ model }), 'openai', name, '')).toBe(expression.test(name))
    }),
    { numRuns: 2_000 },
  )
})

test('a price of one’s own for what was asked was ignored where the model that answered has a listed one', async () => {
  const store = openSqlitePriceStore(':memory:')
  await store.replace('p', [price({ model: 'our-deployment' })])
  const pricer = createPricer({ catalogue: createCustomCatalogue({ base, store }) })
  await pricer.prepare(['p'])
  const costOf = (asked: string, answered: string) => {
    const attributes = { 'gen_ai.provider.name': 'azure', 'gen_ai.response.model': answered }
    return pricer.price([buildChat(asked, { input_tokens: 1000 }, { attributes })], { project: 'p' })[0]!.costPicoUsd
  }
  expect(costOf('our-deployment', 'gpt-4o-2024-11-20')).toBe(1000n * 7_000_000n)
  expect(costOf('your-deployment', 'gpt-4o-2024-11-20')).toBe(1000n * 2_500_000n)
  expect(costOf('gpt-4o', 'our-deployment')).toBe(1000n * 7_000_000n)
})

test('a price for the standard tier held for one of its names alone', async () => {
  for (const named of ['', 'default', 'Standard', 'on_demand'])
    for (const tier of ['', 'default', 'auto', 'standard'])
      expect(await cost([price({ serviceTier: named })], 'gpt-4o', { tier }), `${named} ${tier}`).toBe(7)
  expect(await cost([price({ serviceTier: 'default' })], 'gpt-4o', { tier: 'batch' })).toBe(1.25)
})

test('a pattern for the provider fitted none, and neither did a model with a space at its end', async () => {
  expect(await cost([price({ provider: 'open*' })], 'gpt-4o')).toBe(7)
  expect(await cost([price({ provider: 'azure*' })], 'gpt-4o')).toBe(2.5)
  expect(await cost([price({ model: ' gpt-4o ' })], 'gpt-4o')).toBe(7)
})

test('a price that fits every model was compiled anew, and kept, for each of their names', () => {
  const prices = [price({ prices: { input_mtok: 1 } }), price({}), price({ from: '2026-11-01T00:00:00Z' })]
  const { find } = createCustomCatalogue({ base, shared: prices })
  const planAt = (model: string, day: string) => {
    const quote = find({ provider: 'openai', model, asked: model, serviceTier: '', project: 'p' })
    return typeof quote === 'string' ? quote : quote.at(BigInt(Date.parse(day)) * 1_000_000n)
  }
  for (const day of ['2026-10-31', '2026-11-01']) expect(planAt('one', day)).toBe(planAt('another', day))
  expect(planAt('one', '2026-10-31')).not.toBe(planAt('one', '2026-11-01'))
})
