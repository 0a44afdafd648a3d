import { gzipSync } from 'node:zlib'
import { Hono } from 'hono'
import { expect, test } from 'vitest'
import { openSqliteLedger } from '../../../shared/budgets/sqlite-ledger.ts'
import { createBudgetRoutes } from './routes.ts'

test('a compressed body was said to be no UTF-8', async () => {
  const authenticate = async () => ({ project: 'p', keyId: '', scopes: [] })
  const app = createBudgetRoutes({ ledger: openSqliteLedger({ path: ':memory:' }), authenticate })
  const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip' }
  const body = gzipSync('{"limit":{"usd":1}}')
  const response = await app.request('/ledger/v1/budgets/b', { method: 'PUT', body, headers })
  expect(response.status).toBe(415)
  expect(await response.json()).toMatchObject({ detail: expect.stringContaining('without content-encoding') })
  const plain = { method: 'PUT', body: '{"limit":{"usd":1}}', headers: { ...headers, 'content-encoding': 'identity' } }
  expect((await app.request('/ledger/v1/budgets/b', plain)).status).toBe(201)
})

test('own prices of more than 64 KiB were refused for being no budget: its bound held for the routes mounted beside', async () => {
  const app = new Hono()
  const authenticate = async () => ({ project: 'p', keyId: '', scopes: [] })
  app.route('/', createBudgetRoutes({ ledger: openSqliteLedger({ path: ':memory:' }), authenticate }))
  app.put('/ledger/v1/prices', async (c) => c.json(await c.req.json()))
  const body = JSON.stringify({ name: 'x'.repeat(70_000) })
  const headers = { 'content-type': 'application/json' }
  expect((await app.request('/ledger/v1/prices', { method: 'PUT', body, headers })).status).toBe(200)
  for (const path of ['/ledger/v1/budgets/b', '/ledger/v1/budgets:reserve', '/ledger/v1/budgets/b/grants']) {
    const method = path.endsWith('/b') ? 'PUT' : 'POST'
    expect((await app.request(path, { method, body, headers })).status, path).toBe(413)
  }
})
