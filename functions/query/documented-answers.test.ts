import { z } from '@hono/zod-openapi'
import { expect, test } from 'vitest'
import { openSqliteLedger } from '../../shared/budgets/sqlite-ledger.ts'
import { createCatalogue } from '../../shared/pricing/catalogue.ts'
import { createPricer } from '../../shared/pricing/pricer.ts'
import { openSqlitePriceStore } from '../../shared/pricing/sqlite-price-store.ts'
import { createBudgetRoutes } from './budgets/routes.ts'
import { createPriceRoutes } from './prices/routes.ts'
import { openTestApp, sampleSpan, spanIdOf, traceIdOf } from './test-app.ts'

type Json = Record<string, unknown>
type Described = Record<string, { readonly content?: Record<string, { readonly schema: Json }> }>
interface Document {
  readonly paths: Record<string, Record<string, { readonly responses: Described }>>
}

const TIMES = { from: '2026-01-31T00:00:00Z', to: '2026-02-01T00:00:00Z' }
const LIMIT = { limit: { usd: 1 } }
/** Asked one after the other, so that each does what it is for: by method and path, with the body. */
const STORY: readonly (readonly [string, string, object?])[] = [
  ['put', '/ledger/v1/budgets/b', LIMIT],
  ['put', '/ledger/v1/budgets/b', { ...LIMIT, period: { rollingSeconds: 60 }, carryOver: { cap: { usd: 1 } } }],
  ['put', '/ledger/v1/budgets/t', { limit: { tokens: 9 }, period: 'total', selector: { user: ['a', 'b'] } }],
  ['post', '/ledger/v1/budgets/b/grants', { amount: { usd: 1 }, validTo: '2999-01-01T00:00:00Z' }],
  ['post', '/ledger/v1/budgets/b/reset', { note: 'why' }],
  ['get', '/ledger/v1/budgets/b'],
  ['get', '/ledger/v1/budgets/t/forecast'],
  ['get', '/ledger/v1/budgets/b/entries'],
  ['get', '/ledger/v1/budgets?pageSize=1'],
  ['post', '/ledger/v1/budgets:reserve', { idempotencyKey: 'k', amount: { usd: 0.1 } }],
  ['post', '/ledger/v1/budgets:reserve', { idempotencyKey: 'k', amount: { usd: 0.1 }, subject: { user: 'c' } }],
  ['post', '/ledger/v1/budgets:reserve', { idempotencyKey: 'l', amount: { usd: 100 } }],
  ['post', '/ledger/v1/budgets:lease', { idempotencyKey: 'm', amount: { usd: 0.1 } }],
  ['post', '/ledger/v1/budgets:lease', { idempotencyKey: 'n', amount: { usd: 1 }, subject: { user: 'a' } }],
  ['post', '/ledger/v1/budgets:settle', { reservationId: `res_${'0'.repeat(32)}`, amount: {} }],
  ['get', '/ledger/v1/budgets:decision?user=a&tokens=99'],
  ['post', '/ledger/v1/budgets:backtest', { budget: LIMIT, ...TIMES }],
  ['put', '/ledger/v1/prices', { prices: [{ model: 'house-*', prices: { input_mtok: '1.5' } }] }],
  ['post', '/ledger/v1/prices:reprice', TIMES],
  ['delete', '/ledger/v1/budgets/t'],
]
/** How else each operation is asked. */
const LATIN1 = new Uint8Array([0x7b, 0xff, 0x7d])
const WAYS: readonly ((key: string) => {
  query?: string
  headers?: Record<string, string>
  body?: RequestInit['body']
})[] = [
  () => ({}),
  () => ({ query: '?bogus=1' }),
  () => ({ query: '?pageToken=AAAA&name=%00' }),
  () => ({ query: '?a=%F6' }),
  () => ({ headers: { authorization: '' } }),
  () => ({ headers: { authorization: 'Bearer slk_nobody' } }),
  () => ({ headers: { 'if-match': '"another"' } }),
  (key) => ({ headers: { authorization: `Bearer ${key}` } }),
  () => ({ body: '{' }),
  () => ({ body: LATIN1 }),
  () => ({ body: '{}', headers: { 'content-encoding': 'gzip' } }),
  () => ({ body: '{"__proto__":{"limit":1}}' }),
  () => ({ body: '{}', headers: { 'content-type': 'text/plain' } }),
  () => ({ body: `{"a":"${'x'.repeat(1_100_000)}"}` }),
  () => ({ body: new ReadableStream({ start: (controller) => controller.close() }) }),
]

async function open() {
  const ledger = { operation: 'chat', model: 'm', costPicoUsd: 2n ** 62n, costStatus: 'priced' } as const
  const spans = [
    sampleSpan({ attributes: new Map([['gen_ai.prompt', 'Hello?']]) }, { ...ledger, receipt: '{}', inputTokens: 3 }),
    sampleSpan({ spanId: spanIdOf(2), endTimeUnixNano: 0n }, { operation: 'chat', costStatus: 'unpriced' }),
    sampleSpan({ spanId: spanIdOf(3), startTimeUnixNano: 1n, endTimeUnixNano: 2n ** 62n }, ledger),
  ]
  const pricer = createPricer({ catalogue: createCatalogue([], 'none') })
  const { app, keyOf } = await openTestApp(
    { acme: spans },
    {
      mount: ({ reader, authenticate }) => [
        createBudgetRoutes({ ledger: openSqliteLedger({ path: ':memory:' }), authenticate, reader }),
        createPriceRoutes({
          prices: openSqlitePriceStore(':memory:'),
          reader,
          authenticate,
          bus: { publish: async () => {} },
          pricer: async () => pricer,
        }),
      ],
    },
  )
  const keys = { strong: await keyOf('acme', ['read', 'admin', 'ingest']), weak: await keyOf('acme', ['ingest']) }
  const document = (await (await app.request('/ledger/v1/openapi.json')).json()) as Document
  const ask = (method: string, path: string, init: RequestInit = {}) =>
    app.request(path, {
      method: method.toUpperCase(),
      duplex: 'half',
      ...init,
      headers: { authorization: `Bearer ${keys.strong}`, 'content-type': 'application/json', ...init.headers },
    } as RequestInit)
  return { document, keys, ask, check: createCheck(document) }
}

/** Holds an answer against what the document says of its operation. */
function createCheck(document: Document) {
  const seen = new Set<string>()
  const schemas = new Map<string, z.ZodType>()
  const check = async (path: string, method: string, response: Response) => {
    const asked = `${method} ${path} → ${response.status}`
    const described = document.paths[path]?.[method]?.responses[response.status]
    const text = await response.text()
    expect(described, `${asked} is not described: ${text}`).toBeDefined()
    const type = response.headers.get('content-type')?.split(';')[0] ?? 'none'
    const content = described?.content?.[type]
    if (described?.content === undefined) expect(text, asked).toBe('')
    else {
      expect(content, `${asked} ${type}`).toBeDefined()
      if (!schemas.has(asked)) schemas.set(asked, z.fromJSONSchema(resolve(content?.schema, document) as Json))
      expect(schemas.get(asked)?.safeParse(JSON.parse(text)).error, `${asked}: ${text}`).toBeUndefined()
    }
    seen.add(asked)
  }
  return Object.assign(check, { seen })
}

/** A schema with what its references stand for in their place. */
function resolve(schema: unknown, document: unknown): unknown {
  if (typeof schema !== 'object' || schema === null) return schema
  if (Array.isArray(schema)) return schema.map((item) => resolve(item, document))
  const { $ref } = schema as { $ref?: string }
  if ($ref === undefined)
    return Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, resolve(value, document)]))
  const target = $ref.slice(2).split('/')
  return resolve(
    target.reduce<unknown>((at, key) => (at as Json)[key], document),
    document,
  )
}

/** The path in the document that a request's is of. */
function pathOf(document: Document, url: string): string {
  const [path = ''] = url.split('?')
  if (path in document.paths) return path
  const pattern = Object.keys(document.paths).find((known) =>
    new RegExp(`^${known.replace(/\{\w+\}/g, '[^/:]+')}$`).test(path),
  )
  return pattern ?? path
}

test('what routes answer was another status than the document has, or of another type', async () => {
  const { document, keys, ask, check } = await open()
  for (const [method, path, body] of STORY) {
    const response = await ask(method, path, body === undefined ? {} : { body: JSON.stringify(body) })
    await check(pathOf(document, path), method, response)
  }
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => [path, method] as const),
  )
  for (const [path, method] of operations) {
    if (!path.startsWith('/ledger/')) continue
    for (const id of ['b', 'nobody', '-']) {
      const trace = id === 'b' ? traceIdOf(1) : id === '-' ? id : traceIdOf(9)
      const filled = path
        .replace('{id}', id)
        .replace('{traceId}', trace)
        .replace('{grantId}', id === '-' ? id : crypto.randomUUID())
      for (const way of WAYS) {
        const { query = '', headers = {}, body } = way(keys.weak)
        // A body is no part of what these methods ask.
        if (body !== undefined && (method === 'get' || method === 'delete')) continue
        await check(path, method, await ask(method, `${filled}${query}`, { headers, body: body ?? null }))
      }
    }
  }
  expect(check.seen.size).toBeGreaterThan(100)
})

test('a request without a body, or a length, to a path that is none was answered 500', async () => {
  const { document, ask } = await open()
  const paths = [...Object.keys(document.paths), '/ledger/v1/budgets:nothing', '/ledger/v1/budgets/', '/ledger/v1/x']
  for (const path of paths)
    for (const method of ['post', 'put', 'patch', 'delete']) {
      const body = new ReadableStream({ start: (controller) => controller.close() })
      const { status } = await ask(method, path.replaceAll(/\{\w+\}/g, 'b'), { body })
      expect(status, `${method} ${path}`).toBeLessThan(500)
    }
})
