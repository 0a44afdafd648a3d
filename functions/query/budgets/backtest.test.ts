import { expect, test } from 'vitest'
import { openSqliteStore } from '../../../shared/warehouse/sqlite-store.ts'
import { sampleSpan } from '../test-app.ts'
import { BUDGETS, useTestRoutes } from './test-routes.ts'

const routes = useTestRoutes()
const { call } = routes

test('a backtest says what a budget would have blocked and saved', async () => {
  const reader = await openSqliteStore({ path: ':memory:' })
  const spans = [1, 2, 3].map((n) =>
    sampleSpan(
      { spanId: n.toString(16).padStart(16, '0') },
      { costPicoUsd: 7n, costStatus: 'priced', operation: 'chat' },
    ),
  )
  await reader.write([{ context: { project: 'p', digest: 'd', ingestedAt: 1n, keyId: 'k1' }, spans }])
  routes.open({ reader })
  const input = { budget: { limit: { usd: '0.000000000015' }, period: 'day' }, from: '2026-01-01T00:00:00Z' }
  expect(await call('POST', `${BUDGETS}:backtest`, { ...input, to: '2026-02-28T00:00:00Z' })).toMatchObject({
    status: 200,
    body: {
      calls: 3,
      blocked: 1,
      spent: { picoUsd: '14' },
      saved: { picoUsd: '7' },
      periods: [{ period: '2026-01-31' }],
    },
  })
  expect((await call('POST', `${BUDGETS}:backtest`, { ...input, to: '2025-01-01T00:00:00Z' })).status).toBe(400)
  const grants = [{ amount: { usd: '0.00000000001' }, validTo: '2026-02-01T00:00:00Z' }]
  const granted = await call('POST', `${BUDGETS}:backtest`, { ...input, grants, to: '2026-02-28T00:00:00Z' })
  expect(granted.body).toMatchObject({ calls: 3, blocked: 0 })
  const other = { ...input, grants: [{ ...grants[0], amount: { tokens: 1 } }], to: '2026-02-28T00:00:00Z' }
  expect((await call('POST', `${BUDGETS}:backtest`, other)).status).toBe(400)
  expect((await call('POST', `${BUDGETS}:backtest`, { budget: {} })).status).toBe(400)
  for (const [key, calls] of [
    ['k1', 3],
    ['k2', 0],
  ]) {
    const ofKey = { ...input, budget: { ...input.budget, selector: { key } }, to: '2026-02-28T00:00:00Z' }
    expect((await call('POST', `${BUDGETS}:backtest`, ofKey)).body).toMatchObject({ calls })
  }
  await reader.close()
})

test('a backtest plays calls in their order, whatever order a store reads a day in unless asked', async () => {
  const reader = await openSqliteStore({ path: ':memory:' })
  const { scanSpans } = reader
  reader.scanSpans = async function* (query) {
    const parts = await Array.fromAsync(scanSpans(query))
    yield* query.order === 'any' ? parts.reverse().map((part) => part.toReversed()) : parts
  }
  // Only the first of the two fits.
  const spans = [7n, 9n].map((costPicoUsd, n) =>
    sampleSpan(
      { spanId: `${n + 1}`.padStart(16, '0'), startTimeUnixNano: BigInt(Date.UTC(2026, 0, 31, n)) * 1_000_000n },
      { costPicoUsd, costStatus: 'priced', operation: 'chat' },
    ),
  )
  await reader.write([{ context: { project: 'p', digest: 'd', ingestedAt: 1n }, spans }])
  routes.open({ reader })
  const budget = { limit: { usd: '0.00000000001' }, period: 'day' }
  const input = { budget, from: '2026-01-01T00:00:00Z', to: '2026-02-28T00:00:00Z' }
  expect((await call('POST', `${BUDGETS}:backtest`, input)).body).toMatchObject({ blocked: 1, saved: { picoUsd: '9' } })
  await reader.close()
})
