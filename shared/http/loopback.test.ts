import { Hono } from 'hono'
import { expect, test } from 'vitest'
import { refuseForeignPages } from './loopback.ts'

const app = new Hono().use(refuseForeignPages()).all('*', (c) => c.text('ok'))
const status = async (headers: Record<string, string>) => (await app.request('/', { headers })).status

test.each<Record<string, string>>([
  {},
  { host: 'localhost:4318' },
  { host: '127.0.0.1:4318' },
  { host: '127.1.2.3' },
  { host: '[::1]:4318' },
  { host: 'spanledger.localhost:4318' },
  { host: 'host.docker.internal:4318' },
  { host: 'localhost:4318', origin: 'http://localhost:3000' },
  { host: 'evil.example', origin: 'https://evil.example', authorization: 'Bearer slk_' },
])('%j passes', async (headers) => expect(await status(headers)).toBe(200))

test.each<Record<string, string>>([
  { host: 'evil.example' },
  { host: 'evil.example:4318' },
  { host: '127.0.0.1.evil.example' },
  { host: 'localhost.evil.example' },
  { host: 'evillocalhost' },
  { host: 'internal.evil.example' },
  { host: '127.0.0.1@evil.example' },
  { host: '' },
  { host: '[' },
  { host: 'localhost:4318', origin: 'https://evil.example' },
  { host: 'localhost:4318', origin: 'null' },
])('%j is refused', async (headers) => expect(await status(headers)).toBe(403))
