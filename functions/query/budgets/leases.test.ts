import { describe, expect, test } from 'vitest'
import { debit } from '../../../shared/budgets/ledger.fixtures.ts'
import { BUDGETS, NOW, useTestRoutes } from './test-routes.ts'

const routes = useTestRoutes()
const { call, put } = routes

describe('leases', () => {
  const lease = (input: object, key?: string) => call('POST', `${BUDGETS}:lease`, input, key)
  const giveBack = (input: object) => call('POST', `${BUDGETS}:return`, input)

  test('taken, grown, spent by spans, returned', async () => {
    await put('b', { limit: { usd: 1 }, period: 'day' })
    const taken = await lease({ idempotencyKey: 'k', amount: { usd: 0.25 }, ttlSeconds: 60 }, 'ingest')
    expect(taken).toMatchObject({
      status: 201,
      body: {
        state: 'open',
        granted: { usd: 0.25, requests: 25 },
        expiresAt: '2026-01-31T12:01:00Z',
        budgets: [{ id: 'b', remaining: { usd: 0.75 } }],
      },
    })
    const { leaseId } = taken.body
    const grown = await lease({ idempotencyKey: 'k', amount: { usd: 5 } })
    expect(grown.body).toMatchObject({ leaseId, granted: { usd: 1 }, budgets: [{ remaining: { usd: 0 } }] })
    const usd = 100_000_000_000n
    await debit(routes.ledger, 'm', [{ trace: 1, span: 1, at: NOW, amounts: { usd }, reservation: leaseId }])
    const returned = await giveBack({ leaseId, used: { usd: 0.1 } })
    expect(returned).toMatchObject({
      status: 200,
      body: { state: 'released', budgets: [{ remaining: { usd: 0.9 } }] },
    })
  })

  test('nothing left is 402 and says which budget', async () => {
    await put('b', { limit: { requests: 1 }, period: 'day' })
    expect((await lease({ idempotencyKey: 'k', amount: { requests: 9 } })).body.granted.requests).toBe(1)
    const refused = await lease({ idempotencyKey: 'l', amount: { requests: 9 } })
    expect(refused).toMatchObject({ status: 402, body: { budget: 'b', requested: { requests: 9 } } })
  })

  test.each([
    { idempotencyKey: 'k', amount: {} },
    { idempotencyKey: 'k', amount: { usd: -1 } },
    { idempotencyKey: '', amount: { usd: 1e30 } },
    { idempotencyKey: 'k', amount: { usd: 1 }, ttlSeconds: 0 },
    { idempotencyKey: 'k', amount: { usd: 1 }, extra: 1 },
  ])('%j is refused', async (input) => {
    expect(await lease(input)).toMatchObject({ status: 400, body: { code: 'budget/invalid' } })
  })

  test('what is no lease, or not there, or cannot be asked', async () => {
    expect((await giveBack({ leaseId: `res_${'0'.repeat(32)}` })).status).toBe(400)
    expect((await giveBack({ leaseId: `lease_${'0'.repeat(32)}` })).status).toBe(404)
    expect((await lease({ idempotencyKey: 'k', amount: { usd: 1 } }, 'read')).status).toBe(403)
    routes.down = true
    expect((await lease({ idempotencyKey: 'k', amount: { usd: 1 } })).status).toBe(503)
  })
})
