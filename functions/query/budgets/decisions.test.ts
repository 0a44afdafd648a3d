import { describe, expect, test } from 'vitest'
import { DEFAULT_ESTIMATE } from '../../../shared/budgets/estimate.ts'
import { batchOf } from '../../../shared/budgets/ledger.fixtures.ts'
import { SpanledgerError } from '../../../shared/errors.ts'
import { BUDGETS, useTestRoutes } from './test-routes.ts'

const routes = useTestRoutes()
const { call, put, reserve } = routes

describe('reservations and decisions', () => {
  test('held, settled, released; denied with 402 that names the budget, its limit, its spend and its reset', async () => {
    await put('b', { limit: { usd: 0.01 }, period: 'day' })
    const held = await reserve({ idempotencyKey: 'a', subject: { user: 'u' }, amount: { usd: '0.006' } })
    expect(held).toMatchObject({
      status: 201,
      body: { state: 'open', budgets: [{ id: 'b', remaining: { usd: 0.004 } }] },
    })
    expect(await reserve({ idempotencyKey: 'b', amount: { usd: 0.005 } })).toMatchObject({
      status: 402,
      type: 'application/problem+json',
      body: {
        code: 'budget/denied',
        budget: 'b',
        limit: { usd: 0.01 },
        spent: { usd: 0 },
        reserved: { usd: 0.006 },
        resetsAt: '2026-02-01T00:00:00Z',
      },
    })
    const { reservationId } = held.body
    const settled = await call('POST', `${BUDGETS}:settle`, { reservationId, amount: { usd: 0.002 } })
    expect(settled).toMatchObject({ status: 200, body: { state: 'settled', budgets: [{ remaining: { usd: 0.008 } }] } })
    expect((await call('POST', `${BUDGETS}:settle`, { reservationId, amount: { usd: 0.003 } })).status).toBe(409)
    expect((await call('POST', `${BUDGETS}:release`, { reservationId })).status).toBe(409)
    const unknown = { reservationId: `res_${'0'.repeat(32)}` }
    expect((await call('POST', `${BUDGETS}:release`, unknown)).status).toBe(404)
  })

  test('a decision is on the tokens and calls that are asked for, and names a rolling window by its seconds', async () => {
    await put('b', { limit: { tokens: 100 }, period: { rollingSeconds: 60 } })
    const ask = (query: string) => call('GET', `${BUDGETS}:decision?${query}`).then(({ body }) => body)
    expect(await ask('tokens=100')).toMatchObject({ allowed: true })
    expect(await ask('tokens=101')).toMatchObject({
      allowed: false,
      detail: expect.stringContaining('100 tokens per 60 s'),
    })
    await put('b', { limit: { requests: 2 }, period: 'day' })
    expect(await ask('requests=2')).toMatchObject({ allowed: true })
    expect(await ask('requests=3')).toMatchObject({ allowed: false, detail: expect.stringContaining('per day') })
  })

  test('a decision says what it would be and holds nothing', async () => {
    expect((await call('GET', `${BUDGETS}:decision?usd=2`)).body).toStrictEqual({
      allowed: true,
      remaining: null,
      decidedBy: null,
      resetsAt: null,
      budgets: [],
    })
    await put('wide', { limit: { usd: 10 } })
    await put('narrow', { limit: { usd: 1 }, selector: { attributes: { tenant: 't1' } }, period: 'hour' })
    const ask = (query: string) => call('GET', `${BUDGETS}:decision?${query}`).then(({ body }) => body)
    expect(await ask('usd=2')).toMatchObject({ allowed: true, decidedBy: 'wide' })
    expect(await ask('usd=2&attribute=tenant%3Dt1')).toMatchObject({
      allowed: false,
      decidedBy: 'narrow',
      remaining: { usd: 1 },
      resetsAt: '2026-01-31T13:00:00Z',
    })
    expect((await call('GET', `${BUDGETS}/wide`)).body.reserved.usd).toBe(0)
  })

  test('without an estimate: never the whole headroom, and never nothing (litellm#27509, #35524)', async () => {
    await put('b', { limit: { usd: 2_000 } })
    await reserve({ idempotencyKey: 'a', subject: { model: 'new' } })
    expect((await routes.ledger.get('p', 'b')).position.reserved).toBe(DEFAULT_ESTIMATE.usd)
    const samples = Array.from({ length: 100 }, (_, i) => ({
      model: 'm',
      usd: BigInt(i + 1) * 1_000_000n,
      tokens: 10n,
    }))
    await routes.ledger.debit([{ ...(await batchOf(routes.ledger, 'p', 'm', [])), samples }])
    await reserve({ idempotencyKey: 'b', subject: { model: 'm' } })
    const held = (await routes.ledger.get('p', 'b')).position.reserved - DEFAULT_ESTIMATE.usd
    expect(held >= 95_000_000n && held <= 125_000_000n).toBe(true)
  })

  test('an ingest key reserves, a read key does not; both may ask', async () => {
    await put('b', { limit: { usd: 1 } })
    const input = { idempotencyKey: 'a', amount: { usd: 0.1 } }
    expect((await call('POST', `${BUDGETS}:reserve`, input, 'ingest')).status).toBe(201)
    expect((await call('POST', `${BUDGETS}:reserve`, input, 'read')).status).toBe(403)
    for (const key of ['ingest', 'read']) {
      expect((await call('GET', `${BUDGETS}:decision?usd=0.1`, undefined, key)).status).toBe(200)
    }
    expect((await call('PUT', `${BUDGETS}/b`, { limit: { usd: 1 } }, 'ingest')).status).toBe(403)
  })
})

describe('while the ledger does not answer (litellm#33923)', () => {
  const ask = () => call('GET', `${BUDGETS}:decision?usd=0.1`)
  const input = { idempotencyKey: 'k', amount: { usd: 0.1 } }

  test('failClosed, the default, refuses with 503', async () => {
    await put('b', { limit: { usd: 1 } })
    await ask()
    routes.down = true
    expect((await reserve(input)).status).toBe(503)
    expect((await ask()).status).toBe(503)
  })

  test('failOpen lets through, and says that it did not see', async () => {
    await put('b', { limit: { usd: 1 }, failMode: 'failOpen' })
    await ask()
    routes.down = true
    expect(await reserve(input)).toMatchObject({ status: 201, body: { degraded: true } })
    expect(await ask()).toMatchObject({ status: 200, body: { allowed: true, degraded: true } })
  })

  test.each([
    ['failOpen', 201],
    ['failClosed', 503],
  ])('a ledger that takes too long does not answer: %s', async (failMode, status) => {
    await put('b', { limit: { usd: 1 }, failMode })
    const reserveNever = () => new Promise<never>(() => undefined)
    routes.open({ ledger: { ...routes.ledger, reserve: reserveNever }, answerMs: 20 })
    expect((await ask()).status).toBe(200)
    expect((await reserve(input)).status).toBe(status)
  })

  test('whoever held as much as the ledger takes opened what fails open to all others', async () => {
    await put('b', { limit: { usd: 1 }, failMode: 'failOpen' })
    const reserveOnce = () => Promise.reject(new SpanledgerError('budget/busy', 'there are 2000 open reservations'))
    routes.open({ ledger: { ...routes.ledger, reserve: reserveOnce } })
    expect((await ask()).status).toBe(200)
    expect(await reserve(input)).toMatchObject({ status: 503, body: { code: 'budget/busy' } })
  })

  test('of a project whose budgets were never seen nothing is let through', async () => {
    routes.down = true
    expect((await reserve(input)).status).toBe(503)
  })

  test('one budget that fails closed is enough', async () => {
    await put('a', { limit: { usd: 1 }, failMode: 'failOpen' })
    await put('b', { limit: { usd: 1 } })
    await ask()
    routes.down = true
    expect((await reserve(input)).status).toBe(503)
  })
})
