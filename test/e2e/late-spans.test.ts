import { afterAll, beforeAll, expect, test } from 'vitest'
import { reprice } from '../../scripts/reprice.ts'
import { attribute, chatSpan, exportRequest, newSpanId, newTraceId, postTraces } from '../support/otlp.ts'
import { eventually, getJson, startServer, type TestServer } from '../support/server.ts'

/** gpt-4o-mini: $0.15 and $0.60 per million tokens, in 1e-12 USD per token. */
const cost = (input: number, output: number) => (BigInt(input) * 150_000n + BigInt(output) * 600_000n).toString()

interface Trace {
  cost: { picoUsd: string }
  spans: { spanId: string; cost: { picoUsd: string | null; status: string }; usage: { inputTokens: number } }[]
}

let server: TestServer

beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.dispose())

async function request(method: string, path: string, body: object): Promise<void> {
  const headers = { 'content-type': 'application/json' }
  const response = await fetch(server.url + path, { method, headers, body: JSON.stringify(body) })
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
}

async function send(...spans: object[]): Promise<void> {
  expect((await postTraces(server.url, exportRequest(spans))).status).toBe(200)
}

const spent = async () =>
  (await getJson<{ spent: { picoUsd: string } }>(server, '/ledger/v1/budgets/day')).spent.picoUsd

test('calls that arrive after their agent take back what it billed: in the trace, the totals and the budget', async () => {
  await request('PUT', '/ledger/v1/budgets/day', { limit: { usd: 1 }, period: 'day', timeZone: 'UTC' })
  const traceId = newTraceId()
  const spanId = newSpanId()
  const agent = chatSpan({ traceId, spanId, inputTokens: 3000, outputTokens: 300 })
  agent.attributes.push(attribute('gen_ai.operation.name', 'invoke_agent'))
  await send(agent)
  await eventually(async () => expect(await spent()).toBe(cost(3000, 300)))

  const call = (inputTokens: number, outputTokens: number) =>
    chatSpan({ traceId, spanId: newSpanId(), parentSpanId: spanId, inputTokens, outputTokens })
  await send(call(1000, 100))
  await send(call(2000, 200))
  await eventually(async () => {
    const trace = await getJson<Trace>(server, `/ledger/v1/traces/${traceId}`)
    expect(trace.cost.picoUsd).toBe(cost(3000, 300))
    expect(trace.spans.map((span) => span.cost.status).toSorted()).toStrictEqual(['priced', 'priced', 'rollup'])
    expect(trace.spans.find((span) => span.spanId === spanId)?.usage.inputTokens).toBe(0)
    expect(await spent()).toBe(cost(3000, 300))
    const usage = await getJson<{ totals: { cost: { picoUsd: string } } }>(server, '/ledger/v1/usage')
    expect(usage.totals.cost.picoUsd).toBe(cost(3000, 300))
  })
  const { balanced } = await eventually(async () => {
    const report = await getJson<{ balanced: boolean; sinks: Record<string, { inFlight: string }> }>(
      server,
      '/ledger/v1/conservation',
    )
    expect(Object.values(report.sinks).every(({ inFlight }) => Number(inFlight) === 0)).toBe(true)
    return report
  })
  expect(balanced).toBe(true)
})

test('a model without a price is listed; a price that is then given is applied by repricing', async () => {
  const traceId = newTraceId()
  await send(chatSpan({ traceId, model: 'house-model', inputTokens: 1_000_000, outputTokens: 0 }))
  await eventually(async () => {
    const { models } = await getJson<{ models: { model: string }[] }>(server, '/ledger/v1/models/unpriced')
    expect(models.map(({ model }) => model)).toStrictEqual(['house-model'])
  })
  await request('PUT', '/ledger/v1/prices', { prices: [{ model: 'house-*', prices: { input_mtok: 2 } }] })
  const day = 86_400_000
  const [from, to] = [Date.now() - day, Date.now() + day].map((time) => new Date(time).toISOString()) as [
    string,
    string,
  ]
  await eventually(async () => {
    const report = await reprice({ url: server.url, from, to, apply: true })
    expect(report.changes).toMatchObject([{ model: 'house-model', spans: 1, after: 2_000_000_000_000n }])
  })
  await eventually(async () => {
    const { cost } = await getJson<Trace>(server, `/ledger/v1/traces/${traceId}`)
    expect(cost.picoUsd).toBe('2000000000000')
    const { models } = await getJson<{ models: object[] }>(server, '/ledger/v1/models/unpriced')
    expect(models).toStrictEqual([])
  })
})

test('a listed model without a price for its service tier is listed with that tier; a price for the tier is applied', async () => {
  const traceId = newTraceId()
  const tier = [attribute('openai.response.service_tier', 'scale')]
  await send(chatSpan({ traceId, model: 'gpt-4o', inputTokens: 1_000_000, outputTokens: 0, attributes: tier }))
  const unpriced = async () => (await getJson<{ models: object[] }>(server, '/ledger/v1/models/unpriced')).models
  await eventually(async () => {
    const reason = 'no price for service tier scale'
    expect(await unpriced()).toMatchObject([{ model: 'gpt-4o', serviceTier: 'scale', reason, calls: 1 }])
  })
  const { prices } = await getJson<{ prices: object[] }>(server, '/ledger/v1/prices')
  const dearer = { model: 'gpt-4o', serviceTier: 'scale', prices: { input_mtok: 4.25, output_mtok: 17 } }
  await request('PUT', '/ledger/v1/prices', { prices: [...prices, dearer] })
  const range = { from: '2020-01-01T00:00:00Z', to: '2100-01-01T00:00:00Z' }
  await eventually(async () => {
    const report = await reprice({ url: server.url, ...range, model: 'gpt-4o', apply: true })
    expect(report.changes).toMatchObject([{ model: 'gpt-4o', spans: 1, after: 4_250_000_000_000n }])
  })
  await eventually(async () => {
    expect((await getJson<Trace>(server, `/ledger/v1/traces/${traceId}`)).cost.picoUsd).toBe('4250000000000')
    expect(await unpriced()).toStrictEqual([])
  })
})
