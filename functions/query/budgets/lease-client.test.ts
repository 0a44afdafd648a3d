import { expect, test } from 'vitest'
import { createHttpLeases, type HttpLeasesOptions } from '../../../shared/budgets/http-leases.ts'
import { LeaseClient, type LeaseClientOptions } from '../../../shared/budgets/lease-client.ts'
import { debit } from '../../../shared/budgets/ledger.fixtures.ts'
import { NOW, useTestRoutes } from './test-routes.ts'

const routes = useTestRoutes()
const CALL = { usd: 1_000_000_000n }
const SLICE = { usd: 20_000_000_000n }

const position = async () => (await routes.ledger.get('p', 'b')).position

/** A client over HTTP, and what it asked so far. */
function connect(options: Partial<HttpLeasesOptions & LeaseClientOptions> = {}) {
  const asked: string[] = []
  const fetch = (url: string, init: RequestInit) => {
    asked.push(url.slice(url.indexOf(':', 6) + 1))
    return routes.request(url, init)
  }
  const now = () => routes.now
  const leases = createHttpLeases({ url: 'http://ledger', key: 'ingest', fetch, now, ...options })
  return { asked, client: new LeaseClient({ ...leases, slice: SLICE, now, ...options }) }
}

test('a hundred calls take a few requests, and what is unspent returns at the end', async () => {
  await routes.put('b', { limit: { usd: 0.15 }, period: 'day' })
  const { client, asked } = connect()
  for (let i = 1; i <= 100; i++) {
    const call = await client.spend(CALL)
    if (call === undefined) throw new Error('denied')
    await debit(routes.ledger, `m${i}`, [{ trace: 1, span: i, at: NOW, amounts: CALL, reservation: call.leaseId }])
  }
  expect(asked.length).toBeLessThan(20)
  await client.close()
  expect(asked.at(-1)).toBe('return')
  expect(await position()).toMatchObject({ spent: 100_000_000_000n, reserved: 0n, remaining: 50_000_000_000n })
})

test('two clients spend no more than the budget has, and are let through again when it has more', async () => {
  await routes.put('b', { limit: { usd: 0.05 }, period: 'day' })
  const clients = [connect().client, connect().client]
  let spent = 0
  for (let round = 0; round < 60; round++)
    for (const client of clients) if ((await client.spend(CALL)) !== undefined) spent++
  expect(spent).toBe(50)
  await routes.put('b', { limit: { usd: 0.06 }, period: 'day' })
  expect(await clients[0]?.spend(CALL)).toBeDefined()
})

test('what a client that died had leased returns by itself when the lease ends', async () => {
  await routes.put('b', { limit: { usd: 0.02 }, period: 'day' })
  expect(await connect({ ttlSeconds: 60 }).client.spend(CALL)).toBeDefined()
  const { client } = connect()
  expect(await client.spend(CALL)).toBeUndefined()
  routes.now += 60_000
  expect(await position()).toMatchObject({ reserved: 0n })
  expect(await client.spend(CALL)).toBeDefined()
})

test('a lease that nears its end is replaced, and its rest given back', async () => {
  await routes.put('b', { limit: { usd: 1 }, period: 'day' })
  const { client, asked } = connect({ ttlSeconds: 60 })
  const first = await client.spend(CALL)
  routes.now += 51_000
  const second = await client.spend(CALL)
  expect(second?.leaseId).not.toBe(first?.leaseId)
  expect(asked).toEqual(['lease', 'lease', 'return'])
  expect((await position()).reserved).toBe(SLICE.usd + CALL.usd)
})

test('an answer that was lost is asked for again, and nothing is held twice', async () => {
  await routes.put('b', { limit: { usd: 1 }, period: 'day' })
  let lost = false
  const fetch = async (url: string, init: RequestInit) => {
    const response = await routes.request(url, init)
    if (lost) return response
    lost = true
    throw new TypeError('fetch failed')
  }
  const { client } = connect({ fetch })
  await expect(client.spend(CALL)).rejects.toThrow('fetch failed')
  expect(await client.spend(CALL)).toBeDefined()
  expect((await position()).reserved).toBe(SLICE.usd)
})

test('while the server does not answer, what is leased can be spent, and no more', async () => {
  await routes.put('b', { limit: { usd: 1 }, period: 'day' })
  const { client } = connect()
  await client.spend(CALL)
  routes.down = true
  for (let i = 1; i < 20; i++) expect(client.trySpend(CALL)).toBeDefined()
  expect(client.trySpend(CALL)).toBeUndefined()
  await expect(client.spend(CALL)).rejects.toThrow('503')
  routes.down = false
  expect(await client.spend(CALL)).toBeDefined()
})

test('a clock that is behind the server does not outlive the lease', async () => {
  await routes.put('b', { limit: { usd: 1 }, period: 'day' })
  const behind = () => routes.now - 3_600_000
  const fetch = async (url: string, init: RequestInit) => {
    const response = await routes.request(url, init)
    response.headers.set('date', new Date(routes.now).toUTCString())
    return response
  }
  const { client } = connect({ ttlSeconds: 60, now: behind, fetch })
  expect(await client.spend(CALL)).toBeDefined()
  routes.now += 51_000
  expect(client.trySpend(CALL)).toBeUndefined()
})
