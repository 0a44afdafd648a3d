import { describe, expect, test } from 'vitest'
import { type Answer, BUDGETS, useTestRoutes } from './test-routes.ts'

const routes = useTestRoutes()
const { call, put, reserve } = routes

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
    ['a short window', { limit, period: { rollingSeconds: 59 } }],
    ['a window of more than a leap year', { limit, period: { rollingSeconds: 31_622_401 } }],
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

  test.each([60, 31_622_400])('a window of %i seconds is taken', async (rollingSeconds) => {
    expect((await put('b', { limit, period: { rollingSeconds } })).status).toBe(201)
  })

  test('what is wrong was told of no member, or of one without a name', async () => {
    const detailOf = async (given: Promise<Answer>) => (await given).body.detail
    expect(await detailOf(call('GET', `${BUDGETS}:decision?usd=-1`))).toMatch(/^budget: usd: an amount of USD /)
    expect(await detailOf(put('b', { limit: { usd: -1 } }))).toMatch(/^budget: limit\.usd: an amount of USD /)
    expect(await detailOf(call('PUT', `${BUDGETS}/b`, '[]'))).toBe('budget: must be an object, not a list')
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

  test('broken UTF-8 was read with U+FFFD in its place: two names of Latin-1 became one, and one budget', async () => {
    const latin1 = (text: string) => new Uint8Array(Buffer.from(text, 'latin1'))
    for (const [method, path, text] of [
      ['PUT', '/b', '{"limit": {"usd": 1}, "selector": {"user": "J\xf6rg"}}'],
      ['POST', ':reserve', '{"idempotencyKey": "\xe9"}'],
      ['POST', '/b/reset', '{"note": "\xe9"}'],
    ] as const) {
      const headers = { 'content-type': 'application/json' }
      const response = await routes.request(BUDGETS + path, { method, headers, body: latin1(text) })
      expect(response.status).toBe(400)
      expect(await response.json()).toMatchObject({
        code: 'http/malformed',
        detail: 'http: the body is not valid UTF-8',
      })
    }
    expect((await call('GET', `${BUDGETS}/b`)).status).toBe(404)
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

  test('a condition on an attribute named __proto__ was dropped, and the budget was for every call', async () => {
    const selector = '{"user": "u", "attributes": {"__proto__": "x"}}'
    for (const [method, path, body] of [
      ['PUT', `${BUDGETS}/b`, `{"limit": {"usd": 1}, "selector": ${selector}}`],
      ['POST', `${BUDGETS}:reserve`, `{"idempotencyKey": "k", "subject": ${selector}}`],
    ] as const) {
      const answer = await call(method, path, body)
      expect(answer).toMatchObject({ status: 400, body: { detail: expect.stringContaining('__proto__') } })
    }
  })

  test.each([
    ['GET', '/b'],
    ['DELETE', '/b'],
    ['PUT', '/b', { limit }],
    ['GET', '/b/forecast'],
    ['POST', '/b/reset', {}],
    ['POST', '/b/grants', { amount: limit, validTo: '2027-01-01T00:00:00Z' }],
    ['DELETE', '/b/grants/0b8b5a3e-52c4-4c4c-9d5e-0f0f0f0f0f0f'],
    ['POST', ':reserve', { idempotencyKey: 'k' }],
    ['POST', ':lease', { idempotencyKey: 'k', amount: limit }],
    ['POST', ':backtest', { budget: { limit }, from: '2026-01-01T00:00:00Z', to: '2026-01-02T00:00:00Z' }],
  ])(
    '%s %s: a parameter that it does not have was ignored, and what was only to be tried was done',
    async (...asked) => {
      const [method, path, body] = asked
      await put('b', { limit })
      expect(await call(method, `${BUDGETS}${path}?dryRun=true`, body)).toMatchObject({
        status: 400,
        body: { code: 'budget/invalid', detail: 'budget: dryRun: unknown' },
      })
      expect((await call('GET', `${BUDGETS}/b`)).body).toMatchObject({
        limit: { usd: 1 },
        grants: [],
        reserved: { usd: 0 },
      })
    },
  )
})
