import { gunzipSync } from 'node:zlib'
import fc from 'fast-check'
import { Hono } from 'hono'
import { describe, expect, test } from 'vitest'
import { SpanledgerError } from '../../shared/errors.ts'
import { handleProblems } from '../../shared/http/problem.ts'
import { openTestApp, query, sampleSpan, traceIdOf } from './test-app.ts'

const open = () => openTestApp({ acme: [sampleSpan({}, { model: 'm' })] })
const LISTS = ['traces', 'spans', 'usage', 'models'] as const

describe('HTTP', () => {
  test('HEAD answers as GET does, without the body', async () => {
    const { request } = await open()
    const response = await request('/ledger/v1/traces', 'acme', { method: 'HEAD' })
    expect([response.status, await response.text()]).toStrictEqual([200, ''])
    expect((await request(`/ledger/v1/traces/${traceIdOf(9)}`, 'acme', { method: 'HEAD' })).status).toBe(404)
  })

  test.each(['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])('%s is 405 and says what is allowed', async (method) => {
    const { request } = await open()
    for (const path of ['/ledger/v1/traces', `/ledger/v1/traces/${traceIdOf(1)}`, '/healthz']) {
      const response = await request(path, 'acme', { method })
      expect(response.status).toBe(405)
      expect(response.headers.get('allow')).toBe('GET, HEAD')
      expect(response.headers.get('content-type')).toBe('application/problem+json')
    }
  })

  test('a query in Latin-1 was answered with nothing, as if there were no such user', async () => {
    const { request } = await open()
    for (const path of LISTS) expect((await request(`/ledger/v1/${path}?user=J%F6rg`)).status).toBe(400)
  })

  test('an unknown path is 404', async () => {
    const { request } = await open()
    for (const path of [
      '/',
      '/ledger',
      '/ledger/v1',
      '/ledger/v1/trace',
      `/ledger/v1/traces/${traceIdOf(1)}/spans`,
      '/ledger/v1/traces/',
    ]) {
      expect((await request(path)).status, path).toBe(404)
    }
  })

  test('an answer is gzipped for who asks for it, and says that it varies', async () => {
    const { request } = await open()
    const plain = await request('/ledger/v1/spans')
    const zipped = await request('/ledger/v1/spans', 'acme', { headers: { 'accept-encoding': 'gzip' } })
    expect(plain.headers.get('content-encoding')).toBeNull()
    expect(zipped.headers.get('content-encoding')).toBe('gzip')
    expect(zipped.headers.get('vary')?.toLowerCase()).toContain('accept-encoding')
    expect(gunzipSync(await zipped.arrayBuffer()).toString()).toBe(await plain.text())
  })

  test('answers and errors alike are not kept, not sniffed, not framed, and open to no other origin', async () => {
    const { app, request } = await open()
    const origin = { headers: { origin: 'https://evil.example' } }
    const responses = [
      await request('/ledger/v1/spans', 'acme', origin),
      await request('/ledger/v1/spans?bogus=1', 'acme', origin),
      await request(`/ledger/v1/traces/${traceIdOf(9)}`, 'acme', origin),
      await app.request('/ledger/v1/spans', origin),
    ]
    expect(responses.map(({ status }) => status)).toStrictEqual([200, 400, 404, 401])
    for (const { headers } of responses) {
      expect(headers.get('cache-control')).toBe('no-store')
      expect(headers.get('x-content-type-options')).toBe('nosniff')
      expect(headers.get('content-security-policy')).toContain("default-src 'none'")
      expect(headers.get('access-control-allow-origin')).toBeNull()
    }
  })

  test('mounted in another app, all of it answers the same', async () => {
    const { app } = await open()
    const parent = new Hono()
    handleProblems(parent)
    parent.route('/', app)
    for (const [path, method] of [
      ['/ledger/v1/spans', 'GET'],
      ['/ledger/v1/spans', 'POST'],
      ['/ledger/v1/nothing', 'GET'],
      ['/ledger/v1/openapi.json', 'GET'],
      ['/healthz', 'GET'],
    ] as const) {
      const [alone, mounted] = [await app.request(path, { method }), await parent.request(path, { method })]
      expect([mounted.status, await mounted.text()], path).toStrictEqual([alone.status, await alone.text()])
    }
  })

  test('health needs no key; readiness says when it is not', async () => {
    const { app } = await open()
    expect((await app.request('/healthz')).status).toBe(200)
    expect((await app.request('/readyz')).status).toBe(200)
    const notReady = await openTestApp(
      { acme: [] },
      { ready: () => Promise.reject(new SpanledgerError('store/unavailable', 'the trace store is not open yet')) },
    )
    expect((await notReady.app.request('/healthz')).status).toBe(200)
    const response = await notReady.app.request('/readyz')
    expect(response.status).toBe(503)
    expect(await response.json()).toMatchObject({ detail: 'store: the trace store is not open yet' })
  })

  test('conservation is answered with exact counts', async () => {
    const { get } = await open()
    expect(await get('/ledger/v1/conservation')).toStrictEqual({
      projectId: 'acme',
      accepted: 5,
      rejected: { 'trace id: all zero': 1 },
      sinks: { warehouse: { stored: 3, duplicates: 1, quarantined: 0, expired: 0, inFlight: 1, dead: {} } },
      balanced: true,
    })
  })
})

describe('a wrong parameter is refused by its name', () => {
  test.each([
    ['from', ['', 'yesterday', '2026-01-31', '1769851800', '2026-02-30T00:00:00Z']],
    ['to', ['2026-01-31T00:00:00 01:00']],
    ['traceId', ['', 'xyz', '1'.repeat(31), '1'.repeat(33)]],
    ['kind', ['', 'SPAN_KIND_CLIENT', 'client,bogus']],
    ['status', ['FAILED', 'ok,']],
    ['costStatus', ['cheap']],
    ['attribute', ['', 'key', '=value', ':']],
    ['minCostUsd', ['', '-1', 'NaN', 'Infinity', '1e999', '1,5', '0.0000000000001']],
    ['maxDurationMs', ['', '-1', '1s', '1e3', '0.0000001', '9'.repeat(13)]],
    ['user', ['a\0b', 'x'.repeat(4_097)]],
    ['sort', ['', 'name', '--cost', 'startTime,cost', 'start_time; DROP TABLE spans']],
    ['pageSize', ['', '0', '-1', '1001', '1.5', '1e2', '0x10', '9'.repeat(30)]],
    ['pageToken', ['', 'x', '%', 'AAAA', Buffer.from(`${'0'.repeat(32)}/5/${traceIdOf(1)}`).toString('base64url')]],
  ])('%s', async (name, values) => {
    const { request } = await open()
    for (const value of values) {
      const response = await request(`/ledger/v1/traces${query({ [name]: value })}`)
      expect(response.status, value).toBe(400)
      expect(JSON.stringify(await response.json()), value).toContain(name)
    }
  })

  test.each([
    ['groupBy', ['', 'name', 'model,', 'trace_id']],
    ['interval', ['', '0s', '1', 'week', '1w', '-1h', '1.5h', 'PT1H', '99999999d', '__proto__', 'constructor']],
  ])('%s', async (name, values) => {
    const { request } = await open()
    for (const value of values)
      expect((await request(`/ledger/v1/usage${query({ [name]: value })}`)).status, value).toBe(400)
  })

  test.each([
    ['x'.repeat(4_097), 'longer than 4096 characters'],
    ['a\0b', 'holds a NUL'],
    [Array(101).fill('u'), 'given more than 100 times'],
  ])('of a repeatable one only "Invalid input" was told', async (value, detail) => {
    const { request } = await open()
    const response = await request(`/ledger/v1/traces${query({ user: value })}`)
    expect(await response.json()).toMatchObject({ errors: [{ parameter: 'user', detail }] })
  })

  test('one that means nothing here, one given twice, and a range without room are refused, not ignored', async () => {
    const { request } = await open()
    for (const list of LISTS) {
      for (const asked of [
        'bogus=1',
        'User=u',
        'project=other',
        '__proto__=1',
        'constructor=1',
        'from=2026-01-01T00:00:00Z&from=2026-01-02T00:00:00Z',
        'from=2026-01-01T00:00:00Z&to=2026-01-01T00:00:00Z',
        'minCostUsd=2&maxCostUsd=1',
        'minDurationMs=2&maxDurationMs=1',
        `${Array(101).fill('user=u').join('&')}`,
      ]) {
        expect((await request(`/ledger/v1/${list}?${asked}`)).status, `${list} ${asked}`).toBe(400)
      }
    }
    // Both bounds are inclusive: one value has room.
    for (const asked of ['minCostUsd=1&maxCostUsd=1', 'minDurationMs=1&maxDurationMs=1'])
      expect((await request(`/ledger/v1/traces?${asked}`)).status, asked).toBe(200)
    expect((await request('/ledger/v1/usage?sort=cost')).status).toBe(400)
    expect((await request('/ledger/v1/spans?sort=spanCount')).status).toBe(400)
  })

  test('all that is wrong is named at once', async () => {
    const { request } = await open()
    const problem = (await (await request('/ledger/v1/spans?from=x&bogus=1&pageSize=0')).json()) as {
      errors: { parameter: string }[]
    }
    expect(problem.errors.map(({ parameter }) => parameter).toSorted()).toStrictEqual(['bogus', 'from', 'pageSize'])
  })
})

test('whatever is asked, the answer is 200 or 400: never an error of ours, never a span that does not match', async () => {
  const { request } = await open()
  const names = [
    ...[
      'from',
      'to',
      'traceId',
      'name',
      'kind',
      'service',
      'model',
      'user',
      'session',
      'status',
      'attribute',
      'minCostUsd',
    ],
    ...[
      'maxCostUsd',
      'minDurationMs',
      'maxDurationMs',
      'sort',
      'pageSize',
      'pageToken',
      'groupBy',
      'interval',
      'environment',
    ],
  ]
  const value = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom(
      "' OR 1=1 --",
      '%',
      '_',
      '\\',
      '\u202e',
      '9223372036854775808',
      '-0',
      'a=b',
      '0001-01-01T00:00:00Z',
      '9999-12-31T23:59:59.999999999Z',
    ),
  )
  const pairs = fc.array(fc.tuple(fc.constantFrom(...names), value), { minLength: 1, maxLength: 4 })
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...LISTS), pairs, async (list, asked) => {
      const response = await request(`/ledger/v1/${list}?${new URLSearchParams(asked)}`)
      expect([200, 400]).toContain(response.status)
    }),
    { numRuns: 400 },
  )
})

test('a page token that was tampered with is refused', async () => {
  const { get, request } = await openTestApp({ acme: [1, 2, 3].map((n) => sampleSpan({ traceId: traceIdOf(n) })) })
  const { nextPageToken } = await get<{ nextPageToken: string }>('/ledger/v1/traces?pageSize=1')
  const place = Buffer.from(nextPageToken, 'base64url').toString()
  await fc.assert(
    fc.asyncProperty(
      fc.nat(place.length - 1),
      fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
      async (at, text) => {
        fc.pre(place[at] !== text)
        const forged = Buffer.from(place.slice(0, at) + text + place.slice(at + 1)).toString('base64url')
        expect((await request(`/ledger/v1/traces?pageSize=1&pageToken=${forged}`)).status).toBe(400)
      },
    ),
  )
})
