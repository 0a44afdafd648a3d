import { calcPrice } from '@pydantic/genai-prices'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { emptyUsage, inputTokens, LEAF, type Leaf, outputTokens, type Usage } from '../genai/usage.ts'
import { createCatalogue, loadProviders } from './catalogue.ts'
import type { ListedModel, ListedPeriod } from './listing.ts'
import { matches } from './models.ts'
import { LISTED_UNITS, type PricePlan } from './plan.ts'
import { bill } from './receipt.ts'

/** The library's own arithmetic, in doubles, on its own data: what we say of the same call must be the same but where stated. */

const providers = await loadProviders()
const catalogue = createCatalogue(providers, 'as listed', { amendments: [] })

/** Every name that is listed in full, with its seller. */
const LISTED = providers.flatMap((provider) =>
  provider.models.flatMap((model) => namesOf(model).map((name) => ({ provider: provider.id, model, name }))),
)

function namesOf({ id, match }: ListedModel): string[] {
  const parts = 'or' in match ? match.or : [match]
  const names = new Set([id, ...parts.flatMap((part) => ('equals' in part ? [part.equals] : []))])
  return [...names].filter((name) => matches(match, name.toLowerCase()))
}

function priceOf(provider: string, model: string, time: Date) {
  const quote = catalogue.find({ provider, model, asked: model, serviceTier: '', project: 'p' })
  return typeof quote === 'string' ? quote : quote.at(BigInt(time.getTime()) * 1_000_000n)
}

function theirs(provider: string, model: string, timestamp: Date, counts: Record<string, number> = {}) {
  return calcPrice({ input_tokens: 0, ...counts }, model, { providerId: provider, timestamp })
}

/** A usage as the library counts: each class with all that is below it. */
function inclusive(usage: Usage): Record<string, number> {
  const of = (...leaves: Leaf[]) => leaves.reduce((sum, leaf) => sum + usage[LEAF[leaf]]!, 0)
  return {
    input_tokens: inputTokens(usage),
    cache_read_tokens: of('cache_read_tokens', 'cache_read_audio_tokens', 'cache_read_image_tokens'),
    cache_write_tokens: of('cache_write_5m_tokens', 'cache_write_1h_tokens'),
    cache_write_5m_tokens: of('cache_write_5m_tokens'),
    cache_write_1h_tokens: of('cache_write_1h_tokens'),
    input_audio_tokens: of('input_audio_tokens', 'cache_read_audio_tokens'),
    input_image_tokens: of('input_image_tokens', 'cache_read_image_tokens'),
    cache_audio_read_tokens: of('cache_read_audio_tokens'),
    cache_image_read_tokens: of('cache_read_image_tokens'),
    output_tokens: outputTokens(usage),
    output_reasoning_tokens: of('reasoning_tokens'),
    output_audio_tokens: of('output_audio_tokens'),
    output_image_tokens: of('output_image_tokens'),
    web_searches: of('web_searches'),
  }
}

const count = fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 400_000 }), fc.constantFrom(127_999, 200_000, 272_000))
const usage = fc
  .tuple(fc.subarray(Object.keys(LEAF) as Leaf[], { minLength: 1, maxLength: 4 }), fc.array(count, { minLength: 4 }))
  .map(([leaves, counts]) => {
    const of = emptyUsage()
    for (const [index, leaf] of leaves.entries()) of[LEAF[leaf]] = counts[index] ?? 0
    of[LEAF.requests] = 1
    return of
  })
const time = fc.date({
  min: new Date('2023-01-01T00:00:00Z'),
  max: new Date('2027-06-01T00:00:00Z'),
  noInvalidDate: true,
})

/** Whether the library takes hours of the day for those of a date that had not come: we do not. */
function isHourBeforeItsDate({ prices }: ListedModel, at: Date): boolean {
  if (!Array.isArray(prices)) return false
  const constraints = (prices as readonly ListedPeriod[]).map(({ constraint }) => constraint)
  const hours = constraints.findIndex((constraint) => constraint?.type === 'time_of_date')
  return constraints
    .slice(0, Math.max(hours, 0))
    .some((constraint) => constraint?.type === 'start_date' && at < new Date(constraint.start_date))
}

/** What has no price is free to the library, or costs what other tokens do that are cheaper; it is unknown to us. */
function isUnpricedOnPurpose(leaf: Leaf, plan: PricePlan, provider: string, name: string, at: Date): boolean {
  if (leaf === 'cache_write_1h_tokens') return plan.tiers[0]!.rates[LEAF.cache_write_5m_tokens] !== null
  const alone = emptyUsage()
  alone[LEAF[leaf]] = 1_000_000
  const requests = theirs(provider, name, at, {})!.total_price
  return theirs(provider, name, at, inclusive(alone))!.total_price === requests
}

test('every model’s calls cost what the library says, whatever they use and whenever, to the precision of doubles', () => {
  let compared = 0
  fc.assert(
    fc.property(fc.constantFrom(...LISTED), usage, time, ({ provider, model, name }, of, at) => {
      const plan = priceOf(provider, name, at)
      if (typeof plan === 'string') throw new Error(plan)
      if (plan.unpriced !== '') {
        const units = Object.keys(theirs(provider, name, at)!.model_price)
        expect(units.filter((unit) => LISTED_UNITS.includes(unit))).toStrictEqual([])
        return
      }
      if (isHourBeforeItsDate(model, at)) return
      const ours = bill(of, plan)
      if ('unpriced' in ours) {
        const leaf = ours.unpriced.slice('no price for '.length).split(' ')[0] as Leaf
        expect(isUnpricedOnPurpose(leaf, plan, provider, name, at)).toBe(true)
        return
      }
      const { total_price } = theirs(provider, name, at, inclusive(of))!
      expect(Math.abs(Number(ours.total) / 1e12 - total_price)).toBeLessThan(1e-11 + total_price * 1e-12)
      compared++
    }),
    { numRuns: 20_000 },
  )
  expect(compared).toBeGreaterThan(5_000)
})

/** What a name may have beside the listed one and be that of the same model, of another, or of a path that the library cannot read. */
const SAME = ['$-latest', '$-2026-01-15', '$-20260115', '$-preview', '$-001', ' $ ']
const OTHER = [
  '$-fast',
  '$-lite',
  '$-distill-x-8b',
  '$-5',
  '$.5',
  '$:free',
  '$:online',
  '$.ft-01ab',
  '$-image',
  'my-$',
  'ft:$:a::b',
]
const PATHS = ['models/$', 'projects/p/locations/l/publishers/p/models/$']

function billedAs(provider: string, name: string, at: Date): string | undefined {
  const plan = priceOf(provider, name, at)
  return typeof plan === 'string' ? undefined : plan.id.slice(plan.id.indexOf('/') + 1)
}

test('no name is billed as another model than the library finds; what is another model by its name is not billed at all', () => {
  const now = new Date('2026-11-01T12:00:00Z')
  const unpathed = LISTED.filter(({ name }) => !name.includes('/models/'))
  fc.assert(
    fc.property(fc.constantFrom(...unpathed), fc.constantFrom(...SAME, ...OTHER, ...PATHS), (listed, around) => {
      const name = around.replace('$', () => listed.name)
      const ours = billedAs(listed.provider, name, now)
      const found = theirs(listed.provider, name, now)?.model.id
      if (PATHS.includes(around)) expect(ours).toBe(billedAs(listed.provider, listed.name, now))
      else if (OTHER.includes(around)) expect([undefined, found]).toContain(ours)
      else expect(ours).toBe(found)
    }),
    { numRuns: 10_000 },
  )
})
