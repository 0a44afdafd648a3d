import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { DEFAULT_ESTIMATE } from '../../../shared/budgets/estimate.ts'
import { batchOf, debit } from '../../../shared/budgets/ledger.fixtures.ts'
import type { BudgetLedger } from '../../../shared/budgets/ledger.ts'
import { openSqliteLedger } from '../../../shared/budgets/sqlite-ledger.ts'
import { SpanledgerError } from '../../../shared/errors.ts'
import { openSqliteStore } from '../../../shared/warehouse/sqlite-store.ts'
import { sampleSpan } from '../test-app.ts'
import { createBudgetRoutes } from './routes.ts'

const NOW = Date.UTC(2026, 0, 31, 12)
const BUDGETS = '/ledger/v1/budgets'

let now: number
let ledger: BudgetLedger
let down: boolean
let app: ReturnType<typeof createBudgetRoutes>

beforeEach(() => {
  now = NOW
  down = false
  ledger = openSqliteLedger({ path: ':memory:', now: () => now })
  const breaking = new Proxy(ledger, {
    get:
      (target, name: keyof BudgetLedger) =>
      (...args: never[]) =>
        down
          ? Promise.reject(new SpanledgerError('store/unavailable', 'the budget ledger does not answer'))
          : (target[name] as (...given: never[]) => unknown)(...args),
  })
  app = createBudgetRoutes({
    ledger: breaking,
    now: () => now,
    authenticate: async (authorization, scope) => {
      if (authorization === 'ingest' && scope !== 'ingest') throw new SpanledgerError('auth/forbidden', 'no')
      if (authorization === 'read' && scope !== 'read') throw new SpanledgerError('auth/forbidden', 'no')
      return { project: 'p', keyId: 'key1', scopes: [] }
    },
  })
})
afterEach(() => ledger.close())

async function call(method: string, path: string, body?: unknown, authorization?: string) {
  const response = await app.request(path, {
    method,
    headers: { 'content-type': 'application/json', ...(authorization !== undefined && { authorization }) },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })
  const text = await response.text()
  return {
    status: response.status,
    type: response.headers.get('content-type'),
    body: text === '' ? null : JSON.parse(text),
  }
}
const put = (id: string, terms: object) => call('PUT', `${BUDGETS}/${id}`, terms)
const reserve = (input: object) => call('POST', `${BUDGETS}:reserve`, input)

describe('administration', () => {
  test('made, shown, changed, listed, deleted', async () => {
    const terms = { selector: { user: 'u1' }, limit: { usd: '0.1' }, period: 'day', timeZone: 'Europe/Zurich' }
    expect(await put('ada', terms)).toMatchObject({ status: 201, body: { id: 'ada', selector: { user: 'u1' } } })
    await debit(ledger, 'm', [{ trace: 1, span: 1, at: now, amounts: { usd: 25_000_000_000n } }])
    expect((await call('GET', `${BUDGETS}/ada`)).body).toMatchObject({
      limit: { picoUsd: '100000000000', usd: 0.1 },
      spent: { picoUsd: '25000000000', usd: 0.025 },
      remaining: { usd: 0.075 },
      percent: 25,
      periodName: '2026-01-31',
      periodStart: '2026-01-30T23:00:00Z',
      periodEnd: '2026-01-31T23:00:00Z',
    })
    const changed = await put('ada', { ...terms, limit: { usd: 0.05 } })
    expect(changed).toMatchObject({ status: 200, body: { spent: { usd: 0.025 }, percent: 50 } })
    await put('b', { limit: { tokens: 500 } })
    const first = await call('GET', `${BUDGETS}?pageSize=1`)
    expect(first.body.budgets).toHaveLength(1)
    const second = await call('GET', `${BUDGETS}?pageSize=1&pageToken=${first.body.nextPageToken}`)
    expect(second.body.budgets).toMatchObject([{ id: 'b', limit: { tokens: 500 } }])
    const { body } = await call('GET', `${BUDGETS}/ada/entries`)
    expect(body.entries.map((entry: { kind: string }) => entry.kind)).toEqual(['updated', 'debited', 'created'])
    expect(body.entries[0].actor).toBe('key1')
    expect((await call('DELETE', `${BUDGETS}/ada`)).status).toBe(204)
    expect(await call('GET', `${BUDGETS}/ada`)).toMatchObject({ status: 404, type: 'application/problem+json' })
  })

  test('a whole-number limit stays what it is (lessons: budgets 5)', async () => {
    await put('b', { limit: { usd: 1 } })
    expect((await call('GET', `${BUDGETS}/b`)).body.limit).toEqual({ picoUsd: '1000000000000', usd: 1 })
    expect((await put('b', { limit: (await call('GET', `${BUDGETS}/b`)).body.limit })).body.limit.usd).toBe(1)
  })

  test('a secret is never shown, and stays when it is not given again', async () => {
    const hook = { kind: 'webhook', url: 'https://example.com/hook' }
    const { body } = await put('b', { limit: { usd: 1 }, alerts: [{ ...hook, secret: 's3cret' }] })
    expect(JSON.stringify(body)).not.toContain('s3cret')
    await put('b', { limit: { usd: 2 }, alerts: [hook] })
    expect((await ledger.get('p', 'b')).budget.alerts).toEqual([{ ...hook, secret: 's3cret' }])
    expect(JSON.stringify((await call('GET', `${BUDGETS}/b/entries`)).body)).not.toContain('s3cret')
  })

  test('grants and resets, with who and why; the forecast follows the pace', async () => {
    await put('b', { limit: { usd: 1 }, period: 'day' })
    await debit(ledger, 'm', [{ trace: 1, span: 1, at: now, amounts: { usd: 800_000_000_000n } }])
    expect((await call('GET', `${BUDGETS}/b/forecast`)).body).toMatchObject({
      crossesAt: '2026-01-31T15:00:00Z',
      spentAtEnd: { usd: 1.6 },
    })
    const grant = { amount: { usd: 5 }, validTo: '2026-02-01T00:00:00Z', note: 'launch' }
    expect((await call('POST', `${BUDGETS}/b/grants`, grant)).body).toMatchObject({ remaining: { usd: 5.2 } })
    expect((await call('POST', `${BUDGETS}/b/reset`, { note: 'again' })).body).toMatchObject({ spent: { usd: 0 } })
    const { body } = await call('GET', `${BUDGETS}/b/entries`)
    expect(body.entries[0]).toMatchObject({ kind: 'reset', actor: 'key1', note: 'again', amount: { usd: -0.8 } })
    for (const wrong of [
      { ...grant, amount: { tokens: 5 } },
      { ...grant, amount: { usd: 0 } },
      { ...grant, validTo: '2026-01-01T00:00:00Z' },
      { ...grant, validFrom: '2026-01-01T00:00:00Z' },
      { ...grant, validTo: 'tomorrow' },
    ]) {
      expect(await call('POST', `${BUDGETS}/b/grants`, wrong)).toMatchObject({ status: 400 })
    }
  })

  test('a budget made at noon includes the morning, once', async () => {
    const reader = await openSqliteStore({ path: ':memory:' })
    const spans = [1, 2].map((n) =>
      sampleSpan(
        { spanId: n.toString(16).padStart(16, '0') },
        { costPicoUsd: 7n, costStatus: 'priced', operation: 'chat' },
      ),
    )
    await reader.write([{ context: { project: 'p', digest: 'd', ingestedAt: 1n }, spans }])
    const authenticate = async () => ({ project: 'p', keyId: '', scopes: [] })
    app = createBudgetRoutes({ ledger, reader, authenticate, now: () => now })
    expect((await put('b', { limit: { usd: 1 }, period: 'day' })).body).toMatchObject({
      spent: { picoUsd: '14' },
      backfill: 'done',
    })
    const at = Number((spans[0]?.span.startTimeUnixNano ?? 0n) / 1_000_000n)
    const batch = await batchOf(ledger, 'p', 'again', [{ trace: 1, span: 1, at, amounts: { usd: 7n } }])
    await ledger.debit([batch])
    expect((await call('GET', `${BUDGETS}/b`)).body.spent.picoUsd).toBe('14')
    await reader.close()
  })
})

test('a backtest says what a budget would have blocked and saved', async () => {
  const reader = await openSqliteStore({ path: ':memory:' })
  const spans = [1, 2, 3].map((n) =>
    sampleSpan(
      { spanId: n.toString(16).padStart(16, '0') },
      { costPicoUsd: 7n, costStatus: 'priced', operation: 'chat' },
    ),
  )
  await reader.write([{ context: { project: 'p', digest: 'd', ingestedAt: 1n }, spans }])
  const authenticate = async () => ({ project: 'p', keyId: '', scopes: [] })
  app = createBudgetRoutes({ ledger, reader, authenticate })
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
  expect((await call('POST', `${BUDGETS}:backtest`, { budget: {} })).status).toBe(400)
  await reader.close()
})

describe('what is wrong is refused with 400 that says what', () => {
  const limit = { usd: 1 }
  test.each([
    ['nothing', {}],
    ['no limit', { period: 'day' }],
    ['two units', { limit: { usd: 1, tokens: 1 } }],
    ['negative', { limit: { usd: -1 } }],
    ['NaN', { limit: { usd: 'NaN' } }],
    ['10^30', { limit: { usd: '1e30' } }],
    ['10^30 tokens', { limit: { tokens: 1e30 } }],
    ['half a token', { limit: { tokens: 0.5 } }],
    ['13 decimals', { limit: { usd: '0.0000000000001' } }],
    ['an unknown member', { limit, colour: 'red' }],
    ['an unknown selector', { limit, selector: { colour: 'red' } }],
    ['an empty selector', { limit, selector: { user: '' } }],
    ['a period', { limit, period: 'fortnight' }],
    ['a short window', { limit, period: { rollingSeconds: 1 } }],
    ['a zone', { limit, timeZone: 'Mars/Olympus' }],
    ['a mode', { limit, mode: 'maybe' }],
    ['percent for a share', { limit, thresholds: [50] }],
    ['a negative threshold', { limit, thresholds: [-1] }],
    ['a cap in another unit', { limit, carryOver: { cap: { tokens: 1 } } }],
    ['a target that is no URL', { limit, alerts: [{ kind: 'webhook', url: 'file:///etc/passwd' }] }],
    ['null', null],
    ['a list', []],
  ])('%s', async (_, terms) => {
    const { status, type, body } = await put('b', terms as object)
    expect([status, type]).toEqual([400, 'application/problem+json'])
    expect(body).toMatchObject({ status: 400, code: 'budget/invalid', detail: expect.stringMatching(/^budget: .+/) })
  })

  test.each([
    'a%2Fb',
    '%2e%2e%2fx',
    '__x__',
    '-a',
    encodeURIComponent('é'.repeat(1_000)),
    'a%00b',
    'a b',
    'x'.repeat(129),
  ])('the id %s', async (id) => {
    expect(await put(id, { limit })).toMatchObject({ status: 400, body: { code: 'budget/invalid' } })
  })

  test('a body that is no JSON, or too large', async () => {
    expect((await call('PUT', `${BUDGETS}/b`, '{')).status).toBe(400)
    expect((await call('POST', `${BUDGETS}:reserve`, '{')).status).toBe(400)
    expect((await call('PUT', `${BUDGETS}/b`, `{"name":"${'x'.repeat(70_000)}"}`)).status).toBe(413)
  })

  test.each([
    {},
    { idempotencyKey: '' },
    { idempotencyKey: 'k', amount: { usd: -1 } },
    { idempotencyKey: 'k', ttlSeconds: 0 },
    { idempotencyKey: 'k', ttlSeconds: 1e9 },
    { idempotencyKey: 'k', subject: { colour: 'red' } },
    { idempotencyKey: 'k', extra: 1 },
  ])('reserve %j', async (input) => {
    expect(await reserve(input)).toMatchObject({ status: 400, body: { code: 'budget/invalid' } })
  })

  test('decisions: unknown and repeated parameters', async () => {
    expect((await call('GET', `${BUDGETS}:decision?colour=red`)).status).toBe(400)
    expect((await call('GET', `${BUDGETS}:decision?user=a&user=b`)).status).toBe(400)
    expect((await call('GET', `${BUDGETS}:decision?usd=-1`)).status).toBe(400)
  })
})

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

  test('a decision says what it would be and holds nothing', async () => {
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
    expect((await ledger.get('p', 'b')).position.reserved).toBe(DEFAULT_ESTIMATE.usd)
    const samples = Array.from({ length: 100 }, (_, i) => ({
      model: 'm',
      usd: BigInt(i + 1) * 1_000_000n,
      tokens: 10n,
    }))
    await ledger.debit([{ ...(await batchOf(ledger, 'p', 'm', [])), samples }])
    await reserve({ idempotencyKey: 'b', subject: { model: 'm' } })
    const held = (await ledger.get('p', 'b')).position.reserved - DEFAULT_ESTIMATE.usd
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
    down = true
    expect((await reserve(input)).status).toBe(503)
    expect((await ask()).status).toBe(503)
  })

  test('failOpen lets through, and says that it did not see', async () => {
    await put('b', { limit: { usd: 1 }, failMode: 'failOpen' })
    await ask()
    down = true
    expect(await reserve(input)).toMatchObject({ status: 201, body: { degraded: true } })
    expect(await ask()).toMatchObject({ status: 200, body: { allowed: true, degraded: true } })
  })

  test('of a project whose budgets were never seen nothing is let through', async () => {
    down = true
    expect((await reserve(input)).status).toBe(503)
  })

  test('one budget that fails closed is enough', async () => {
    await put('a', { limit: { usd: 1 }, failMode: 'failOpen' })
    await put('b', { limit: { usd: 1 } })
    await ask()
    down = true
    expect((await reserve(input)).status).toBe(503)
  })
})

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
    await debit(ledger, 'm', [{ trace: 1, span: 1, at: now, amounts: { usd }, reservation: leaseId }])
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
    down = true
    expect((await lease({ idempotencyKey: 'k', amount: { usd: 1 } })).status).toBe(503)
  })
})
