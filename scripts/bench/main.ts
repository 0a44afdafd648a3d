import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'
import { getJson, startServer, type TestServer } from '../../test/support/server.ts'
import { runCommand, wholeNumber } from '../command.ts'
import { benchLake } from './lake.ts'
import type { LoadPlan, LoadResult } from './load.ts'
import { bytesBelow, cpuSeconds, memoryMib, percentile, round } from './measure.ts'
import { benchPricing } from './pricing.ts'

const USAGE = `npm run bench -- [options]     the whole product under load in a process of its own, all sinks on

  --rate N         spans a second; 20000 unless given
  --seconds N      for how long; 60 unless given
  --queries N      how often each query is asked; 20 unless given
  --lake-spans N   spans of a day in the lake, by themselves; 1000000 unless given

Prints JSON. The load generator shares the machine: what it takes is reported beside.
`

interface Conservation {
  readonly balanced: boolean
  readonly accepted: string | number
  readonly sinks: Record<string, { stored: string | number; inFlight: string | number }>
}

/** Spans that each sink still waits for. */
async function backlog(server: TestServer): Promise<Record<string, number>> {
  const { sinks } = await getJson<Conservation>(server, '/ledger/v1/conservation')
  return Object.fromEntries(Object.entries(sinks).map(([name, sink]) => [name, Number(sink.inFlight)]))
}

/** Milliseconds until a sink has everything. */
async function drained(server: TestServer, sink: string): Promise<number> {
  const begin = performance.now()
  while (((await backlog(server))[sink] ?? 0) > 0) await sleep(50)
  return performance.now() - begin
}

/** A budget over everything, so that its consumer works as it would for a user. */
async function putBudget(server: TestServer): Promise<void> {
  const body = JSON.stringify({ selector: {}, limit: { usd: 1e6 }, period: 'month', mode: 'observe' })
  const headers = { 'content-type': 'application/json' }
  const { status } = await fetch(`${server.url}/ledger/v1/budgets/all`, { method: 'PUT', headers, body })
  if (status !== 200 && status !== 201) throw new Error(`PUT budget: ${status}`)
}

async function load(server: TestServer, plan: Omit<LoadPlan, 'url'>, sample: () => Promise<void>) {
  const worker = new Worker(new URL('./load.ts', import.meta.url), { workerData: { ...plan, url: server.url } })
  await new Promise((resolve) => worker.once('message', resolve))
  const own = process.cpuUsage()
  const before = cpuSeconds(server.pid)
  const begin = performance.now()
  worker.postMessage('go')
  const result = new Promise<LoadResult>((resolve, reject) => {
    worker.once('message', resolve)
    worker.once('error', reject)
  })
  const timer = setInterval(sample, 5000)
  const { spans, refused, latencies } = await result
  clearInterval(timer)
  const sent = performance.now() - begin
  const left = await backlog(server)
  const queryableMs = await drained(server, 'warehouse')
  const total = performance.now() - begin
  for (const sink of Object.keys(left)) await drained(server, sink)
  const { user, system } = process.cpuUsage(own)
  return {
    spans,
    refused,
    acceptedPerSecond: Math.round(spans / (sent / 1000)),
    queryablePerSecond: Math.round(spans / (total / 1000)),
    backlogAtEnd: left,
    queryableMs: Math.round(queryableMs),
    allSinksMs: Math.round(performance.now() - begin - sent),
    ackP50Ms: round(percentile(latencies, 0.5)),
    ackP99Ms: round(percentile(latencies, 0.99)),
    serverCpuMicrosPerSpan: round(((cpuSeconds(server.pid) - before) * 1e6) / spans),
    generatorCpuMicrosPerSpan: round((user + system) / spans),
  }
}

async function timed(
  count: number,
  query: (index: number) => Promise<unknown>,
): Promise<{ p50Ms: number; p95Ms: number }> {
  const times: number[] = []
  for (let index = 0; index < count; index++) {
    const begin = performance.now()
    await query(index)
    times.push(performance.now() - begin)
  }
  return { p50Ms: round(percentile(times, 0.5)), p95Ms: round(percentile(times, 0.95)) }
}

async function queries(server: TestServer, count: number) {
  const { traces } = await getJson<{ traces: { traceId: string }[] }>(server, '/ledger/v1/traces?pageSize=1000')
  const ids = traces.map(({ traceId }) => traceId)
  const month = `from=${new Date(Date.now() - 30 * 86_400_000).toISOString()}`
  return {
    spans: Number((await getJson<Conservation>(server, '/ledger/v1/conservation')).accepted),
    traceById: await timed(count, (index) => getJson(server, `/ledger/v1/traces/${ids[(index * 37) % ids.length]}`)),
    listTraces: await timed(count, () => getJson(server, '/ledger/v1/traces?pageSize=50')),
    usageOfMonthByModel: await timed(count, () => getJson(server, `/ledger/v1/usage?${month}&groupBy=model`)),
  }
}

async function main(args: readonly string[]): Promise<string> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rate: { type: 'string', default: '20000' },
      seconds: { type: 'string', default: '60' },
      queries: { type: 'string', default: '20' },
      'lake-spans': { type: 'string', default: '1000000' },
    },
  })
  const rate = wholeNumber('--rate', values.rate, 1, 1_000_000)
  const seconds = wholeNumber('--seconds', values.seconds, 1, 86_400)
  const count = wholeNumber('--queries', values.queries, 1, 10_000)
  const lakeSpans = wholeNumber('--lake-spans', values['lake-spans'], 1, 100_000_000)
  const startedAt = performance.now()
  const server = await startServer()
  const readyMs = Math.round(performance.now() - startedAt)
  try {
    await putBudget(server)
    const backlogs: Record<string, number>[] = []
    const full = await load(server, { spansPerSecond: rate, seconds, seed: 1 }, async () => {
      backlogs.push(await backlog(server))
    })
    const half = await load(
      server,
      { spansPerSecond: rate / 2, seconds: Math.ceil(seconds / 3), seed: 2 },
      async () => {},
    )
    const answers = await queries(server, count)
    const memory = memoryMib(server.pid)
    const begin = performance.now()
    const exitCode = await server.end('SIGTERM')
    const stopMs = Math.round(performance.now() - begin)
    const spans = full.spans + half.spans
    return JSON.stringify(
      {
        rate,
        seconds,
        readyMs,
        full: { ...full, backlogEvery5s: backlogs },
        half,
        memoryMib: memory,
        bytesPerSpan: {
          warehouse: round(
            bytesBelow(server.data) / spans -
              bytesBelow(join(server.data, 'lake')) / spans -
              bytesBelow(join(server.data, 'queue')) / spans,
          ),
          lake: round(bytesBelow(join(server.data, 'lake')) / spans),
          queueFiles: round(bytesBelow(join(server.data, 'queue')) / spans),
        },
        queries: answers,
        pricing: await benchPricing(),
        stop: { exitCode, ms: stopMs },
        lake: await benchLake({ spans: lakeSpans, messagesPerFile: 8, traffic: 'agents' }),
      },
      null,
      2,
    )
  } finally {
    await server.dispose()
  }
}

await runCommand(USAGE, main)
