import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { createLog } from '../log.ts'
import { LAKE_COLUMNS } from '../spans/columns.ts'
import { createCompactor } from './compactor.ts'
import { LEDGER_COLUMNS } from './corrected-sql.ts'
import { createLakeCounter } from './counts.ts'
import { openDirectoryStore } from './directory-store.ts'
import { queryLake } from './lake-sql.ts'
import type { ObjectStore } from './object-store.ts'
import { createParquetFormat } from './parquet-format.ts'
import { openDirectoryLake } from './readable-lake.ts'
import { DAY, HOUR, hexId, testBatch, testSpan } from './test-spans.ts'
import { createLakeWriter } from './writer.ts'

const log = createLog('lake', 'silent')
const format = createParquetFormat({ memory: 256 * 1024 * 1024, fileBytes: 100_000 })
const MINUTE = 60_000
const HOUR_0 = 'traces/dt=2026-02-05/hr=00/'
let duckdb: DuckDBConnection
let root: string
let store: ObjectStore
let clock: number
const roots: string[] = []

beforeAll(async () => {
  duckdb = await (await DuckDBInstance.create(':memory:')).connect()
})
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'lake-'))
  roots.push(root)
  store = openDirectoryStore(root)
  // The directory stamps files with the real time.
  clock = Date.now()
})
afterAll(async () => {
  for (const path of roots) await rm(path, { recursive: true })
})

async function plain(select: string, tail = ''): Promise<unknown[][]> {
  const sql = `SELECT ${select} FROM read_parquet('${root}/traces/**/*.parquet', filename = true) ${tail}`
  return (await duckdb.runAndReadAll(sql)).getRowsJson()
}
const ours = async (select: string) =>
  (await queryLake(`SELECT ${select} FROM spans`, { lake: openDirectoryLake(root) })).rows
const objects = async (prefix: string) => (await Array.fromAsync(store.list(prefix))).map(({ name }) => name)
const compact = () => createCompactor({ store, format, log, now: () => clock }).run()
const write = (...batches: Parameters<ReturnType<typeof createLakeWriter>['write']>[0][number][]) =>
  createLakeWriter({ store, format, log }).write(batches)
const spans = (from: number, count: number, start = DAY, name = 'chat') =>
  Array.from({ length: count }, (_, index) =>
    testSpan({
      traceId: hexId((from + index) % 7, 32),
      spanId: hexId(from + index, 16),
      startTimeUnixNano: start + BigInt(index),
      name,
      attributes: { text: `${from + index}`, nothing: null },
    }),
  )

test('a closed hour becomes one sorted file, shown when no reader needs what it replaces', async () => {
  await write(testBatch('a', spans(1, 50)))
  await write(testBatch('b', spans(51, 50)), testBatch('other', spans(1, 3), 'p'))
  const before = await plain('* EXCLUDE (filename)', 'ORDER BY ProjectId, SpanId')
  expect((await compact()).merged).toStrictEqual([HOUR_0])
  expect(await objects('')).toStrictEqual([
    `compacting/${HOUR_0}spans_0001-0002_v1_1of1.parquet`,
    `facts/${HOUR_0}spans_0001-0002_v1.json`,
    `${HOUR_0}spans_0001.parquet`,
    `${HOUR_0}spans_0002.parquet`,
  ])
  expect(await plain('count(*)')).toStrictEqual([['103']])
  expect(await ours('count(*)')).toStrictEqual([['103']])
  expect((await compact()).published).toStrictEqual([])

  clock += 20 * MINUTE
  expect((await compact()).published).toStrictEqual([HOUR_0])
  expect(await objects('traces/')).toStrictEqual([`${HOUR_0}spans_0001-0002_v1_1of1.parquet`])
  expect(await plain('* EXCLUDE (filename)', 'ORDER BY ProjectId, SpanId')).toStrictEqual(before)
  expect(await ours('count(*)')).toStrictEqual([['103']])
  const traces = (await plain('TraceId')).map(([id]) => id)
  expect(traces).toStrictEqual(traces.toSorted())

  clock += 40 * MINUTE
  await compact()
  expect(await objects('compacting/')).toStrictEqual([])
  expect((await compact()).merged).toStrictEqual([])
})

test('of a span in two messages the one that ends later stays, then that of the greater digest', async () => {
  const at = (end: bigint, name: string) => testSpan({ endTimeUnixNano: DAY + end, name })
  await write(testBatch('c', [at(5n, 'late'), testSpan({ spanId: hexId(2, 16), name: 'c' })]))
  await write(testBatch('a', [at(4n, 'early')]))
  await write(testBatch('b', [at(5n, 'late, lesser digest'), testSpan({ spanId: hexId(2, 16), name: 'b' })]))
  expect(await createLakeCounter({ store, format })('default')).toMatchObject({ stored: 5n, duplicates: 0n })
  await compact()
  clock += 20 * MINUTE
  await compact()
  expect(await plain('SpanId, SpanName', 'ORDER BY SpanId')).toStrictEqual([
    [hexId(1, 16), 'late'],
    [hexId(2, 16), 'c'],
  ])
  expect(await createLakeCounter({ store, format })('default')).toMatchObject({ stored: 2n, duplicates: 3n })
})

test('a message delivered again after its hour was compacted adds nothing; a late one is compacted in turn', async () => {
  await write(testBatch('a', spans(1, 5)))
  await compact()
  clock += 20 * MINUTE
  await compact()
  await write(testBatch('a', spans(1, 5)), testBatch('late', spans(6, 2)))
  expect(await plain('count(*)')).toStrictEqual([['7']])
  clock += 24 * 60 * MINUTE
  await compact()
  clock += 20 * MINUTE
  await compact()
  expect(await objects('traces/')).toStrictEqual([`${HOUR_0}spans_0001-0002_v1_1of1.parquet`])
  expect(await plain('count(*)')).toStrictEqual([['7']])
})

test('the open hour is left alone', async () => {
  await write(testBatch('a', spans(1, 5)))
  clock = Number((DAY + HOUR) / 1_000_000n) + MINUTE
  expect(await compact()).toStrictEqual({ merged: [], published: [], cleaned: [], failed: {} })
})

test('a large hour becomes several files, in order', async () => {
  for (let part = 0; part < 4; part++) {
    const many = Array.from({ length: 8000 }, (_, index) =>
      testSpan({
        traceId: hexId((index * 7919) % 104_729, 32),
        spanId: hexId(((part * 8000 + index) * 2_654_435_761) % 2 ** 48, 16),
        attributes: { n: BigInt(index) },
      }),
    )
    await write(testBatch(`m${part}`, many))
  }
  await compact()
  clock += 20 * MINUTE
  await compact()
  expect((await objects('traces/')).length).toBeGreaterThan(1)
  const ranges = await plain('min(TraceId), max(TraceId), count(*)::INT', 'GROUP BY filename ORDER BY 1')
  for (const [index, [min]] of ranges.entries()) {
    if (index > 0) expect(String(min) >= String(ranges[index - 1]?.[1])).toBe(true)
  }
  expect(await plain('count(*)::INT, count(DISTINCT SpanId)::INT')).toStrictEqual([[32_000, 32_000]])
  expect((await createLakeCounter({ store, format })('default')).stored).toBe(32_000n)
})

test('a corrupt file is named, stays where it is, and stops no other hour', async () => {
  await write(testBatch('a', spans(1, 5)), testBatch('b', spans(6, 5, DAY + HOUR)))
  const broken = `${HOUR_0}spans_0002.parquet`
  const whole = Buffer.from(await store.read(`${HOUR_0}spans_0001.parquet`))
  await store.putIfAbsent(broken, Buffer.concat([Buffer.from('PAR1'), Buffer.alloc(2000, 7), whole.subarray(2004)]))
  const report = await compact()
  expect(report.failed[HOUR_0]).toContain(broken)
  expect(report.merged).toStrictEqual(['traces/dt=2026-02-05/hr=01/'])
  expect(await objects('traces/')).toContain(broken)
})

test('an hour too large to merge ended the process, and all hours after it were never compacted', async () => {
  await write(testBatch('a', spans(1, 500)), testBatch('b', spans(600, 5, DAY + HOUR)))
  const [small] = await Array.fromAsync(store.list('traces/dt=2026-02-05/hr=01/'))
  const compactor = createCompactor({ store, format, log, now: () => clock, maxMergeBytes: small!.size })
  const { failed, merged } = await compactor.run()
  expect(failed).toStrictEqual({ [HOUR_0]: expect.stringMatching(/ MB together, .+ run npm run compact where/) })
  expect(merged).toStrictEqual(['traces/dt=2026-02-05/hr=01/'])
})

test('files from before a column was added are merged with new ones', async () => {
  await write(testBatch('a', spans(1, 2)))
  const path = join(root, 'old.parquet')
  await duckdb.run(
    `COPY (SELECT * EXCLUDE ("GenAiDialect", "Envelope") FROM read_parquet('${root}/${HOUR_0}*.parquet'))
     TO '${path}' (FORMAT parquet, KV_METADATA {spanledger: '{"digests":["old"],"projects":{"default":{"rows":2,"duplicates":0,"expired":0}}}'})`,
  )
  await store.putIfAbsent('traces/dt=2026-02-05/hr=03/spans_0001.parquet', await store.read('old.parquet'))
  await write(testBatch('b', spans(9, 1, DAY + 3n * HOUR)))
  expect((await compact()).failed).toStrictEqual({})
  clock += 20 * MINUTE
  await compact()
  expect(await plain('GenAiDialect, Envelope, hr', 'WHERE hr = 3 ORDER BY SpanId')).toHaveLength(3)
  expect(await plain('DISTINCT GenAiDialect')).toStrictEqual([['']])
})

test('what is corrected later holds: at once in our reader, in the files once their hour is compacted', async () => {
  const correction = (digest: string, revision: number, model: string, costPicoUsd: bigint | null) => ({
    ...testBatch(digest, []),
    corrections: [testSpan({ ledger: { revision, model, costPicoUsd, costStatus: 'rollup' } })],
  })
  const costs = 'SpanId, GenAiModel, CostPicoUsd, CostStatus, InputTokens, SpanName'
  const first = testSpan({ ledger: { model: 'm', inputTokens: 5, costPicoUsd: 7n, costStatus: 'priced' } })
  const other = testSpan({ spanId: hexId(2, 16), ledger: { model: 'other' } })
  await write(testBatch('a', [first, other]))
  await write(correction('c2', 20, 'second', null))
  await write(correction('c1', 10, 'first', 1n), correction('c2', 20, 'second', null))
  const corrected = [
    [hexId(1, 16), 'second', null, 'rollup', null, 'chat'],
    [hexId(2, 16), 'other', null, 'no_usage', null, 'chat'],
  ]
  expect((await ours(costs)).toSorted()).toStrictEqual(corrected)
  expect((await plain(costs, 'ORDER BY SpanId'))[0]).toStrictEqual([hexId(1, 16), 'm', '7', 'priced', '5', 'chat'])
  await compact()
  clock += 20 * MINUTE
  await compact()
  expect(await plain(costs, 'ORDER BY SpanId')).toStrictEqual(corrected)
  expect((await compact()).merged).toStrictEqual([])

  await write(correction('c3', 30, 'third', 3n), correction('old', 5, 'old', 9n))
  expect((await ours(costs)).toSorted()[0]).toStrictEqual([hexId(1, 16), 'third', '3', 'rollup', null, 'chat'])
  clock += 20 * MINUTE
  expect((await compact()).merged).toStrictEqual([HOUR_0])
  clock += 20 * MINUTE
  await compact()
  expect((await plain(costs, 'ORDER BY SpanId'))[0]).toStrictEqual([hexId(1, 16), 'third', '3', 'rollup', null, 'chat'])
  expect(await createLakeCounter({ store, format })('default')).toMatchObject({ stored: 2n, duplicates: 0n })
  clock += 20 * MINUTE
  expect((await compact()).merged).toStrictEqual([])
})

test('hours with corrections were looked at one after the other: after a year in longer than a run may take', async () => {
  const starts = Array.from({ length: 40 }, (_, hour) => DAY + BigInt(hour) * HOUR)
  await write(...starts.map((start, hour) => testBatch(`hour ${hour}`, spans(1 + hour, 1, start))))
  await write({ ...testBatch('c', []), corrections: starts.flatMap((start, hour) => spans(1 + hour, 1, start)) })
  await compact()
  clock += 20 * MINUTE
  await compact()
  let running = 0
  let most = 0
  const read: ObjectStore['read'] = async (...asked) => {
    most = Math.max(most, ++running)
    try {
      return await store.read(...asked)
    } finally {
      running--
    }
  }
  const { merged } = await createCompactor({ store: { ...store, read }, format, log, now: () => clock }).run()
  expect([merged, most]).toStrictEqual([[], 32])
})

test('a correction replaces all that shows the ledger, and nothing else', () => {
  const rest = LAKE_COLUMNS.map(({ lake }) => lake).filter((name) => !LEDGER_COLUMNS.includes(name))
  expect(LEDGER_COLUMNS).toContain('LedgerRevision')
  expect(LEDGER_COLUMNS).toContain('CostUsd')
  expect(rest.slice(0, 15)).toStrictEqual(LAKE_COLUMNS.slice(0, 15).map(({ lake }) => lake))
  expect(rest).not.toContain('GenAiModel')
  expect(rest).toContain('Digest')
})
