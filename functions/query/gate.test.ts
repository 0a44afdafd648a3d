import { Hono } from 'hono'
import { expect, test } from 'vitest'
import { handleProblems } from '../../shared/http/problem.ts'
import { createGate, SUMS } from './gate.ts'
import type { ReaderEnv } from './principal.ts'
import { openTestApp } from './test-app.ts'

function gatedApp() {
  const app = new Hono<ReaderEnv>()
  const ends: (() => void)[] = []
  let running = 0
  let most = 0
  handleProblems(app)
  app.get('/', createGate({ running: 2, waiting: 3 }), async (c) => {
    most = Math.max(most, ++running)
    await new Promise<void>((resolve) => ends.push(resolve))
    running--
    if (c.req.query('fails') !== undefined) throw new Error('as asked')
    return c.text('read')
  })
  const settle = () => new Promise((resolve) => setImmediate(resolve))
  return { app, ends, settle, most: () => most }
}

test('reads beyond the bound wait, and beyond those that wait are sent away', async () => {
  const { app, ends, settle, most } = gatedApp()
  const reads = Array.from({ length: 5 }, () => app.request('/'))
  await settle()
  expect(ends).toHaveLength(2)
  const refused = await app.request('/')
  expect(refused.status).toBe(503)
  expect(refused.headers.get('retry-after')).not.toBeNull()
  expect(await refused.json()).toMatchObject({ code: 'query/busy' })
  for (let read = 0; read < 5; read++) {
    ends[read]?.()
    await settle()
  }
  expect((await Promise.all(reads)).map(({ status }) => status)).toEqual([200, 200, 200, 200, 200])
  expect(most()).toBe(2)
})

test('a read whose asker has gone before its turn was made all the same, and kept others', async () => {
  const { app, ends, settle } = gatedApp()
  const gone = new AbortController()
  const reads = [app.request('/'), app.request('/'), app.request('/', { signal: gone.signal }), app.request('/')]
  await settle()
  gone.abort()
  ends[0]?.()
  await settle()
  expect(ends).toHaveLength(3)
  for (const end of ends) end()
  expect((await Promise.all(reads)).map(({ status }) => status)).toEqual([200, 200, 503, 200])
})

test('a read that fails gives its place back', async () => {
  const { app, ends, settle } = gatedApp()
  const failing = [app.request('/?fails'), app.request('/?fails')]
  await settle()
  for (const end of ends) end()
  expect((await Promise.all(failing)).map(({ status }) => status)).toEqual([500, 500])
  const next = app.request('/')
  await settle()
  ends[2]?.()
  expect((await next).status).toBe(200)
})

test('of sums any number was asked at once, and each waited for all', async () => {
  const open = await openTestApp({ acme: [] })
  let asked = 0
  const ends: (() => void)[] = []
  const wait = async () => {
    asked++
    await new Promise<void>((resolve) => ends.push(resolve))
    return [] as never
  }
  const reader = { ...open.reader, usage: wait, listTraces: async () => ({ items: await wait(), next: null }) }
  const { request } = await openTestApp({ acme: [] }, { reader })
  const paths = ['usage', 'models', 'traces', 'models?model=m']
  const most = SUMS.running + SUMS.waiting
  const requests = Array.from({ length: most + 3 }, (_, n) => request(`/ledger/v1/${paths[n % paths.length]}`))
  const statuses = Promise.all(requests.map(async (response) => (await response).status))
  while (asked < most) {
    await new Promise((resolve) => setImmediate(resolve))
    expect(asked).toBeLessThanOrEqual(most)
    ends.shift()?.()
  }
  for (const end of ends) end()
  expect((await statuses).filter((status) => status === 503)).toHaveLength(3)
})
