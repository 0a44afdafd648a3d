import { createHash } from 'node:crypto'
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import { createCompactor } from '../../shared/lake/compactor.ts'
import { openDirectoryStore } from '../../shared/lake/directory-store.ts'
import type { ObjectStore } from '../../shared/lake/object-store.ts'
import { createParquetFormat } from '../../shared/lake/parquet-format.ts'
import type { SpanRow } from '../../shared/lake/span-columns.ts'
import { compareRows } from '../../shared/lake/span-file.ts'
import { createLakeWriter } from '../../shared/lake/writer.ts'
import { createLog } from '../../shared/log.ts'
import { decodeBatch } from '../../shared/otlp/batch.ts'
import { loadCatalogue } from '../../shared/pricing/catalogue.ts'
import { createPricer } from '../../shared/pricing/pricer.ts'
import type { SpanBatch } from '../../shared/warehouse/trace-store.ts'
import { percentile, round } from './measure.ts'
import { syntheticDelivery, type Traffic } from './synthetic-spans.ts'
import { createRandom, requestSpans, SPANS_PER_REQUEST } from './traffic.ts'

const SPANS_PER_MESSAGE = SPANS_PER_REQUEST
const DAY_NANOS = 86_400_000_000_000n

export interface LakeBenchOptions {
  readonly spans: number
  /** Of so many messages the writer makes a file. */
  readonly messagesPerFile: number
  /** Traces of agents as in the other benchmarks, or nothing but LLM calls. */
  readonly traffic: 'agents' | 'calls'
}

/** Messages of one day. */
interface Day {
  readonly messages: number
  batchAt(number: number): SpanBatch
  /** The id of some trace, another one each round. */
  traceIdOf(round: number): string
}

async function createDay({ spans, traffic: kind }: LakeBenchOptions): Promise<Day> {
  const messages = Math.ceil(spans / SPANS_PER_MESSAGE)
  const traffic: Traffic = {
    project: 'default',
    spansPerRequest: SPANS_PER_MESSAGE,
    from: 1_770_249_600_000_000_000n,
    step: DAY_NANOS / BigInt(messages * SPANS_PER_MESSAGE),
  }
  const pricer = createPricer({ catalogue: await loadCatalogue() })

  function callBatch(number: number): SpanBatch {
    return decodeBatch(syntheticDelivery(traffic, number))
  }

  function agentBatch(number: number): SpanBatch {
    const start = Number((traffic.from + BigInt(number * SPANS_PER_MESSAGE) * traffic.step) / 1_000_000n)
    const spans = requestSpans(createRandom(Math.imul(number + 1, 0x9e3779b1)), start)
    const ledgers = pricer.price(spans, { project: traffic.project })
    const digest = createHash('sha256').update(`message ${number}`).digest('hex')
    return {
      context: { project: traffic.project, digest, ingestedAt: BigInt(start + 2000) * 1_000_000n },
      spans: spans.map((span, index) => ({ span, ledger: ledgers[index] as (typeof ledgers)[number] })),
    }
  }

  const batchAt = kind === 'calls' ? callBatch : agentBatch
  const traceIdOf = (round: number) => batchAt((round * 97) % messages).spans[round]?.span.traceId ?? ''
  return { messages, batchAt, traceIdOf }
}

/** CPU microseconds, wall milliseconds and peak memory (MiB, sampled) of `work`. */
async function measure<T>(work: () => Promise<T>) {
  let peak = process.memoryUsage().rss
  const timer = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage().rss)
  }, 20)
  const cpu = process.cpuUsage()
  const begin = performance.now()
  const result = await work()
  const ms = performance.now() - begin
  const { user, system } = process.cpuUsage(cpu)
  clearInterval(timer)
  return { result, cpuMicros: user + system, ms, peakMib: Math.max(peak, process.memoryUsage().rss) / 2 ** 20 }
}

/** The encoder alone: row groups of 25,000 spans, median of `rounds`. */
function measureEncoder({ batchAt }: Day, rounds = 7) {
  const format = createParquetFormat()
  const batches = Array.from({ length: 49 }, (_, number) => batchAt(number))
  const rows = batches.flatMap(({ context, spans }) => spans.map((priced): SpanRow => ({ priced, context })))
  const micros: number[] = []
  for (let round = 0; round < rounds; round++) {
    const cpu = process.cpuUsage()
    format.encode(rows.toSorted(compareRows), { digests: [], projects: {} })
    const { user, system } = process.cpuUsage(cpu)
    micros.push((user + system) / rows.length)
  }
  return {
    rows: rows.length,
    cpuMicrosPerSpan: round(percentile(micros, 0.5), 2),
    rssMib: round(process.memoryUsage().rss / 2 ** 20),
  }
}

function countOperations(store: ObjectStore) {
  const operations = { put: 0, read: 0, list: 0, delete: 0 }
  const count = <T>(kind: keyof typeof operations, result: T): T => {
    operations[kind]++
    return result
  }
  const counting: ObjectStore = {
    putIfAbsent: (name, data) => count('put', store.putIfAbsent(name, data)),
    read: (name, range) => count('read', store.read(name, range)),
    list: (prefix, options) => count('list', store.list(prefix, options)),
    delete: (name) => count('delete', store.delete(name)),
  }
  return { counting, operations }
}

const QUERIES = {
  traceById: (files: string, traceId: string) => `SELECT * FROM ${files} WHERE TraceId = '${traceId}'`,
  dailyTokenSum: (files: string) => `SELECT dt, sum(InputTokens), sum(OutputTokens) FROM ${files} GROUP BY 1`,
  dailyTokenSumFromMap: (files: string) =>
    `SELECT dt, sum(cast(SpanAttributes['gen_ai.usage.input_tokens'] as int)) FROM ${files} GROUP BY 1`,
}

/** Each query on each lake in turn, so that what else the machine does falls on both alike: median wall and CPU time. */
async function measureQueries(
  duckdb: DuckDBConnection,
  { lakes, day }: { readonly lakes: readonly string[]; readonly day: Day },
  rounds = 11,
) {
  const times = lakes.map(() =>
    Object.fromEntries(Object.keys(QUERIES).map((name) => [name, { ms: [] as number[], cpuMs: [] as number[] }])),
  )
  for (let round = 0; round < rounds; round++) {
    for (const [name, query] of Object.entries(QUERIES)) {
      for (const [index, lake] of lakes.entries()) {
        const statement = query(parquet(lake), day.traceIdOf(round))
        const cpu = process.cpuUsage()
        const begin = performance.now()
        await duckdb.runAndReadAll(statement)
        const taken = times[index]?.[name] as { ms: number[]; cpuMs: number[] }
        taken.ms.push(performance.now() - begin)
        const { user, system } = process.cpuUsage(cpu)
        taken.cpuMs.push((user + system) / 1000)
      }
    }
  }
  return times.map((queries) =>
    Object.fromEntries(
      Object.entries(queries).map(([name, { ms, cpuMs }]) => [
        name,
        { msP50: round(percentile(ms, 0.5)), cpuMsP50: round(percentile(cpuMs, 0.5)) },
      ]),
    ),
  )
}

function parquet(lake: string): string {
  return `read_parquet('${lake}/traces/**/*.parquet', hive_partitioning = true, hive_types = {'dt': DATE, 'hr': INTEGER})`
}

async function measureSize(duckdb: DuckDBConnection, lake: string) {
  const reader = await duckdb.runAndReadAll(
    `SELECT (SELECT count(*)::INT FROM ${parquet(lake)}), count(*)::INT, sum(size)::DOUBLE FROM read_blob('${lake}/traces/**/*.parquet')`,
  )
  const [rows, files, bytes] = reader.getRowsJson()[0] as [number, number, number]
  return { rows, files, bytesPerSpan: round(bytes / rows) }
}

/**
 * A day of spans into the lake, compacted, and queried by DuckDB before and after. CPU times are of this process, whose other work
 * they count too.
 */
export async function benchLake(options: LakeBenchOptions) {
  const day = await createDay(options)
  const { messagesPerFile } = options
  const spans = day.messages * SPANS_PER_MESSAGE
  const directory = await mkdtemp(join(tmpdir(), 'spanledger-bench-lake-'))
  const root = join(directory, 'lake')
  const fresh = join(directory, 'fresh')
  try {
    const encoder = measureEncoder(day)
    const log = createLog('lake', 'error')
    const format = createParquetFormat()
    const { counting: store, operations } = countOperations(openDirectoryStore(root))
    const writer = createLakeWriter({ store, format, log })
    let cpuMicros = 0
    for (let first = 0; first < day.messages; first += messagesPerFile) {
      const batches = Array.from({ length: Math.min(messagesPerFile, day.messages - first) }, (_, index) =>
        day.batchAt(first + index),
      )
      const written = await measure(() => writer.write(batches))
      if (written.result.some((failure) => failure !== undefined)) throw written.result
      cpuMicros += written.cpuMicros
    }
    const writes = { cpuMicrosPerSpan: round(cpuMicros / spans, 2), operations: { ...operations } }

    const instance = await DuckDBInstance.create(':memory:')
    const duckdb = await instance.connect()
    const before = await measureSize(duckdb, root)
    await cp(root, fresh, { recursive: true })
    for (const kind of Object.keys(operations) as (keyof typeof operations)[]) operations[kind] = 0
    let clock = Date.now()
    const compactor = createCompactor({ store, format, log, now: () => clock })
    const compaction = await measure(() => compactor.run())
    clock += 3_600_000
    await compactor.run()
    clock += 3_600_000
    await compactor.run()
    const after = await measureSize(duckdb, root)
    const [queriesBefore, queriesAfter] = await measureQueries(duckdb, { lakes: [fresh, root], day })
    return {
      spans,
      encoder,
      writes,
      before: { ...before, ...queriesBefore },
      compaction: {
        rowsPerSecond: Math.round(spans / (compaction.ms / 1000)),
        cpuMicrosPerRow: round(compaction.cpuMicros / spans, 2),
        peakMib: round(compaction.peakMib),
        operations,
      },
      after: { ...after, ...queriesAfter },
    }
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

/** `node scripts/bench/lake.ts [--spans 1000000] [--messages-per-file 8] [--traffic agents|calls]` prints JSON. */
if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      spans: { type: 'string', default: '1000000' },
      'messages-per-file': { type: 'string', default: '8' },
      traffic: { type: 'string', default: 'agents' },
    },
  })
  const bench = await benchLake({
    spans: Number(values.spans),
    messagesPerFile: Number(values['messages-per-file']),
    traffic: values.traffic === 'calls' ? 'calls' : 'agents',
  })
  console.log(JSON.stringify(bench, null, 2))
}
