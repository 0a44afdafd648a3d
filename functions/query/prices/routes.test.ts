import { expect, test } from 'vitest'
import { createApiKey } from '../../../shared/auth/api-key.ts'
import { createAuthenticate } from '../../../shared/auth/key-authenticate.ts'
import { openSqliteKeyStore } from '../../../shared/auth/sqlite-key-store.ts'
import { openSqlitePriceStore } from '../../../shared/pricing/sqlite-price-store.ts'
import { openTestApp, START, sampleSpan, spanIdOf } from '../test-app.ts'
import { createPriceRoutes } from './routes.ts'

async function open() {
  const unpriced = (n: number, model: string, receipt = '') =>
    sampleSpan(
      { spanId: spanIdOf(n), startTimeUnixNano: START + BigInt(n) },
      {
        operation: 'chat',
        provider: 'openai',
        model,
        inputTokens: 10,
        totalTokens: 10,
        costStatus: 'unpriced',
        receipt,
      },
    )
  const priced = sampleSpan(
    { spanId: spanIdOf(9) },
    { operation: 'chat', model: 'known', costPicoUsd: 5n, costStatus: 'priced' },
  )
  const unlisted = '{"reason":"model not in the catalogue"}'
  const priority = '{"serviceTier":"priority","reason":"no price for service tier priority"}'
  const spans = [unpriced(1, 'old', unlisted), unpriced(2, 'new', unlisted), unpriced(3, 'new', unlisted)]
  const { reader } = await openTestApp({
    acme: [...spans, unpriced(4, 'gpt-4o', priority), unpriced(5, 'old'), priced],
  })
  const keys = openSqliteKeyStore(':memory:')
  const tokens = new Map<string, string>()
  for (const [name, project, scope] of [
    ['reader', 'acme', 'read'],
    ['admin', 'acme', 'admin'],
    ['stranger', 'other', 'admin'],
  ] as const) {
    const { key, token } = createApiKey({
      project,
      scopes: scope === 'admin' ? ['read', 'admin'] : ['read'],
      name,
      now: 0,
    })
    await keys.create(key)
    tokens.set(name, token)
  }
  const authenticate = createAuthenticate({ keys, requireKeys: true })
  const app = createPriceRoutes({
    prices: openSqlitePriceStore(':memory:'),
    reader,
    authenticate,
    bus: { publish: () => Promise.reject(new Error('nothing is repriced here')) },
    pricer: () => Promise.reject(new Error('nothing is repriced here')),
  })
  return (who: string, path: string, body?: unknown, headers: Readonly<Record<string, string>> = {}) =>
    app.request(path, {
      headers: { authorization: `Bearer ${tokens.get(who)}`, 'content-type': 'application/json', ...headers },
      ...(body !== undefined && { method: 'PUT', body: JSON.stringify(body) }),
    })
}

const PRICES = { prices: [{ provider: 'openai', model: 'house-*', prices: { input_mtok: 1.5, output_mtok: '2.25' } }] }

test('prices are replaced whole, and read back as they were given', async () => {
  const request = await open()
  expect(await (await request('reader', '/ledger/v1/prices')).json()).toStrictEqual({ prices: [] })
  expect((await request('admin', '/ledger/v1/prices', PRICES)).status).toBe(200)
  expect(await (await request('reader', '/ledger/v1/prices')).json()).toStrictEqual(PRICES)
  expect(await (await request('stranger', '/ledger/v1/prices')).json()).toStrictEqual({ prices: [] })
})

test('of two who change the same prices the second is told', async () => {
  const request = await open()
  const etag = (await request('admin', '/ledger/v1/prices')).headers.get('etag')!
  const first = await request('admin', '/ledger/v1/prices', PRICES, { 'if-match': etag })
  expect(first.status).toBe(200)
  const second = await request('admin', '/ledger/v1/prices', { prices: [] }, { 'if-match': etag })
  expect(second.status).toBe(412)
  expect(await second.json()).toMatchObject({
    code: 'pricing/changed',
    detail: expect.stringContaining('read them again'),
  })
  expect(await (await request('reader', '/ledger/v1/prices')).json()).toStrictEqual(PRICES)
  const third = await request('admin', '/ledger/v1/prices', { prices: [] }, { 'if-match': first.headers.get('etag')! })
  expect(await third.json()).toStrictEqual({ prices: [] })
})

test('the ETag of a compressed answer, which is weak, was taken for that of former prices', async () => {
  const request = await open()
  const match = { 'if-match': `W/${(await request('admin', '/ledger/v1/prices')).headers.get('etag')!}` }
  expect((await request('admin', '/ledger/v1/prices', PRICES, match)).status).toBe(200)
  expect((await request('admin', '/ledger/v1/prices', PRICES, match)).status).toBe(412)
})

test('only an administrator sets prices, and only prices that can be', async () => {
  const request = await open()
  expect((await request('reader', '/ledger/v1/prices', PRICES)).status).toBe(403)
  const wrong = await request('admin', '/ledger/v1/prices', { prices: [{ model: 'x', prices: { input_mtok: -1 } }] })
  expect(wrong.status).toBe(400)
  expect(await wrong.json()).toMatchObject({ errors: [{ parameter: 'prices.0.prices.input_mtok' }] })
})

test('a member __proto__ of prices was dropped, and what was left of them, free, taken', async () => {
  const request = await open()
  for (const prices of ['{"__proto__":1}', '{"input_mtok":1,"__proto__":{}}', '{"colour":1}']) {
    const wrong = await request(
      'admin',
      '/ledger/v1/prices',
      JSON.parse(`{"prices":[{"model":"x","prices":${prices}}]}`),
    )
    expect(wrong.status, prices).toBe(400)
    expect(await wrong.json()).toMatchObject({ errors: [{ detail: 'unknown' }] })
  }
})

test('a listed model stood among those without a price, and nothing said that it was for its service tier', async () => {
  const request = await open()
  const { models } = (await (await request('reader', '/ledger/v1/models/unpriced')).json()) as { models: object[] }
  const openai = { provider: 'openai' }
  expect(models).toMatchObject([
    { ...openai, model: 'old', serviceTier: '', reason: '' },
    { ...openai, model: 'gpt-4o', serviceTier: 'priority', reason: 'no price for service tier priority' },
    { ...openai, model: 'new', reason: 'model not in the catalogue', calls: 2, usage: { inputTokens: 20 } },
    { ...openai, model: 'old', reason: 'model not in the catalogue', calls: 1, usage: { inputTokens: 10 } },
  ])
})

test('a parameter that prices do not have was ignored', async () => {
  const request = await open()
  for (const [who, body] of [['reader'], ['admin', PRICES]] as const) {
    const response = await request(who, '/ledger/v1/prices?project=other', body)
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ errors: [{ parameter: 'project', detail: 'unknown' }] })
  }
})

test('a cost status that was asked for among models without a price was not looked at', async () => {
  const request = await open()
  expect((await request('reader', '/ledger/v1/models/unpriced?model=old')).status).toBe(200)
  expect((await request('reader', '/ledger/v1/models/unpriced?costStatus=ambiguous')).status).toBe(400)
})
