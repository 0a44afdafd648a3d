import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { chatSpan, exportRequest, newTraceId, postTraces } from '../support/otlp.ts'
import { eventually, getJson, startServer, type TestServer } from '../support/server.ts'

/** gpt-4o-mini: $0.15 and $0.60 per million tokens (openai.com/api/pricing), in 1e-12 USD per token. */
const INPUT_PRICE = 150_000n
const OUTPUT_PRICE = 600_000n

interface Trace {
  spanCount: number
  usage: { inputTokens: number; outputTokens: number }
  cost: { picoUsd: string; usd: number; status: string }
  spans: { receipt: { lines: unknown[] } | null; attributes: Record<string, unknown> }[]
}
interface Usage {
  totals: { requests: number; spans: number; cost: { picoUsd: string }; usage: { inputTokens: number } }
}
interface Budget {
  spent: { picoUsd: string }
}
interface Conservation {
  balanced: boolean
  accepted: number | string
  rejected: Record<string, number | string>
  sinks: Record<
    string,
    { stored: number | string; duplicates: number | string; inFlight: number | string; dead: Record<string, unknown> }
  >
}

async function idle(server: TestServer, sinks?: string[]): Promise<Conservation> {
  return eventually(async () => {
    const report = await getJson<Conservation>(server, '/ledger/v1/conservation')
    const open = Object.entries(report.sinks).filter(
      ([name, sink]) => (sinks?.includes(name) ?? true) && Number(sink.inFlight) > 0,
    )
    if (open.length > 0) throw new Error(`still in flight: ${JSON.stringify(report)}`)
    return report
  })
}

async function put(server: TestServer, path: string, body: object): Promise<void> {
  const response = await fetch(server.url + path, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  if (!response.ok) throw new Error(`PUT ${path}: ${response.status} ${await response.text()}`)
}

describe('one trace through everything', () => {
  let server: TestServer
  const traceId = newTraceId()
  const request = exportRequest([chatSpan({ traceId, inputTokens: 1200, outputTokens: 80, user: 'ada' })], 'shop')
  const cost = 1200n * INPUT_PRICE + 80n * OUTPUT_PRICE

  beforeAll(async () => {
    server = await startServer()
    await put(server, '/ledger/v1/budgets/ada', {
      selector: { user: 'ada' },
      limit: { usd: 1 },
      period: 'day',
      timeZone: 'UTC',
      mode: 'hard',
    })
    const response = await postTraces(server.url, request)
    expect(response.status).toBe(200)
    // SDKs export every five seconds: a connection that ends then would be lost under an export.
    expect(response.headers.get('keep-alive')).toBe('timeout=65')
    expect(await response.json()).toEqual({})
  })
  afterAll(() => server.dispose())

  test('within 2 s it is priced at the reader API, in the usage totals and in the budget', async () => {
    const trace = await eventually(() => getJson<Trace>(server, `/ledger/v1/traces/${traceId}`))
    expect(trace).toMatchObject({
      spanCount: 1,
      usage: { inputTokens: 1200, outputTokens: 80 },
      cost: { picoUsd: String(cost), usd: Number(cost) / 1e12, status: 'priced' },
    })
    expect(trace.spans[0]?.receipt).toBeTruthy()
    expect(trace.spans[0]?.attributes).toMatchObject({ 'user.id': 'ada', 'gen_ai.usage.input_tokens': 1200 })
    const usage = await getJson<Usage>(server, '/ledger/v1/usage')
    expect(usage.totals).toMatchObject({ requests: 1, spans: 1, cost: { picoUsd: String(cost) } })
    await eventually(async () => {
      expect((await getJson<Budget>(server, '/ledger/v1/budgets/ada')).spent.picoUsd).toBe(String(cost))
    })
  })

  test('within 10 s another reader finds it in Parquet', async () => {
    const lake = join(server.data, 'lake/traces')
    await eventually(async () => {
      if (
        !existsSync(lake) ||
        readdirSync(lake, { recursive: true }).every((name) => !String(name).endsWith('.parquet'))
      )
        throw new Error('no file yet')
    })
    const connection = await (await DuckDBInstance.create()).connect()
    const result = await connection.runAndReadAll(
      `SELECT TraceId, CostPicoUsd FROM read_parquet('${lake}/**/*.parquet', hive_partitioning = true)`,
    )
    expect(result.getRows()).toEqual([[traceId, cost]])
    connection.closeSync()
  })

  test('the same export sent again changes no number anywhere', async () => {
    const paths = [
      '/ledger/v1/usage',
      '/ledger/v1/models',
      '/ledger/v1/budgets/ada',
      '/ledger/v1/conservation',
      `/ledger/v1/traces/${traceId}`,
    ]
    await idle(server)
    const before = await Promise.all(paths.map((path) => getJson(server, path)))
    for (let time = 0; time < 3; time++) expect((await postTraces(server.url, request)).status).toBe(200)
    await postTraces(server.url, exportRequest([], 'shop'))
    await idle(server)
    expect(await Promise.all(paths.map((path) => getJson(server, path)))).toEqual(before)
  })

  test('bad spans are refused alone, and counted by reason', async () => {
    const good = chatSpan()
    const response = await postTraces(
      server.url,
      exportRequest([good, { ...chatSpan(), traceId: '00' }, { ...chatSpan(), spanId: '0'.repeat(16) }]),
    )
    expect(response.status).toBe(200)
    expect(await response.json()).toMatchObject({ partialSuccess: { rejectedSpans: '2' } })
    await eventually(() => getJson(server, `/ledger/v1/traces/${good.traceId}`))
    const report = await idle(server)
    expect(report).toMatchObject({
      balanced: true,
      rejected: { invalid_trace_id: expect.anything(), invalid_span_id: expect.anything() },
    })
  })

  test('a span that comes in two different exports is stored and charged once', async () => {
    const span = chatSpan({ user: 'bo', inputTokens: 10 })
    await put(server, '/ledger/v1/budgets/bo', {
      selector: { user: 'bo' },
      limit: { usd: 1 },
      period: 'day',
      mode: 'observe',
    })
    await postTraces(server.url, exportRequest([span]))
    await postTraces(server.url, exportRequest([span, chatSpan()]))
    const report = await idle(server)
    expect(report.balanced).toBe(true)
    const usage = await getJson<Usage>(server, '/ledger/v1/usage?user=bo')
    expect(usage.totals).toMatchObject({ spans: 1, usage: { inputTokens: 10 } })
    const budget = await getJson<Budget>(server, '/ledger/v1/budgets/bo')
    expect(budget.spent.picoUsd).toBe(usage.totals.cost.picoUsd)
  })
})

test('SIGTERM under load leaves nothing undone and ends within 10 s', async () => {
  const server = await startServer()
  try {
    let acknowledged = 0
    const stop = new AbortController()
    const sender = async () => {
      while (!stop.signal.aborted) {
        const spans = Array.from({ length: 50 }, () => chatSpan())
        const response = await postTraces(server.url, exportRequest(spans)).catch(() => undefined)
        if (response?.status === 200) acknowledged += spans.length
      }
    }
    const senders = [sender(), sender()]
    await new Promise((resolve) => setTimeout(resolve, 1500))
    const code = await server.end('SIGTERM')
    expect(code).toBe(0)
    stop.abort()
    await Promise.all(senders)
    const instance = await DuckDBInstance.create(join(server.data, 'warehouse.duckdb'), { access_mode: 'READ_ONLY' })
    const connection = await instance.connect()
    const [[rows]] = (await connection.runAndReadAll('SELECT count(*) FROM spans_unique')).getRows() as [[bigint]]
    const [[inLake]] = (
      await connection.runAndReadAll(`SELECT count(*) FROM read_parquet('${server.data}/lake/traces/**/*.parquet')`)
    ).getRows() as [[bigint]]
    expect(Number(rows)).toBeGreaterThanOrEqual(acknowledged)
    expect(inLake).toBe(rows)
    connection.closeSync()
    instance.closeSync()
  } finally {
    await server.dispose()
  }
})
