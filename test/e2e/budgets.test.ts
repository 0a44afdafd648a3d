import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { chatSpan, exportRequest, postTraces } from '../support/otlp.ts'
import { eventually, getJson, startServer, type TestServer } from '../support/server.ts'

/** 1,000 input tokens of gpt-4o-mini. */
const CALL_PICO_USD = 150_000_000n

async function send(server: TestServer, calls: number): Promise<void> {
  const spans = Array.from({ length: calls }, () => chatSpan({ inputTokens: 1_000, outputTokens: 0 }))
  expect((await postTraces(server.url, exportRequest(spans))).status).toBe(200)
}

async function ask(server: TestServer, method: string, path: string, body: object) {
  const headers = { 'content-type': 'application/json' }
  const response = await fetch(server.url + path, { method, headers, body: JSON.stringify(body) })
  return { status: response.status, body: await response.json() }
}

interface Decision {
  allowed: boolean
  detail?: string
}

test('a hard budget holds: it includes the morning, alerts once a threshold, denies, and a grant lets through', async () => {
  const alerts: { id: string; threshold: number; budget: string }[] = []
  const hook = createServer((request, response) => {
    let text = ''
    request.on('data', (chunk) => {
      text += chunk
    })
    request.on('end', () => {
      alerts.push(JSON.parse(text))
      response.end()
    })
  })
  await new Promise<void>((resolve) => hook.listen(0, '127.0.0.1', resolve))
  const server = await startServer()
  try {
    const spent = async () =>
      BigInt((await getJson<{ spent: { picoUsd: string } }>(server, '/ledger/v1/budgets/b')).spent.picoUsd)
    const decision = () => getJson<Decision>(server, '/ledger/v1/budgets:decision?user=u1&usd=0.00015')
    await send(server, 20)
    await eventually(async () => {
      const { totals } = await getJson<{ totals: { spans: number } }>(server, '/ledger/v1/usage')
      expect(totals.spans).toBe(20)
    })
    const made = await ask(server, 'PUT', '/ledger/v1/budgets/b', {
      limit: { usd: 0.01 },
      selector: { user: 'u1' },
      period: 'total',
      alerts: [{ kind: 'webhook', url: `http://127.0.0.1:${(hook.address() as AddressInfo).port}/` }],
    })
    expect(made.status).toBe(201)
    await eventually(async () => expect(await spent()).toBe(20n * CALL_PICO_USD))
    expect(await decision()).toMatchObject({ allowed: true })

    await send(server, 50)
    await eventually(async () => expect(await spent()).toBe(70n * CALL_PICO_USD))
    expect(await decision()).toMatchObject({ allowed: false, detail: expect.stringContaining('"b" allows 0.01 USD') })
    const input = { idempotencyKey: 'k', subject: { user: 'u1' }, amount: { usd: 0.00015 } }
    expect(await ask(server, 'POST', '/ledger/v1/budgets:reserve', input)).toMatchObject({
      status: 402,
      body: { budget: 'b' },
    })
    await eventually(async () => expect(alerts).toHaveLength(4))
    expect(alerts.map(({ threshold }) => threshold).sort()).toEqual([0.5, 0.8, 0.9, 1])
    expect(new Set(alerts.map(({ id }) => id)).size).toBe(4)

    const grant = { amount: { usd: 1 }, validTo: new Date(Date.now() + 86_400_000).toISOString() }
    expect((await ask(server, 'POST', '/ledger/v1/budgets/b/grants', grant)).status).toBe(200)
    expect(await decision()).toMatchObject({ allowed: true })
    expect((await ask(server, 'POST', '/ledger/v1/budgets:reserve', input)).status).toBe(201)
    expect(alerts).toHaveLength(4)
  } finally {
    await server.dispose()
    await new Promise((resolve) => hook.close(resolve))
  }
})
