import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { DuckDBInstance } from '@duckdb/node-api'
import { chatSpan, exportRequest, postTraces } from '../support/otlp.ts'
import { eventually, getJson, startServer, type TestServer } from '../support/server.ts'

/** What came of a run of {@link killUnderLoad}; every law holds when the last five are as their comments say. */
export interface CrashReport {
  readonly kills: number
  readonly acknowledged: number
  readonly stored: number
  /** Acknowledged spans that `spans_unique` lacks: 0. */
  readonly missing: number
  /** Rows of `spans_unique` beyond one a span: 0. */
  readonly repeated: number
  /** Acknowledged spans that the Parquet files lack: 0. */
  readonly missingInLake: number
  /** Input tokens of acknowledged spans as sent, less as stored: 0. */
  readonly tokensOff: number
  /** What the budget says was spent, less the sum of the stored spans' costs, in 1e-12 USD: 0. */
  readonly budgetOff: bigint
}

/** Load of one sender: exports of a few spans, one after another, as fast as they are acknowledged. */
const SENDERS = 4

/**
 * Kills the server at `kills` random instants while clients send, starting it again each time; then lets it finish and
 * compares what was acknowledged with what is kept.
 */
export async function killUnderLoad(options: {
  readonly kills: number
  readonly random?: () => number
}): Promise<CrashReport> {
  const random = options.random ?? Math.random
  const acknowledged = new Map<string, number>()
  let server = await startServer()
  try {
    await putBudget(server)
    for (let kill = 0; kill < options.kills; kill++) {
      const stop = new AbortController()
      const senders = Array.from({ length: SENDERS }, () => send(server, acknowledged, stop.signal, random))
      await sleep(20 + random() * 1200)
      await server.end('SIGKILL')
      stop.abort()
      await Promise.all(senders)
      server = await server.restart()
    }
    await eventually(() => settled(server), 60_000)
    const budget = await getJson<{ spent: { picoUsd: string } }>(server, '/ledger/v1/budgets/all')
    await server.end('SIGTERM')
    return { kills: options.kills, ...(await inspect(server, acknowledged, BigInt(budget.spent.picoUsd))) }
  } finally {
    await server.dispose()
  }
}

async function putBudget(server: TestServer): Promise<void> {
  const response = await fetch(`${server.url}/ledger/v1/budgets/all`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ selector: {}, limit: { usd: 1_000_000 }, period: 'total', mode: 'observe' }),
  })
  if (!response.ok) throw new Error(`PUT budget: ${response.status} ${await response.text()}`)
}

async function send(
  server: TestServer,
  acknowledged: Map<string, number>,
  signal: AbortSignal,
  random: () => number,
): Promise<void> {
  while (!signal.aborted) {
    const spans = Array.from({ length: 1 + Math.floor(random() * 20) }, () =>
      chatSpan({ inputTokens: 1 + Math.floor(random() * 5000) }),
    )
    try {
      const response = await postTraces(server.url, exportRequest(spans))
      if (response.status !== 200) throw new Error(`answered ${response.status}`)
      await response.arrayBuffer()
    } catch {
      await sleep(5)
      continue
    }
    for (const span of spans) {
      const tokens = span.attributes.find(({ key }) => key === 'gen_ai.usage.input_tokens')?.value
      acknowledged.set(span.spanId, Number(tokens && 'intValue' in tokens ? tokens.intValue : 0))
    }
  }
}

async function settled(server: TestServer): Promise<void> {
  const report = await getJson<{ balanced: boolean; sinks: Record<string, { inFlight: string | number }> }>(
    server,
    '/ledger/v1/conservation',
  )
  const waiting = Object.entries(report.sinks).filter(([, sink]) => Number(sink.inFlight) > 0)
  if (!report.balanced || waiting.length > 0) throw new Error(`not settled: ${JSON.stringify(report)}`)
}

async function inspect(server: TestServer, acknowledged: ReadonlyMap<string, number>, spent: bigint) {
  const instance = await DuckDBInstance.create(join(server.data, 'warehouse.duckdb'), { access_mode: 'READ_ONLY' })
  const connection = await instance.connect()
  const rows = (
    await connection.runAndReadAll(
      'SELECT span_id, gen_ai_input_tokens AS tokens, cost_pico_usd AS cost FROM spans_unique',
    )
  ).getRowObjects()
  const lake = await connection.runAndReadAll(
    `SELECT DISTINCT SpanId FROM read_parquet('${server.data}/lake/traces/**/*.parquet')`,
  )
  connection.closeSync()
  instance.closeSync()

  const tokens = new Map(rows.map((row) => [String(row.span_id), Number(row.tokens)]))
  const inLake = new Set(lake.getRows().map(([id]) => String(id)))
  const ids = [...acknowledged.keys()]
  return {
    acknowledged: acknowledged.size,
    stored: rows.length,
    missing: ids.filter((id) => !tokens.has(id)).length,
    repeated: rows.length - tokens.size,
    missingInLake: ids.filter((id) => !inLake.has(id)).length,
    tokensOff: ids.reduce((sum, id) => sum + (acknowledged.get(id) ?? 0) - (tokens.get(id) ?? 0), 0),
    budgetOff: rows.reduce((sum, row) => sum - BigInt(String(row.cost ?? 0)), spent),
  }
}
