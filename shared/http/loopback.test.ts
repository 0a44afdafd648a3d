import { Hono } from 'hono'
import { expect, test } from 'vitest'
import { refuseForeignPages } from './loopback.ts'

async function status(headers: Record<string, string>, keyNeeded = false): Promise<number> {
  const app = new Hono().use(refuseForeignPages(async () => keyNeeded)).all('*', (c) => c.text('ok'))
  return (await app.request('/', { headers })).status
}

test.each<Record<string, string>>([
  {},
  { host: 'localhost:4318' },
  { host: '127.0.0.1:4318' },
  { host: '127.1.2.3' },
  { host: '[::1]:4318' },
  { host: 'spanledger.localhost:4318' },
  { host: 'host.docker.internal:4318' },
  { host: 'localhost:4318', origin: 'http://localhost:3000' },
])('%j passes', async (headers) => expect(await status(headers)).toBe(200))

test.each<Record<string, string>>([
  { host: 'evil.example' },
  { host: 'evil.example:4318' },
  { host: '127.0.0.1.evil.example' },
  { host: 'localhost.evil.example' },
  { host: 'evillocalhost' },
  { host: 'internal.evil.example' },
  { host: '127.0.0.1@evil.example' },
  { host: 'evil.example', authorization: 'Bearer slk_0000000000000000.A' },
  { host: '' },
  { host: '[' },
  { host: 'localhost:4318', origin: 'https://evil.example' },
  { host: 'localhost:4318', origin: 'null' },
])('%j is refused until a key is needed', async (headers) => {
  expect(await status(headers)).toBe(403)
  expect(await status(headers, true)).toBe(200)
})
