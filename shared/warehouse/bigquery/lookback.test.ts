import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Cursor, Page } from '../trace-store.ts'
import { lookBack } from './lookback.ts'

const HOUR = 3_600_000_000_000n
const DAY = 24n * HOUR
const NOW = 20_000n * DAY

/** A trace by the start times of its spans, the earliest first. */
type Trace = readonly bigint[]

const trace: fc.Arbitrary<Trace> = fc
  .tuple(fc.integer({ min: -5, max: 60 }), fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 3 }))
  .map(([hoursAgo, later]) => [0, ...later].map((hours) => NOW + BigInt(hours - hoursAgo) * HOUR))
const traces = fc.uniqueArray(trace, { maxLength: 20, selector: ([start]) => start })

interface Query {
  readonly filter: { readonly project: string; readonly from?: bigint; readonly to?: bigint }
  readonly sort: string
  readonly order: string
  readonly after?: Cursor
}

/** Lists traces by their earliest span, as a store does that reads a day around what is asked for. */
function createList(all: readonly Trace[], pageSize: number, asked: Query[]) {
  return async (query: Query): Promise<Page<Trace>> => {
    asked.push(query)
    const { filter, after } = query
    const { from = 0n, to = 2n ** 63n } = filter
    const starts = all
      .map((times) => times.filter((time) => time >= from - DAY && time < to + DAY))
      .filter((seen) => seen.some((time) => time >= from && time < to))
      .map((seen) => seen.reduce((a, b) => (a < b ? a : b)))
      .filter((start) => after === undefined || start < after.value)
      .sort((a, b) => (a < b ? 1 : -1))
    const items = starts.slice(0, pageSize).map((start): Trace => [start])
    return { items, next: starts.length > pageSize ? { value: items.at(-1)![0]!, id: '' } : null }
  }
}

test('traces come newest first, page by page, wherever the days end that are looked at first', async () => {
  const within = fc.option(fc.integer({ min: -5, max: 70 }).map((hoursAgo) => NOW - BigInt(hoursAgo) * HOUR))
  await fc.assert(
    fc.asyncProperty(traces, fc.integer({ min: 1, max: 4 }), within, async (all, pageSize, from) => {
      const filter = { project: 'p', ...(from !== null && { from }) }
      const list = createList(all, pageSize, [])
      const seen: bigint[] = []
      for (let after: Cursor | null | undefined; after !== null; ) {
        const query: Query = { filter, sort: 'startTime', order: 'desc', ...(after && { after }) }
        const page: Page<Trace> = await lookBack(query, NOW, { list, startOf: ([start]) => start! })
        seen.push(...page.items.map(([start]) => start!))
        after = page.next
      }
      const whole = await createList(all, 99, [])({ filter, sort: 'startTime', order: 'desc' })
      expect(seen).toStrictEqual(whole.items.map(([start]) => start))
    }),
    { numRuns: 500 },
  )
})

test('a day is looked at where it fills a page, and no other list is asked for twice', async () => {
  const all = Array.from({ length: 9 }, (_, n): Trace => [NOW - BigInt(n) * HOUR])
  const asked: Query[] = []
  const options = { list: createList(all, 3, asked), startOf: ([start]: Trace) => start! }
  const query: Query = { filter: { project: 'p' }, sort: 'startTime', order: 'desc' }
  await lookBack(query, NOW, options)
  expect(asked.splice(0)).toStrictEqual([{ ...query, filter: { project: 'p', from: NOW - DAY } }])
  const recent = { ...query, filter: { project: 'p', from: NOW - HOUR } }
  for (const other of [{ ...query, order: 'asc' }, { ...query, sort: 'cost' }, recent]) {
    await lookBack(other, NOW, options)
    expect(asked.splice(0)).toStrictEqual([other])
  }
})
