import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { chatSpan, exportRequest, postTraces } from '../support/otlp.ts'
import { eventually, getJson, startServer, type TestServer } from '../support/server.ts'

let server: TestServer
const keys: Record<string, string> = {}
const spans = {
  red: chatSpan({ user: 'red-user', inputTokens: 11 }),
  blue: chatSpan({ user: 'blue-user', inputTokens: 22 }),
}

function createKey(project: string): string {
  const result = spawnSync(
    process.execPath,
    [
      join(import.meta.dirname, '../../scripts/keys.ts'),
      'create',
      '--project',
      project,
      '--scopes',
      'ingest,read,admin',
      '--name',
      'test',
    ],
    { env: { ...process.env, SPANLEDGER_DATA: server.data }, encoding: 'utf8' },
  )
  const key = /slk_\S+/.exec(result.stdout)?.[0]
  if (key === undefined) throw new Error(`no key: ${result.stdout}${result.stderr}`)
  return key
}

beforeAll(async () => {
  server = await startServer()
  for (const project of ['red', 'blue'] as const) {
    keys[project] = createKey(project)
    const headers = { authorization: `Bearer ${keys[project]}` }
    // The server may remember for a moment that no key was needed.
    await eventually(async () => {
      const response = await postTraces(server.url, exportRequest([spans[project]]), headers)
      expect(response.status).toBe(200)
    })
    await eventually(() => getJson(server, `/ledger/v1/traces/${spans[project].traceId}`, keys[project]))
  }
})
afterAll(() => server.dispose())

test('neither of two projects sees anything of the other through any route', async () => {
  const document = await getJson<{ paths: Record<string, Record<string, unknown>> }>(
    server,
    '/ledger/v1/openapi.json',
    keys.red,
  )
  const paths = Object.keys(document.paths).filter((path) => 'get' in (document.paths[path] ?? {}))
  expect(paths.length).toBeGreaterThan(5)
  for (const [mine, other] of [
    ['red', 'blue'],
    ['blue', 'red'],
  ] as const) {
    for (const path of paths) {
      const filled = path.replace(/\{[^}]+\}/, spans[other].traceId)
      const response = await fetch(server.url + filled, { headers: { authorization: `Bearer ${keys[mine]}` } })
      const text = await response.text()
      expect(response.status, `${path}: ${text}`).toBeLessThan(500)
      expect(text, path).not.toContain(`${other}-user`)
      if (!filled.includes(spans[other].traceId)) expect(text, path).not.toContain(spans[other].traceId)
    }
    const { totals } = await getJson<{ totals: { usage: { inputTokens: number } } }>(
      server,
      '/ledger/v1/usage',
      keys[mine],
    )
    expect(totals.usage.inputTokens).toBe(mine === 'red' ? 11 : 22)
  }
})

test('once a key is made, none and a wrong one are refused on every side', async () => {
  await eventually(async () => {
    expect((await postTraces(server.url, exportRequest([chatSpan()]))).status).toBe(401)
  }, 65_000)
  expect((await fetch(`${server.url}/ledger/v1/traces`)).status).toBe(401)
  const wrong = { authorization: `Bearer ${keys.red?.slice(0, -4)}aaaa` }
  expect((await fetch(`${server.url}/ledger/v1/traces`, { headers: wrong })).status).toBe(401)
})
