import { spawn, spawnSync } from 'node:child_process'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually, startServer, type TestServer } from '../test/support/server.ts'
import { runSmoke, type SmokeReport, STAGES } from './smoke/stages.ts'

const ENTRY = join(import.meta.dirname, 'smoke.ts')
const doubles: Server[] = []
let server: TestServer

beforeAll(async () => {
  server = await startServer()
})
afterAll(async () => {
  for (const double of doubles) double.close().closeAllConnections()
  await server.dispose()
})

/** Runs the command as a user does. */
function smoke(...args: string[]): Promise<{ code: number | null; output: string; errors: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [ENTRY, ...args])
    let output = ''
    let errors = ''
    child.stdout.on('data', (chunk) => {
      output += chunk
    })
    child.stderr.on('data', (chunk) => {
      errors += chunk
    })
    child.once('close', (code) => resolve({ code, output, errors }))
  })
}

async function report(...args: string[]): Promise<SmokeReport & { code: number | null }> {
  const { code, output } = await smoke('--json', ...args)
  return { ...(JSON.parse(output) as SmokeReport), code }
}

/** Why the first stage failed; it is the only one that does. */
async function failure(url: string, key?: string): Promise<string> {
  const { ok, stages } = await runSmoke({ url, timeoutMs: 1_000, ...(key !== undefined && { key }) })
  expect([ok, ...stages.map(({ status }) => status)]).toEqual([
    false,
    'failed',
    ...STAGES.slice(1).map(() => 'skipped'),
  ])
  return stages[0]?.detail ?? ''
}

async function double(listener: RequestListener): Promise<string> {
  const made = createServer(listener)
  doubles.push(made)
  await new Promise<void>((resolve) => made.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(made.address() as AddressInfo).port}`
}

const answering = (status: number, type: string, body: string) =>
  double((request, response) => {
    request.resume()
    response.writeHead(status, { 'content-type': type }).end(body)
  })

describe('against the embedded server', () => {
  test('every stage is passed, in order, and says what it saw', async () => {
    const { code, ok, stages, traceId } = await report('--url', `${server.url}/`)
    expect({ code, ok }).toEqual({ code: 0, ok: true })
    expect(stages.map(({ stage }) => stage)).toEqual(STAGES)
    expect(stages.map(({ status }) => status)).toEqual(STAGES.map(() => 'ok'))
    const times = stages.map(({ ms }) => ms ?? -1)
    expect(times.every((ms) => ms >= 0)).toBe(true)
    expect(times).toEqual(times.toSorted((a, b) => a - b))
    expect(stages[0]?.detail).toContain(traceId)
    // 1,200 × $0.15 and 80 × $0.60 a million.
    expect(stages[1]?.detail).toBe('2 spans, $0.000228, equal to its receipts')
    expect(await (await fetch(`${server.url}/ledger/v1/budgets`)).json()).toEqual({ budgets: [] })
  })

  test('a person reads the same as a table', async () => {
    const { code, output } = await smoke('--url', server.url, '--query-url', server.url)
    expect(code).toBe(0)
    expect(output.match(/^ {2}ok /gm)).toHaveLength(STAGES.length)
    expect(output).toMatch(/\npassed\n$/)
  })

  test('a path that is none of its own is told apart', async () => {
    expect(await failure(`${server.url}/elsewhere`)).toMatch(/no Spanledger at .* \(404\): --url is a base URL/)
  })

  test('a reader that is elsewhere is named as such', async () => {
    const { stages } = await report('--url', server.url, '--query-url', `${server.url}/elsewhere`, '--timeout', '5')
    expect(stages.map(({ status }) => status)).toEqual(['ok', 'failed', 'skipped', 'skipped', 'skipped'])
    expect(stages[1]?.detail).toMatch(/\(404\): --query-url is a base URL/)
  })
})

describe('with keys', () => {
  const keys: Record<string, string> = {}

  beforeAll(async () => {
    for (const scopes of ['ingest,read', 'read', 'ingest,read,admin']) {
      const { stdout, stderr } = spawnSync(
        process.execPath,
        [join(import.meta.dirname, 'keys.ts'), 'create', '--project', 'smoke', '--scopes', scopes],
        { env: { ...process.env, SPANLEDGER_DATA: server.data }, encoding: 'utf8' },
      )
      keys[scopes] = /slk_\S+/.exec(stdout)?.[0] ?? `none: ${stderr}`
    }
    // The server may remember for a moment that no key was needed.
    await eventually(async () => expect((await fetch(`${server.url}/ledger/v1/usage`)).status).toBe(401))
  })
  const withKey = (scopes: string) => ['--url', server.url, '--key', keys[scopes] ?? '']

  test('the budget is left out without the scope for it, and tried with it', async () => {
    const few = await report(...withKey('ingest,read'))
    expect([few.code, ...few.stages.map(({ status }) => status)]).toEqual([0, 'ok', 'ok', 'ok', 'ok', 'skipped'])
    expect(few.stages[4]?.detail).toBe('the key lacks the scope admin')
    expect((await report(...withKey('ingest,read,admin'))).stages[4]?.status).toBe('ok')
  })

  test('no key, a wrong one, and one without the scope each say what to do', async () => {
    expect(await failure(server.url)).toMatch(/wants an API key: give --key; npm run keys -- create/)
    const wrong = `slk_${'0'.repeat(16)}.${'A'.repeat(43)}`
    expect(await failure(server.url, wrong)).toMatch(/the key was refused .*check --key/)
    expect(await failure(server.url, keys.read)).toMatch(
      /may not do this .*lacks the scope ingest.*with the scope ingest/,
    )
  })
})

describe('what goes wrong before Spanledger answers', () => {
  test.each([
    [500, /the server failed \(500\): look at its logs/],
    [503, /overloaded or a store behind it is down \(503\)/],
    [429, /overloaded .* \(429\)/],
    [403, /something in front of Spanledger refused .*invoker role/],
    [200, /there is no Spanledger at .* \(200\)/],
    [302, /there is no Spanledger at .* \(302\)/],
  ])('status %i with a page instead of JSON', async (status, message) => {
    expect(await failure(await answering(status, 'text/html', '<h1>hello</h1>'))).toMatch(message)
  })

  test('another program that answers JSON', async () => {
    expect(await failure(await answering(200, 'application/json', '[1]'))).toMatch(/is not Spanledger’s/)
  })

  test('a host without address, a port where nothing listens, a server that hangs', async () => {
    expect(await failure('http://nowhere.invalid')).toMatch(/has no address \(\w+\): check --url/)
    const closed = await double(() => {})
    await new Promise((resolve) => doubles.pop()?.close(resolve))
    expect(await failure(closed)).toBe(`nothing listens at ${closed}: start the server, or check the port in --url`)
    expect(await failure(await double(() => {}))).toMatch(/did not answer within [\d.]+ s; raise --timeout/)
  })

  test('a trace that never arrives', async () => {
    const url = await double((request, response) => {
      request.resume()
      if (request.method === 'POST') return void response.writeHead(200).end('{}')
      const problem = { status: 404, detail: 'query: there is no such trace', code: 'query/not-found' }
      response.writeHead(404, { 'content-type': 'application/problem+json' }).end(JSON.stringify(problem))
    })
    const { code, ok, stages } = await report('--url', url, '--timeout', '1')
    expect({ code, ok }).toEqual({ code: 1, ok: false })
    expect(stages.map(({ status }) => status)).toEqual(['ok', 'failed', 'skipped', 'skipped', 'skipped'])
    expect(stages[1]?.detail).toMatch(/accepted but cannot be read in full in time: look at the logs of price/)
  })
})

test('options that are wrong exit with 2 and show how they are meant', async () => {
  for (const args of [['--url', 'ftp://x'], ['--timeout', 'soon'], ['--nonsense']]) {
    const { code, errors } = await smoke(...args)
    expect(code).toBe(2)
    expect(errors).toContain('npm run smoke -- --url URL')
  }
  expect(await smoke('--help')).toMatchObject({ code: 0, output: expect.stringContaining('--query-url') })
})
