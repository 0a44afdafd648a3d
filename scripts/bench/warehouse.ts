import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { decodeBatch } from '../../shared/otlp/batch.ts'
import { openDuckDbStore } from '../../shared/warehouse/duckdb-store.ts'
import { DAY_NANOS, monthOf, syntheticDelivery, syntheticTraceId } from './synthetic-spans.ts'

/** `node scripts/bench/warehouse.ts [spans]`: fills a DuckDB store on disk and measures writes and reads. Prints JSON. */
const SPANS = Number(process.argv[2] ?? 1_000_000)
const SPANS_PER_REQUEST = 512
const REQUESTS_PER_WRITE = 40
const traffic = monthOf(SPANS, SPANS_PER_REQUEST)
const directory = await mkdtemp(join(tmpdir(), 'spanledger-bench-'))
const path = join(directory, 'warehouse.duckdb')
const store = await openDuckDbStore({ path })
try {
  const writes = await fill()
  const reads = await read()
  await store.close()
  const { size } = await stat(path)
  const memory = process.resourceUsage().maxRSS / 1024
  console.log(JSON.stringify({ spans: SPANS, ...writes, bytesPerSpan: size / SPANS, peakMemoryMiB: memory, ...reads }))
} finally {
  await store.close()
  await rm(directory, { recursive: true })
}

async function fill() {
  let cpu = 0
  let wall = 0
  const requests = Math.floor(SPANS / SPANS_PER_REQUEST)
  for (let first = 0; first < requests; first += REQUESTS_PER_WRITE) {
    const count = Math.min(REQUESTS_PER_WRITE, requests - first)
    const batches = Array.from({ length: count }, (_, index) => decodeBatch(syntheticDelivery(traffic, first + index)))
    const used = process.cpuUsage()
    const started = performance.now()
    await store.write(batches)
    wall += performance.now() - started
    const { user, system } = process.cpuUsage(used)
    cpu += user + system
  }
  const spans = requests * SPANS_PER_REQUEST
  return { cpuMicrosPerSpan: cpu / spans, spansPerSecond: (spans / wall) * 1000 }
}

async function read() {
  const filter = { project: traffic.project }
  const list = { filter, sort: 'startTime', order: 'desc', pageSize: 50 } as const
  return {
    traceMs: await median(31, (run) =>
      store.getTrace('bench', syntheticTraceId((run * 7919) % SPANS), { limit: 10_000 }),
    ),
    listMs: await median(11, () => store.listTraces(list)),
    listOfModelMs: await median(11, () =>
      store.listTraces({ ...list, filter: { ...filter, model: ['gpt-4o-2025-08-06'] } }),
    ),
    listByCostMs: await median(3, () => store.listTraces({ ...list, sort: 'cost' })),
    usageByModelMs: await median(5, () => store.usage({ filter, groupBy: ['model'], maxRows: 1000 })),
    usageByDayMs: await median(5, () =>
      store.usage({ filter, groupBy: ['model'], intervalNanos: DAY_NANOS, maxRows: 10_000 }),
    ),
  }
}

/** Milliseconds. */
async function median(runs: number, task: (run: number) => Promise<unknown>): Promise<number> {
  const times: number[] = []
  for (let run = 0; run < runs; run++) {
    const started = performance.now()
    await task(run)
    times.push(performance.now() - started)
  }
  return times.sort((a, b) => a - b)[runs >> 1] as number
}
