import { expect, test } from 'vitest'
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
import { openSqlitePriceStore } from '../../../shared/pricing/sqlite-price-store.ts'
import { openSqliteStore } from '../../../shared/warehouse/sqlite-store.ts'
import { buildChat } from '../../../test/support/span.ts'
import { createPriceRoutes } from './routes.ts'

const base = await loadCatalogue()
const RANGE = { from: '2026-11-01T00:00:00Z', to: '2026-11-02T00:00:00Z', url: 'http://localhost' }

async function open() {
  const prices = openSqlitePriceStore(':memory:')
  let time = 1_800_000_000_000
  const catalogue = createCustomCatalogue({ base, store: prices, now: () => time })
  const pricer = createPricer({ catalogue })
  const store = await openSqliteStore({ path: ':memory:' })
  const chat = (spanId: string, model: string, attributes = {}) =>
    buildChat(
      model,
      { input_tokens: 1_000_000 },
      { spanId, traceId: spanId, attributes: { 'user.id': `user-${spanId}`, ...attributes } },
    )
  const spans = [chat('1', 'house-model'), chat('2', 'house-model'), chat('3', 'gpt-4o')]
  const ledgers = pricer.price(spans, { project: 'p' })
  const context = { project: 'p', digest: 'd', ingestedAt: 1n }
  await store.write([{ context, spans: spans.map((span, index) => ({ span, ledger: ledgers[index]! })) }])
  const bus = {
    publish: async (_topic: string, messages: readonly Message[]) => {
      await store.write(messages.map((message) => decodeBatch({ ...message, id: '1', attempt: 1 })))
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
    now: () => time++,
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
  const price = (usd: number | null) =>
    prices.replace('p', usd === null ? [] : [{ provider: '*', model: 'house-*', prices: { input_mtok: usd } }])
  return { run, costs, price, store }
}

const UNPRICED = { 1: ['unpriced', null], 2: ['unpriced', null], 3: ['priced', 2_500_000_000_000n] }
const PRICED = { ...UNPRICED, 1: ['priced', 3_000_000_000_000n], 2: ['priced', 3_000_000_000_000n] }

test('a price that was added is applied to what had none: first shown, then done', async () => {
  const { run, costs, price } = await open()
  expect(await costs()).toStrictEqual(UNPRICED)
  price(3)
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

test('what was said first is kept beside what is said now, through any number of corrections', async () => {
  const { run, price, store } = await open()
  for (const usd of [3, 4, 5]) {
    price(usd)
    await run(true)
  }
  const {
    spans: [stored],
  } = await store.getTrace('p', '1'.padStart(32, '0'), { limit: 1 })
  expect(stored!.ledger.costPicoUsd).toBe(5_000_000_000_000n)
  expect(JSON.parse(stored!.ledger.receipt)).toMatchObject({
    total: '5000000000000',
    was: { status: 'unpriced', total: null, version: '' },
  })
})

test('repricing and repricing back is as if nothing had been', async () => {
  const { run, costs, price } = await open()
  price(3)
  await run(true)
  price(null)
  const back = await run(true)
  expect(back.changes.reduce((sum, { after, before }) => sum + after - before, 0n)).toBe(-6_000_000_000_000n)
  expect(await costs()).toStrictEqual(UNPRICED)
})

test('only the model that is named is repriced', async () => {
  const { run, costs, price } = await open()
  price(3)
  expect((await run(true, 'gpt-4o')).spans).toBe(1)
  expect(await costs()).toStrictEqual(UNPRICED)
})
