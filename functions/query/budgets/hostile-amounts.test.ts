import { expect, test } from 'vitest'
import { BUDGETS, useTestRoutes } from './test-routes.ts'

const { call, put } = useTestRoutes()

const RESERVATION = `res_${'0'.repeat(32)}`
const LEASE = `lease_${'0'.repeat(32)}`
const WIDE = '\u{1F4B8}'.repeat(512)

/** Every route that takes an amount, with a body that is right but for it. */
const TAKERS: readonly (readonly [string, string, (amount: unknown) => object])[] = [
  ['PUT', `${BUDGETS}/b`, (limit) => ({ limit })],
  ['PUT', `${BUDGETS}/b`, (cap) => ({ limit: { usd: 1 }, carryOver: { cap } })],
  ['POST', `${BUDGETS}/b/grants`, (amount) => ({ amount, validTo: '2026-02-01T00:00:00Z' })],
  ['POST', `${BUDGETS}:reserve`, (amount) => ({ idempotencyKey: 'k', amount })],
  ['POST', `${BUDGETS}:settle`, (amount) => ({ reservationId: RESERVATION, amount })],
  ['POST', `${BUDGETS}:lease`, (amount) => ({ idempotencyKey: 'k', amount })],
  ['POST', `${BUDGETS}:return`, (used) => ({ leaseId: LEASE, used })],
]

const AMOUNTS: readonly unknown[] = [
  { usd: -1 },
  { usd: '-0.01' },
  { usd: 'NaN' },
  { usd: null },
  { usd: 'Infinity' },
  { usd: 1e30 },
  { usd: `1${'0'.repeat(30)}` },
  { usd: '0x10' },
  { usd: '1,5' },
  { usd: '' },
  { usd: true },
  { usd: [1] },
  { usd: '1'.repeat(2_000) },
  { tokens: -1 },
  { tokens: 1.5 },
  { tokens: 1e30 },
  { tokens: '1' },
  { requests: -1 },
  { usd: 1, colour: 'red' },
  { [WIDE]: 1 },
  'one',
  -1,
  [],
]

test.each(TAKERS)('%s %s: no amount that is none', async (method, path, body) => {
  await put('b', { limit: { usd: 1 } })
  for (const amount of AMOUNTS) {
    const answer = await call(method, path, body(amount))
    const told = { status: answer.status, type: answer.type, code: answer.body.code, detail: answer.body.detail }
    expect(told, JSON.stringify(amount)).toEqual({
      ...{ status: 400, type: 'application/problem+json', code: 'budget/invalid' },
      detail: expect.stringMatching(/^budget: .{3,500}$/),
    })
  }
})

test.each([
  ['POST', `${BUDGETS}/b/reset`, { note: 'n', colour: 'red' }],
  ['POST', `${BUDGETS}/b/reset`, { note: 5 }],
  ['POST', `${BUDGETS}/b/grants`, { amount: { usd: 1 }, validTo: '2026-02-30T00:00:00Z' }],
  ['POST', `${BUDGETS}:release`, { reservationId: '..' }],
  ['POST', `${BUDGETS}:release`, { reservationId: `res_${'/'.repeat(32)}` }],
  ['POST', `${BUDGETS}:settle`, { reservationId: '__x__', amount: { usd: 1 } }],
  ['POST', `${BUDGETS}:return`, { leaseId: WIDE }],
  ['POST', `${BUDGETS}:reserve`, { idempotencyKey: WIDE }],
  ['POST', `${BUDGETS}:reserve`, { idempotencyKey: 'k', subject: { user: WIDE.repeat(4) } }],
  ['POST', `${BUDGETS}:reserve`, { idempotencyKey: 'k', subject: { attributes: { a: {} } } }],
  ['PUT', `${BUDGETS}/b`, { limit: { usd: 1 }, selector: { attributes: { '': 'x' } } }],
  ['PUT', `${BUDGETS}/b`, { limit: { usd: 1 }, selector: { attributes: { tenant: { $ne: '' } } } }],
  ['PUT', `${BUDGETS}/b`, { limit: { usd: 1 }, selector: { attributes: ['tenant'] } }],
  ['PUT', `${BUDGETS}/b`, { limit: { usd: 1 }, selector: { user: [] } }],
  ['PUT', `${BUDGETS}/b`, { limit: { usd: 1 }, selector: { user: Array.from({ length: 101 }, String) } }],
  ['PUT', `${BUDGETS}/b`, { limit: { usd: 1 }, selector: { user: 'a\0b' } }],
  ['DELETE', `${BUDGETS}/b/grants/..%2f..`, undefined],
  ['DELETE', `${BUDGETS}/b/grants/__x__`, undefined],
  ['DELETE', `${BUDGETS}/__x__`, undefined],
  ['GET', `${BUDGETS}/__x__`, undefined],
  ['GET', `${BUDGETS}/${encodeURIComponent(WIDE)}/entries`, undefined],
  ['GET', `${BUDGETS}/b/entries?pageToken=${encodeURIComponent('../x')}`, undefined],
  ['GET', `${BUDGETS}?pageSize=-1`, undefined],
  ['GET', `${BUDGETS}:decision?tokens=NaN`, undefined],
  ['GET', `${BUDGETS}:decision?usd=1e30`, undefined],
  ['GET', `${BUDGETS}:decision?attribute=nothing`, undefined],
] as const)('%s %s %j is refused with 400', async (method, path, body) => {
  await put('b', { limit: { usd: 1 } })
  expect(await call(method, path, body)).toMatchObject({
    status: 400,
    type: 'application/problem+json',
    body: { detail: expect.stringMatching(/^\w+: .{3,500}$/) },
  })
})

test('lessons: budgets 4: nothing is held without an idempotency key, so that no retry can hold twice', async () => {
  await put('b', { limit: { usd: 1 } })
  for (const [verb, amount] of [
    ['reserve', { usd: 0.1 }],
    ['lease', { usd: 0.1 }],
  ]) {
    const { status, body } = await call('POST', `${BUDGETS}:${verb}`, { amount })
    expect([status, body.detail]).toEqual([400, expect.stringContaining('idempotencyKey')])
  }
})
