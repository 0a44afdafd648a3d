import { expect, test } from 'vitest'
import { type Catalogue, createCatalogue, loadProviders } from '../catalogue.ts'
import { digest } from '../digest.ts'
import type { ListedPeriod, ListedProvider } from '../listing.ts'
import type { PricePlan } from '../plan.ts'
import { amendProviders } from './amend.ts'
import { type Amended, type Amendment, from } from './amendment.ts'
import { AMENDMENTS } from './index.ts'

const providers = await loadProviders()
const catalogue = createCatalogue(providers, 'x')

/** Every three hours of a Wednesday and of a Saturday, and around each change of price. */
function instants(amendment: Amendment): number[] {
  const days = [Date.parse('2026-11-18'), Date.parse('2026-11-21')]
  const hours = days.flatMap((day) => Array.from({ length: 8 }, (_, index) => day + index * 3 * 3_600_000))
  const lists = 'prices' in amendment ? amendment.prices : 'later' in amendment ? amendment.later : []
  const starts = (Array.isArray(lists) ? (lists as readonly ListedPeriod[]) : []).flatMap(({ constraint }) =>
    constraint?.type === 'start_date' ? [Date.parse(constraint.start_date)] : [],
  )
  return [...hours, ...starts.flatMap((start) => [start - 1, start])]
}

/** What models cost at some times, as text. */
function costs(catalogue: Catalogue, { seller, models }: Amendment, times: readonly number[]) {
  return models.map((id) => {
    const model = id.replace(/^regional\./, 'us.')
    const quote = catalogue.find({ provider: seller, model, asked: model, serviceTier: '', project: 'p' })
    return typeof quote === 'string' ? quote : times.map((time) => text(quote.at(BigInt(time) * 1_000_000n)))
  })
}

function text(plan: PricePlan | string): string {
  if (typeof plan === 'string') return plan
  return JSON.stringify(plan.tiers.map(({ above, rates }) => [above, rates.map((rate) => rate?.beforeAmount ?? null)]))
}

/** Whether the catalogue itself has a model by that id. */
function isListed(seller: string, id: string): boolean {
  return providers.some((provider) => provider.id === seller && provider.models.some((model) => model.id === id))
}

test.each(AMENDMENTS.map((amendment) => [`${amendment.seller} ${amendment.models.join()}`, amendment] as const))(
  'superfluous once the catalogue has it, and to be deleted: %s',
  (_name, amendment) => {
    const times = instants(amendment)
    const without = { amendments: AMENDMENTS.filter((other) => other !== amendment) }
    const listed = costs(createCatalogue(providers, 'x', without), amendment, times)
    for (const [index, cost] of costs(catalogue, amendment, times).entries())
      expect([amendment.models[index], cost]).not.toEqual([amendment.models[index], listed[index]])
  },
)

test('what is added is listed by now, maybe at another price: compare and delete', () => {
  const bare = createCatalogue(providers, 'x', { amendments: [] })
  const listed = AMENDMENTS.flatMap((amendment) => {
    const added = amendment.models.filter((id) => !isListed(amendment.seller, id))
    return added.filter((model) => {
      const found = bare.find({ provider: amendment.seller, model, asked: model, serviceTier: '', project: 'p' })
      return typeof found !== 'string'
    })
  })
  // Names that the catalogue has in the lists of models which they no longer are, or are not.
  const moved = ['mistral-large-latest', 'codestral-latest', 'openai/gpt-oss-safeguard-20b']
  expect(listed.toSorted()).toStrictEqual(moved.toSorted())
})

test('what is amended is listed in another way by now: compare each, and set this digest anew', () => {
  const amended = AMENDMENTS.flatMap(({ seller, models }) =>
    models.map((id) => providers.find((provider) => provider.id === seller)?.models.find((model) => model.id === id)),
  )
  expect(digest(amended.map((model) => model && [model.match, model.prices]))).toBe('c5f99c2be398')
})

test('each amendment is of a seller that is listed, says where and when it was read, and starts in order', () => {
  for (const amendment of AMENDMENTS) {
    const { seller, models, sources, read } = amendment
    expect(providers.map(({ id }) => id)).toContain(seller)
    expect(models.length).toBeGreaterThan(0)
    for (const source of sources) expect(source).toMatch(/^https:\/\/\S+$/)
    expect(Date.parse(read)).toBeLessThanOrEqual(Date.now())
    if (!('prices' in amendment)) for (const id of models) expect(isListed(seller, id), id).toBe(true)
    const starts = instants(amendment).slice(16)
    expect(starts).toStrictEqual(starts.toSorted((a, b) => a - b))
  }
})

const LISTED: readonly ListedProvider[] = [
  {
    id: 'a',
    models: [
      { id: 'm', match: { starts_with: 'm' }, prices: { input_mtok: { base: 1, tiers: [{ start: 9, price: 2 }] } } },
      { id: 'n', match: { equals: 'n' }, prices: [{ prices: { input_mtok: 1 } }, from('2026-01-01', 'nobody knows')] },
    ],
  },
  { id: 'b', models: [] },
]

const amend = (amended: Amended, models = ['m', 'n']) =>
  amendProviders(LISTED, [{ seller: 'a', models, sources: [], read: '', ...amended }])

test('prices are replaced, go on, are changed in part and from another size on; what nobody knows stays so', () => {
  const pricesOf = ([provider]: readonly ListedProvider[]) => provider?.models.map(({ prices }) => prices)
  expect(pricesOf(amend({ prices: { output_mtok: 3 } }))).toStrictEqual([{ output_mtok: 3 }, { output_mtok: 3 }])
  expect(pricesOf(amend({ later: [from('2027-01-01', {})] }, ['m']))?.[0]).toStrictEqual([
    { prices: { input_mtok: { base: 1, tiers: [{ start: 9, price: 2 }] } } },
    from('2027-01-01', {}),
  ])
  expect(pricesOf(amend({ change: { input_mtok: null } }))?.[1]).toStrictEqual([
    { prices: { input_mtok: null } },
    from('2026-01-01', 'nobody knows'),
  ])
  expect(pricesOf(amend({ longContextAbove: 7 }))?.[0]).toStrictEqual([
    { prices: { input_mtok: { base: 1, tiers: [{ start: 7, price: 2 }] } } },
  ])
})

test('what is added comes before what is listed, whose patterns it would fit; who is not amended stays as it is', () => {
  const amended = amend({ prices: { input_mtok: 5 } }, ['m-2'])
  expect(amended[0]?.models.map(({ id }) => id)).toStrictEqual(['m-2', 'm', 'n'])
  expect(amended[1]).toBe(LISTED[1])
  expect(amend({ change: {} }, ['m-2'])[0]?.models.length).toBe(2)
})

test('the version changes with what is amended', () => {
  const version = (amendments?: readonly Amendment[]) =>
    createCatalogue(LISTED, 'x', amendments && { amendments }).version
  const of = (input_mtok: number) =>
    version([{ seller: 'a', models: ['m'], sources: [], read: '', change: { input_mtok } }])
  expect(new Set([version(), version([]), of(1), of(2)]).size).toBe(4)
  expect(of(1)).toBe(of(1))
})
