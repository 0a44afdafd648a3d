import fc from 'fast-check'
import { expect, test } from 'vitest'
import { buildSpan } from '../../test/support/span.ts'
import { EMPTY_LEDGER } from '../spans/ledger.ts'
import { openSqliteStore } from '../warehouse/sqlite-store.ts'
import { FOREVER } from './period.ts'
import { storedSpans } from './stored-spans.ts'

const NOW = Date.UTC(2026, 4, 10)
const DAY_MS = 86_400_000
const anyAge = fc.oneof(fc.integer({ min: -2, max: 60 }), fc.integer({ min: 0, max: 2_000 }))

test('every span of a time comes once, in order, in few reads', async () => {
  const store = await openSqliteStore({ path: ':memory:' })
  let projects = 0
  await fc.assert(
    fc.asyncProperty(fc.array(anyAge, { maxLength: 20 }), anyAge, fc.boolean(), async (ages, since, isOpen) => {
      const project = `p${projects++}`
      const spans = ages.map((age, i) => {
        const start = BigInt(NOW - age * DAY_MS) * 1_000_000n
        const span = {
          ...buildSpan({ spanId: (i + 1).toString(16) }),
          startTimeUnixNano: start,
          endTimeUnixNano: start,
        }
        return { span, ledger: EMPTY_LEDGER }
      })
      await store.write([{ context: { project, digest: project, ingestedAt: 1n }, spans }])
      const [from, to] = [NOW - since * DAY_MS, isOpen ? FOREVER : NOW]
      let reads = 0
      const { usage } = store
      const scanSpans: typeof store.scanSpans = (query) => {
        reads++
        return store.scanSpans(query)
      }
      const found = (
        await Array.fromAsync(storedSpans({ scanSpans, usage }, { project, from, to, now: NOW, order: 'startTime' }))
      ).flat()
      const times = spans.map(({ span }) => Number(span.startTimeUnixNano / 1_000_000n))
      const expected = times.filter((time) => time >= from && time < to).sort((a, b) => a - b)
      expect(found.map(({ span }) => Number(span.startTimeUnixNano / 1_000_000n))).toEqual(expected)
      expect(reads).toBeLessThanOrEqual(402)
    }),
    { numRuns: 30 },
  )
  await store.close()
})
