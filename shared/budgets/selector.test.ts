import fc from 'fast-check'
import { expect, test } from 'vitest'
import { openSqliteStore } from '../warehouse/sqlite-store.ts'
import { batches } from '../warehouse/trace-store.arbitraries.ts'
import { compileSelector, type Selector, storedCondition } from './selector.ts'

const values = (...known: string[]) => fc.subarray([...known, '', 'other'], { minLength: 1 })
/** Of one or two conditions, which some spans meet. */
const selector: fc.Arbitrary<Selector> = fc
  .record({
    key: values('k1'),
    user: values('u1'),
    team: values('t1'),
    session: values('s1'),
    model: values('gpt-4o'),
    provider: values('openai'),
    environment: values('production'),
    service: values('api', 'worker'),
    attributes: fc.record({ k: values('v') }),
  })
  .chain((fields) => fc.subarray(Object.entries(fields), { minLength: 1, maxLength: 2 }))
  .map((some) => Object.fromEntries(some))

test('a store that is asked for what it can tell leaves out no span that a selector is for', async () => {
  let runs = 0
  let chosen = 0
  let left = 0
  const store = await openSqliteStore({ path: ':memory:' })
  await fc.assert(
    fc.asyncProperty(batches, selector, async (list, selector) => {
      const project = `p${runs++}`
      const own = list.map((batch, n) => ({
        ...batch,
        context: { ...batch.context, project, digest: `${project}/${n}` },
      }))
      await store.write(own)
      const scan = async (filter: object) =>
        (await Array.fromAsync(store.scanSpans({ filter: { ...filter, project }, order: 'trace' }))).flat()
      const { matchesSpan } = compileSelector(selector)
      const all = await scan({})
      const told = await scan(storedCondition(selector))
      const isFor = (span: (typeof all)[number]) => matchesSpan(span, span.context.keyId ?? '')
      expect(told.filter(isFor)).toStrictEqual(all.filter(isFor))
      chosen += told.filter(isFor).length
      left += all.length - told.length
    }),
    { numRuns: 300 },
  )
  expect(Math.min(chosen, left)).toBeGreaterThan(0)
  await store.close()
})

test('a condition of very many values is not for a store', () => {
  const user = Array.from({ length: 101 }, (_, n) => `u${n}`)
  expect(storedCondition({ user, session: ['s'] })).toStrictEqual({ session: ['s'] })
})
