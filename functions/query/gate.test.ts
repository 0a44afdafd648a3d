import { Hono } from 'hono'
import { expect, test } from 'vitest'
import { handleProblems } from '../../shared/http/problem.ts'
import { createGate } from './gate.ts'
import type { ReaderEnv } from './principal.ts'

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
