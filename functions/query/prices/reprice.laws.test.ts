import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeBatch } from '../../../shared/otlp/batch.ts'
import { loadCatalogue } from '../../../shared/pricing/catalogue.ts'
import { createPricer } from '../../../shared/pricing/pricer.ts'
import type { Span } from '../../../shared/spans/span.ts'
import { openSqliteStore } from '../../../shared/warehouse/sqlite-store.ts'
import type { Cursor, SpanScanner, StoredSpan, TraceStore } from '../../../shared/warehouse/trace-store.ts'
import { bill, traces } from '../../price/test-traces.ts'
import { type RepriceQuery, repricePage } from './reprice.ts'
import { FIRST_TRACE_ID, MAX_DEPTH, traceIdRange } from './trace-id-range.ts'
import { wholeTraces } from './whole-traces.ts'

const HOUR = 3_600_000_000_000n
const DAY = 24n * HOUR
const FIRST_DAY = 20_000n * DAY
const pricer = createPricer({ catalogue: await loadCatalogue() })

/** Anywhere among all ids, or next to each other. */
const traceId = fc
  .oneof(fc.bigInt({ min: 1n, max: 2n ** 128n - 1n }), fc.bigInt({ min: 2n ** 127n, max: 2n ** 127n + 9n }))
  .map((id) => id.toString(16).padStart(32, '0'))

/** Traces whose spans start hours or days after each other; each ends when all below it have begun. */
const history: fc.Arbitrary<readonly Span[]> = fc
  .tuple(
    traces,
    fc.uniqueArray(traceId, { minLength: 3, maxLength: 3 }),
    fc.array(fc.nat({ max: 60 }), { minLength: 24, maxLength: 24 }),
  )
  .map(([spans, ids, hours]) => {
    const placed: Span[] = []
    for (const [index, span] of spans.entries()) {
      const id = ids[Number(span.traceId) - 1]!
      const parent = placed.find((other) => other.traceId === id && other.spanId === span.parentSpanId)
      const start = (parent?.startTimeUnixNano ?? FIRST_DAY) + BigInt(hours[index]!) * HOUR
      placed.push({ ...span, traceId: id, startTimeUnixNano: start, endTimeUnixNano: start + 1n })
      const byId = new Map(placed.map((other, at) => [`${other.traceId}${other.spanId}`, at]))
      for (let at = parent && byId.get(`${id}${parent.spanId}`); at !== undefined; ) {
        const above = placed[at]!
        if (above.endTimeUnixNano <= start) placed[at] = { ...above, endTimeUnixNano: start + 1n }
        at = byId.get(`${id}${above.parentSpanId}`)
      }
    }
    return placed
  })

/** As a store that reads, and is paid for, the days around a time alone. */
function nearSighted(store: TraceStore): SpanScanner['scanSpans'] {
  return async function* (query) {
    const { from = 0n, to = 2n ** 63n } = query.filter.tracesWith ?? {}
    const isNear = ({ span: { startTimeUnixNano: start } }: StoredSpan) => start >= from - DAY && start < to + DAY
    for await (const part of store.scanSpans(query)) yield part.filter(isNear)
  }
}

describe.each(['a store that has all of a trace', 'a store that has a day around'])('%s', (name) => {
  test('every span that is meant is repriced once, as a part of its whole trace, wherever pages and ranges end', async () => {
    let runs = 0
    const store = await openSqliteStore({ path: ':memory:' })
    const days = fc.integer({ min: -1, max: 8 }).map((day) => FIRST_DAY + BigInt(day) * DAY)
    await fc.assert(
      fc.asyncProperty(
        ...[history, days, fc.nat({ max: 9 }), fc.integer({ min: 1, max: 6 }), fc.constantFrom(0, 7_000, 60_000)],
        async (spans, from, length, spansPerRange, step) => {
          const project = `p${runs++}`
          const asItWas = spans.map((span) => ({ span, ledger: pricer.price([span], { project })[0]! }))
          await store.write([{ context: { project, digest: project, ingestedAt: 1n }, spans: asItWas }])
          const reader = name.endsWith('around') ? { ...store, scanSpans: nearSighted(store) } : store
          const publish = async (_topic: string, messages: readonly Parameters<typeof decodeBatch>[0][]) => {
            await store.write(messages.map((message) => decodeBatch({ ...message, id: '1', attempt: 1 })))
          }
          let clock = 1_900_000_000_000
          const now = () => {
            clock += step
            return clock
          }
          const to = from + BigInt(length) * DAY + HOUR
          const reprice = async (query: RepriceQuery) => {
            let seen = 0
            let changed = 0
            for (let after: Cursor | null | undefined; after !== null; ) {
              const sources = { reader, pricer, bus: { publish: publish as never }, now }
              const page = await repricePage({ ...query, ...(after && { after }) }, sources)
              seen += page.spans
              changed += page.changes.length
              after = page.next
            }
            return { seen, changed }
          }
          const query = { project, from, to, spansPerRange }
          const isMeant = ({ startTimeUnixNano: start }: Span) => start >= from && start < to
          const { seen } = await reprice({ ...query, apply: true })
          expect(seen).toBe(spans.filter(isMeant).length)
          expect(await reprice({ ...query, apply: false })).toStrictEqual({ seen, changed: 0 })

          const { items } = await store.listSpans({ filter: { project }, sort: 'trace', order: 'asc', pageSize: 99 })
          const held = new Map(items.map(({ span, ledger }) => [`${span.traceId}/${span.spanId}`, ledger]))
          const whole = pricer.price(spans, { project })
          for (const [index, span] of spans.entries()) {
            const expected = isMeant(span) ? whole[index]! : asItWas[index]!.ledger
            expect(bill(held.get(`${span.traceId}/${span.spanId}`)!)).toStrictEqual(bill(expected))
          }
        },
      ),
      { numRuns: 100 },
    )
    await store.close()
  })
})

test('a day is read once for each range, however many traces it has, and days without spans are not', async () => {
  const store = await openSqliteStore({ path: ':memory:' })
  const spans = Array.from({ length: 600 }, (_, n) => {
    const [start] = [FIRST_DAY + (n % 2 === 0 ? 0n : 300n * DAY)]
    const [span] = fc.sample(traces, { seed: 1, numRuns: 1 })[0]!
    return {
      ...span!,
      traceId: (n + 1).toString(16).padStart(32, '0'),
      startTimeUnixNano: start,
      endTimeUnixNano: start,
    }
  })
  const ledgers = pricer.price(spans, { project: 'p' })
  const stored = spans.map((span, index) => ({ span, ledger: ledgers[index]! }))
  await store.write([{ context: { project: 'p', digest: 'd', ingestedAt: 1n }, spans: stored }])
  const reads = { scanSpans: 0, usage: 0, listSpans: 0 }
  const reader = new Proxy(store, {
    get: (target, method: keyof typeof reads) => {
      if (method in reads) reads[method]++
      return target[method]
    },
  })
  const query = { project: 'p', from: 0n, to: 2n ** 62n, apply: true }
  const sources = { reader, pricer, bus: { publish: async () => {} }, now: () => 1_900_000_000_000 }
  expect(await repricePage(query, sources)).toMatchObject({ spans: 600, next: null })
  expect(reads).toStrictEqual({ scanSpans: 4, usage: 3, listSpans: 0 })
  await store.close()
})

test('ranges follow upon each other until there are no more ids', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 6 }), { minLength: 1 }), (depths) => {
      let from = FIRST_TRACE_ID
      for (let n = 0; n < 100; n++) {
        const depth = depths[n % depths.length]!
        const range = traceIdRange(from, depth)
        expect(range.from).toBe(from)
        if (range.to === undefined) return
        expect(range.to > from && range.to.length === 32).toBe(true)
        from = range.to
      }
    }),
  )
  const last = 'f'.repeat(32)
  expect(traceIdRange(last, MAX_DEPTH)).toStrictEqual({ from: last })
  expect(traceIdRange('4'.padEnd(32, '0'), 2)).toStrictEqual({ from: '4'.padEnd(32, '0'), to: '8'.padEnd(32, '0') })
})

test('traces are made of parts that end anywhere, and of none that goes on after two is more held', async () => {
  const span = (traceId: string, spanId: string) => ({ span: { traceId, spanId } }) as StoredSpan
  const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 6 })
  await fc.assert(
    fc.asyncProperty(sizes, fc.integer({ min: 1, max: 5 }), async (sizes, partSize) => {
      const spans = sizes.flatMap((size, trace) =>
        Array.from({ length: size }, (_, index) => span(`t${trace}`, `s${index}`)),
      )
      const parts = Array.from({ length: Math.ceil(spans.length / partSize) }, (_, part) =>
        spans.slice(part * partSize, (part + 1) * partSize),
      )
      async function* scan() {
        yield* parts
      }
      const found = await Array.fromAsync(wholeTraces(scan()))
      expect(found.map(({ traceId }) => traceId)).toStrictEqual(sizes.map((_, trace) => `t${trace}`))
      for (const [trace, { traceId, spans: held }] of found.entries()) {
        const touched = parts.filter((part) => part.some(({ span }) => span.traceId === traceId)).length
        expect(held === undefined).toBe(touched > 2)
        if (held !== undefined) expect(held).toHaveLength(sizes[trace]!)
      }
    }),
  )
})
