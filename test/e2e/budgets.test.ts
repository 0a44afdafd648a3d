import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { chatSpan, exportRequest, postTraces } from '../support/otlp.ts'
import { eventually, getJson, startServer, type TestServer } from '../support/server.ts'
import { startWebhook, type WebhookReceiver } from '../support/webhook.ts'

const DAY_MS = 86_400_000
/** 1,000 input tokens of gpt-4o-mini. */
const CALL_PICO_USD = 150_000_000n
const THRESHOLDS = [0.5, 0.8, 0.9, 1]

interface Budget {
  readonly spent: { readonly picoUsd: string }
  readonly periodName: string
  readonly periodEnd: string
}
interface Decision {
  readonly allowed: boolean
  readonly detail?: string
}

let hook: WebhookReceiver
let server: TestServer
beforeEach(async () => {
  ;[hook, server] = await Promise.all([startWebhook(), startServer()])
})
afterEach(() => Promise.all([server?.dispose(), hook?.close()]))

async function send(calls: number, start = Date.now()): Promise<void> {
  const spans = Array.from({ length: calls }, () => chatSpan({ inputTokens: 1_000, outputTokens: 0, start }))
  expect((await postTraces(server.url, exportRequest(spans))).status).toBe(200)
}

async function ask(method: string, path: string, body: object) {
  const headers = { 'content-type': 'application/json' }
  const response = await fetch(server.url + path, { method, headers, body: JSON.stringify(body) })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

const budget = () => getJson<Budget>(server, '/ledger/v1/budgets/b')
const spent = async () => BigInt((await budget()).spent.picoUsd)
const decision = () => getJson<Decision>(server, '/ledger/v1/budgets:decision?user=u1&usd=0.00015')
const alerts = () => [{ kind: 'webhook', url: hook.url, secret: hook.secret }]
const told = (period?: string) =>
  hook.alerts
    .filter((alert) => period === undefined || alert.period === period)
    .map(({ threshold }) => threshold)
    .sort()

/** Resolves when every span that was taken is counted. */
async function settled(): Promise<void> {
  await eventually(async () => {
    const { sinks } = await getJson<{ sinks: { budget: { inFlight: string } } }>(server, '/ledger/v1/conservation')
    expect(Number(sinks.budget.inFlight)).toBe(0)
  })
}

async function restart(env: Record<string, string> = {}): Promise<void> {
  await server.end('SIGTERM')
  server = await startServer({ data: server.data, env })
}

/** A zone in which it is about noon: no test meets midnight. */
function zoneAtNoon(): string {
  const ahead = 12 - new Date().getUTCHours()
  return ahead === 0 ? 'UTC' : `Etc/GMT${ahead > 0 ? '-' : '+'}${Math.abs(ahead)}`
}

test("a hard budget of $0.01 over the demo's traffic: denied, one alert a threshold, let through by a grant, new the next day", async () => {
  const terms = { limit: { usd: 0.01 }, period: 'day', timeZone: zoneAtNoon(), mode: 'hard', alerts: alerts() }
  expect((await ask('PUT', '/ledger/v1/budgets/b', terms)).status).toBe(201)
  expect(await decision()).toMatchObject({ allowed: true, remaining: { usd: 0.01 } })

  const script = join(import.meta.dirname, '../../scripts/demo.ts')
  await promisify(execFile)(process.execPath, [script, '--url', server.url, '--traces', '30', '--hours', '1'])
  await settled()
  const { periodName, periodEnd } = await budget()
  expect(await spent()).toBeGreaterThan(10_000_000_000n)
  expect(await decision()).toMatchObject({
    allowed: false,
    decidedBy: 'b',
    resetsAt: periodEnd,
    detail: expect.stringMatching(/^"b" allows 0\.01 USD .* are spent .* do not fit; it resets at .*Z$/),
  })
  const call = { idempotencyKey: 'k', subject: { user: 'u1' }, amount: { usd: 0.00015 } }
  const refused = await ask('POST', '/ledger/v1/budgets:reserve', call)
  expect(refused).toMatchObject({
    status: 402,
    body: { code: 'budget/denied', budget: 'b', limit: { usd: 0.01 }, resetsAt: periodEnd },
  })
  expect(refused.body.spent).toEqual((await budget()).spent)

  await eventually(async () => expect(told()).toEqual(THRESHOLDS))
  await send(1)
  await settled()
  const grant = { amount: { usd: 50 }, validTo: periodEnd, note: 'launch' }
  expect((await ask('POST', '/ledger/v1/budgets/b/grants', grant)).status).toBe(200)
  expect(await decision()).toMatchObject({ allowed: true })
  const reserved = await ask('POST', '/ledger/v1/budgets:reserve', call)
  expect(reserved.status).toBe(201)
  await ask('POST', '/ledger/v1/budgets:release', { reservationId: reserved.body.reservationId })

  const clock = join(import.meta.dirname, '../support/shifted-clock.ts')
  await restart({ NODE_OPTIONS: `--import ${clock}`, TEST_CLOCK_AHEAD_MS: String(DAY_MS) })
  const next = await budget()
  expect(next.periodName).toBe(new Date(Date.parse(periodName) + DAY_MS).toISOString().slice(0, 10))
  expect(next).toMatchObject({ spent: { usd: 0 }, remaining: { usd: 0.01 }, grants: [] })
  expect(await decision()).toMatchObject({ allowed: true, remaining: { usd: 0.01 } })
  await send(70, Date.now() + DAY_MS)
  await eventually(async () => expect(await decision()).toMatchObject({ allowed: false }))
  await eventually(async () => expect(told(next.periodName)).toEqual(THRESHOLDS))
  expect(told(periodName)).toEqual(THRESHOLDS)
  expect(new Set(hook.alerts.map(({ id }) => id)).size).toBe(8)
  expect(hook.alerts.every(({ isSigned, budget }) => isSigned && budget === 'b')).toBe(true)
})

test('a budget made at noon includes the morning, and alerts for it', async () => {
  await send(70)
  await eventually(async () => {
    const { totals } = await getJson<{ totals: { spans: number } }>(server, '/ledger/v1/usage')
    expect(totals.spans).toBe(70)
  })
  const terms = { limit: { usd: 0.01 }, selector: { user: 'u1' }, period: 'total', alerts: alerts() }
  expect((await ask('PUT', '/ledger/v1/budgets/b', terms)).status).toBe(201)
  await eventually(async () => expect(await spent()).toBe(70n * CALL_PICO_USD))
  expect(await decision()).toMatchObject({ allowed: false })
  await eventually(async () => expect(told()).toEqual(THRESHOLDS))
})
