import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { reprice } from '../../../scripts/reprice.ts'
import { formatTable } from '../../../scripts/reprice-table.ts'
import { createApiKey } from '../../../shared/auth/api-key.ts'
import { createAuthenticate } from '../../../shared/auth/key-authenticate.ts'
import { openSqliteKeyStore } from '../../../shared/auth/sqlite-key-store.ts'
import type { Message } from '../../../shared/bus/bus.ts'
import { decodeBatch } from '../../../shared/otlp/batch.ts'
import { loadCatalogue } from '../../../shared/pricing/catalogue.ts'
import { createCustomCatalogue } from '../../../shared/pricing/custom-catalogue.ts'
import { createPricer } from '../../../shared/pricing/pricer.ts'
import type { Receipt } from '../../../shared/pricing/receipt.ts'
import { openSqlitePriceStore } from '../../../shared/pricing/sqlite-price-store.ts'
import { EMPTY_LEDGER, RESERVATION_ATTRIBUTE } from '../../../shared/spans/ledger.ts'
import { openDuckDbStore } from '../../../shared/warehouse/duckdb-store.ts'
import { openSqliteStore } from '../../../shared/warehouse/sqlite-store.ts'
import type { SpanBatch, TraceStore } from '../../../shared/warehouse/trace-store.ts'
import { buildChat } from '../../../test/support/span.ts'
import { createPriceRoutes } from './routes.ts'

const base = await loadCatalogue()
const STORES = {
  SQLite: () => openSqliteStore({ path: ':memory:' }),
  DuckDB: () => openDuckDbStore({ path: ':memory:' }),
}
const RANGE = { from: '2026-11-01T00:00:00Z', to: '2026-11-02T00:00:00Z', url: 'http://localhost' }

async function open(openStore: () => Promise<TraceStore> = STORES.SQLite) {
  const prices = openSqlitePriceStore(':memory:')
  let time = 1_800_000_000_000
  let step = 1
  const tick = () => {
    time += step
    return time
  }
  const catalogue = createCustomCatalogue({ base, store: prices, now: () => time })
  const pricer = createPricer({ catalogue })
  const store = await openStore()
  const chat = (spanId: string, model: string, attributes = {}) =>
    buildChat(
      model,
      { input_tokens: 1_000_000 },
      { spanId, traceId: spanId, attributes: { 'user.id': `user-${spanId}`, ...attributes } },
    )
  const spans = [chat('1', 'house-model'), chat('2', 'house-model'), chat('3', 'gpt-4o')]
  await pricer.prepare(['p'])
  const ledgers = pricer.price(spans, { project: 'p' })
  const context = { project: 'p', digest: 'd', ingestedAt: 1n }
  await store.write([{ context, spans: spans.map((span, index) => ({ span, ledger: ledgers[index]! })) }])
  const published: SpanBatch[] = []
  const bus = {
    publish: async (_topic: string, messages: readonly Message[]) => {
      const batches = messages.map((message) => decodeBatch({ ...message, id: '1', attempt: 1 }))
      published.push(...batches)
      await store.write(batches)
    },
  }
  const keys = openSqliteKeyStore(':memory:')
  const { key, token } = createApiKey({ project: 'p', scopes: ['read', 'admin'], name: '', now: 0 })
  await keys.create(key)
  const authenticate = createAuthenticate({ keys, requireKeys: true })
  const app = createPriceRoutes({
    prices,
    reader: store,
    bus,
    pricer: async () => pricer,
    authenticate,
    now: tick,
  })
  const run = (apply: boolean, model?: string) => {
    time += 2000
    return reprice({ ...RANGE, key: token, apply, model }, (async (url: URL, init: RequestInit) =>
      app.request(url.pathname, init)) as typeof fetch)
  }
  const costs = async () => {
    const { items } = await store.listSpans({ filter: { project: 'p' }, sort: 'startTime', order: 'asc', pageSize: 10 })
    return Object.fromEntries(
      items.map(({ span, ledger }) => [Number(span.spanId), [ledger.costStatus, ledger.costPicoUsd]]),
    )
  }
  /** What each span was first said to cost: its receipt and its sum. */
  const firstSaid = async () => {
    const { items } = await store.listSpans({ filter: { project: 'p' }, sort: 'startTime', order: 'asc', pageSize: 10 })
    return items.map(({ span, ledger }) => {
      const { was, total, version = '' }: Partial<Receipt> = JSON.parse(ledger.receipt)
      return [span.spanId, was ?? { status: ledger.costStatus, total: total ?? null, version }]
    })
  }
  const price = (usd: number | null) =>
    prices.replace('p', usd === null ? [] : [{ provider: '*', model: 'house-*', prices: { input_mtok: usd } }])
  const slow = () => {
    step = 30_000
  }
  return { run, costs, firstSaid, price, prices, store, slow, tick, published }
}

const UNPRICED = { 1: ['unpriced', null], 2: ['unpriced', null], 3: ['priced', 2_500_000_000_000n] }
/** What the two calls of `house-model` cost, 0 being free. */
const paid = (each: bigint) => ({ 1: [each > 0n ? 'priced' : 'free', each], 2: [each > 0n ? 'priced' : 'free', each] })
const PRICED = { ...UNPRICED, ...paid(3_000_000_000_000n) }

test('a price that was added is applied to what had none: first shown, then done', async () => {
  const { run, costs, price } = await open()
  expect(await costs()).toStrictEqual(UNPRICED)
  await price(3)
  const dry = await run(false)
  expect(await costs()).toStrictEqual(UNPRICED)
  expect(dry).toMatchObject({ spans: 3, skipped: 0 })
  expect(dry.changes).toMatchObject([
    {
      day: '2026-11-01',
      model: 'house-model',
      user: 'user-1',
      before: 0n,
      after: 3_000_000_000_000n,
      unknownBefore: 1,
      unknownAfter: 0,
    },
    { user: 'user-2' },
  ])
  expect(formatTable(dry)).toContain('all  2 spans  0 → 6 USD (+6)  without a price: 2 → 0')
  expect((await run(true)).changes).toStrictEqual(dry.changes)
  expect(await costs()).toStrictEqual(PRICED)
  expect((await run(true)).changes).toStrictEqual([])
})

test('what a reservation was settled at stood beside the price that its call was given later', async () => {
  const { run, price, store, published } = await open()
  const { items } = await store.listSpans({ filter: { project: 'p' }, sort: 'startTime', order: 'asc', pageSize: 1 })
  const { span, ledger } = items[0]!
  const named = { ...span, spanId: '4'.padStart(16, '0'), attributes: new Map([[RESERVATION_ATTRIBUTE, 'res_1']]) }
  const context = { project: 'p', digest: 'named', ingestedAt: 1n }
  await store.write([{ context, spans: [{ span: named, ledger }] }])
  await price(3)
  await run(true)
  const corrected = published.flatMap(({ corrections = [] }) => corrections)
  const reservations = corrected.map(({ span }) => [Number(span.spanId), span.attributes.get(RESERVATION_ATTRIBUTE)])
  expect(new Map(reservations as [number, unknown][]).get(4)).toBe('res_1')
  expect(reservations.filter(([, reservation]) => reservation !== undefined)).toHaveLength(1)
})

const usd = fc.integer({ min: 0, max: 1_000_000 }).map((micros) => micros / 1_000_000)

describe.each(Object.entries(STORES))('%s', (_, openStore) => {
  test('repricing and repricing back is as if nothing had been', async () => {
    const { run, costs, price, store } = await open(openStore)
    await fc.assert(
      fc.asyncProperty(fc.array(usd, { minLength: 1, maxLength: 3 }), async (steps) => {
        for (const step of steps) {
          await price(step)
          await run(true)
        }
        const last = BigInt(Math.round((steps.at(-1) as number) * 1e12))
        expect(await costs()).toStrictEqual({ ...UNPRICED, ...paid(last) })
        await price(null)
        const back = await run(true)
        expect(back.changes.reduce((sum, { after, before }) => sum + after - before, 0n)).toBe(-2n * last)
        expect(await costs()).toStrictEqual(UNPRICED)
      }),
      { numRuns: 8 },
    )
    await store.close()
  })

  test('old answers reproduce: what was priced then can be asked for, whatever has been repriced since', async () => {
    const { run, price, store, firstSaid } = await open(openStore)
    const before = await firstSaid()
    await fc.assert(
      fc.asyncProperty(fc.array(usd, { maxLength: 3 }), async (steps) => {
        for (const step of steps) {
          await price(step)
          await run(true)
        }
        expect(await firstSaid()).toStrictEqual(before)
      }),
      { numRuns: 5 },
    )
    await store.close()
  })
})

test('a trace of more than 32 MiB is repriced as a whole, a part at a time: an agent bills what its calls left', async () => {
  const { run, price, store } = await open()
  const text = 'x'.repeat(1024 * 1024)
  const traceId = 'a'.padStart(32, '0')
  const attributes = { 'gen_ai.operation.name': 'invoke_agent' }
  const agent = buildChat('house-model', { input_tokens: 100 }, { traceId, spanId: '1', attributes })
  const calls = Array.from({ length: 40 }, (_, n) =>
    buildChat(
      'house-model',
      { input_tokens: 2 },
      { traceId, spanId: (n + 2).toString(16), parentSpanId: '1', attributes: { text } },
    ),
  )
  const ledger = { ...EMPTY_LEDGER, model: 'house-model', costStatus: 'unpriced' as const }
  for (const [n, span] of [agent, ...calls].entries()) {
    const context = { project: 'p', digest: `large${n}`, ingestedAt: 1n }
    await store.write([{ context, spans: [{ span, ledger }] }])
  }
  await price(3)
  const held: number[] = []
  const listSpans = store.listSpans
  store.listSpans = async (query) => {
    const page = await listSpans(query)
    held.push(page.items.length)
    return page
  }
  const report = await run(true)
  store.listSpans = listSpans
  expect(report).toMatchObject({ spans: 44, skipped: 0 })
  expect(Math.max(...held)).toBeLessThan(12)
  const [sum] = await store.usage({ filter: { project: 'p', traceId }, groupBy: [], maxRows: 1 })
  expect(sum?.costPicoUsd).toBe(100n * 3_000_000n)
  const { items } = await store.listSpans({
    ...{ filter: { project: 'p', traceId, operation: ['invoke_agent'] }, sort: 'startTime', order: 'asc', pageSize: 9 },
  })
  expect(items.map(({ ledger: now }) => now.costPicoUsd)).toStrictEqual([20n * 3_000_000n])
})

test('a page that takes too long ends early, and the next goes on after it', async () => {
  const { run, price, costs, slow } = await open()
  await price(3)
  slow()
  expect(await run(true)).toMatchObject({ spans: 3 })
  expect(await costs()).toStrictEqual(PRICED)
})

test('a model was listed as not in the catalogue although it had been given a price, which lacked what it was used for', async () => {
  const { run, costs, prices, store } = await open()
  await prices.replace('p', [{ provider: '*', model: 'house-*', prices: { output_mtok: 4 } }])
  await run(true)
  expect(await costs()).toStrictEqual(UNPRICED)
  const filter = { project: 'p', costStatus: ['unpriced' as const] }
  const rows = await store.usage({ filter, groupBy: ['reason'], maxRows: 9 })
  expect(rows.map(({ group, spans }) => [...group, spans])).toStrictEqual([['no price for input_tokens of house-*', 2]])
  expect((await run(true)).changes).toStrictEqual([])
})

test('a call that came while its trace was read was taken back: its agent was billed beside it', async () => {
  const { run, costs, price, store, tick } = await open()
  await price(3)
  const { scanSpans } = store
  store.scanSpans = async function* (query) {
    for await (const part of scanSpans(query)) {
      const [agent] = part.filter(({ span }) => Number(span.spanId) === 1)
      const ledger = { ...EMPTY_LEDGER, costStatus: 'rollup' as const, revision: tick() * 1000 }
      const context = { project: 'p', digest: `late${ledger.revision}`, ingestedAt: 1n }
      if (agent !== undefined) await store.write([{ context, spans: [], corrections: [{ span: agent.span, ledger }] }])
      yield part
    }
  }
  await run(true)
  store.scanSpans = scanSpans
  expect(await costs()).toStrictEqual({ ...PRICED, 1: ['rollup', null] })
})

test('only the model that is named is repriced', async () => {
  const { run, costs, price } = await open()
  await price(3)
  expect((await run(true, 'gpt-4o')).spans).toBe(1)
  expect(await costs()).toStrictEqual(UNPRICED)
})
