import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { createLog } from '../log.ts'
import { createLakeCounter } from './counts.ts'
import { openDirectoryStore } from './directory-store.ts'
import type { ObjectStore } from './object-store.ts'
import { createParquetFormat } from './parquet-format.ts'
import { DAY, HOUR, hexId, testBatch, testSpan } from './test-spans.ts'
import { createMemoryStore } from './test-store.ts'
import { createLakeWriter } from './writer.ts'

const format = createParquetFormat()
const log = createLog('lake', 'silent')
let duckdb: DuckDBConnection
let root: string
let store: ObjectStore
const roots: string[] = []

beforeAll(async () => {
  duckdb = await (await DuckDBInstance.create(':memory:')).connect()
})
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'lake-'))
  roots.push(root)
  store = openDirectoryStore(root)
})
afterAll(async () => {
  for (const path of roots) await rm(path, { recursive: true })
})

async function rows(sql: string): Promise<unknown[]> {
  return (await duckdb.runAndReadAll(sql.replaceAll('LAKE', `'${root}/traces/**/*.parquet'`))).getRowObjectsJson()
}
const objects = async (prefix: string) => (await Array.fromAsync(store.list(prefix))).map(({ name }) => name)
const spanAt = (id: number, start: bigint) => testSpan({ spanId: hexId(id, 16), startTimeUnixNano: start })

test('spans go to the hour of their own start time', async () => {
  const writer = createLakeWriter({ store, format, log })
  await writer.write([testBatch('a', [spanAt(1, DAY), spanAt(2, DAY + 9n * HOUR), spanAt(3, DAY + HOUR - 1n)])])
  await writer.write([testBatch('b', [spanAt(4, DAY + 23n * HOUR), spanAt(5, DAY)])])
  expect(await objects('')).toStrictEqual([
    'traces/dt=2026-02-05/hr=00/spans_0001.parquet',
    'traces/dt=2026-02-05/hr=00/spans_0002.parquet',
    'traces/dt=2026-02-05/hr=09/spans_0001.parquet',
    'traces/dt=2026-02-05/hr=23/spans_0001.parquet',
  ])
})

test('a message delivered again changes nothing, to the same writer, another, or one that starts', async () => {
  const first = createLakeWriter({ store, format, log })
  const other = createLakeWriter({ store, format, log })
  const batch = testBatch('a', [spanAt(1, DAY), spanAt(2, DAY + HOUR)])
  await other.write([testBatch('b', [spanAt(3, DAY)])])
  await first.write([batch, batch])
  await first.write([batch])
  await other.write([batch, testBatch('c', [spanAt(4, DAY)])])
  await createLakeWriter({ store, format, log }).write([batch])
  expect(await rows('SELECT SpanId FROM read_parquet(LAKE) ORDER BY 1')).toStrictEqual(
    [1, 2, 3, 4].map((id) => ({ SpanId: hexId(id, 16) })),
  )
  expect(await createLakeCounter({ store, format })('default')).toStrictEqual({
    stored: 4n,
    duplicates: 0n,
    quarantined: 0n,
    expired: 0n,
  })
})

test('eight writers on one partition: every row once, no file overwritten', async () => {
  const writers = Array.from({ length: 8 }, () => createLakeWriter({ store, format, log }))
  const batches = Array.from({ length: 24 }, (_, n) => testBatch(`m${n}`, [spanAt(n, DAY), spanAt(n + 100, DAY)]))
  // Every message goes to three writers, in different company each time.
  const shares = writers.map((_, w) => batches.filter((_, n) => [0, 1, 3].some((shift) => (n + shift) % 8 === w)))
  await Promise.all(
    writers.map(async (writer, w) => {
      for (let at = 0; at < (shares[w]?.length ?? 0); at += 2) await writer.write(shares[w]?.slice(at, at + 2) ?? [])
    }),
  )
  expect(await rows('SELECT count(*)::INT n, count(DISTINCT SpanId)::INT spans FROM read_parquet(LAKE)')).toStrictEqual(
    [{ n: 48, spans: 48 }],
  )
})

test('a span outside the window is quarantined and counted, not lost', async () => {
  const writer = createLakeWriter({ store, format, log, window: { pastDays: 7, futureDays: 0.6 } })
  await writer.write([testBatch('a', [spanAt(1, DAY), spanAt(2, 0n), spanAt(3, DAY + 72n * HOUR)])])
  expect(await objects('quarantine/')).toStrictEqual([
    'quarantine/traces/dt=1970-01-01/hr=00/spans_0001.parquet',
    'quarantine/traces/dt=2026-02-08/hr=00/spans_0001.parquet',
  ])
  expect(await createLakeCounter({ store, format })('default')).toStrictEqual({
    stored: 1n,
    duplicates: 0n,
    quarantined: 2n,
    expired: 0n,
  })
})

test('while an hour lasts its files are listed once; afterwards a compactor may have replaced them', async () => {
  let clock = Number(DAY / 1_000_000n)
  const memory = createMemoryStore()
  const writer = createLakeWriter({ store: memory, format, log, now: () => clock })
  for (let run = 0; run < 12; run++) {
    expect(await writer.write([testBatch(`run ${run}`, [spanAt(run, DAY)])])).toStrictEqual([undefined])
    clock += 4 * 60_000
  }
  expect(memory.operations).toMatchObject({ put: 12, list: 1, read: 0 })
  clock += 20 * 60_000
  await writer.write([testBatch('late', [spanAt(99, DAY)])])
  expect(memory.operations).toMatchObject({ put: 13, list: 2 })
})

test('counts are by project, and what is not a project has none', async () => {
  const writer = createLakeWriter({ store, format, log })
  await writer.write([testBatch('a', [spanAt(1, DAY)], 'p'), testBatch('b', [spanAt(2, DAY), spanAt(3, DAY)], 'q')])
  const counts = createLakeCounter({ store, format })
  expect((await counts('p')).stored).toBe(1n)
  expect((await counts('q')).stored).toBe(2n)
  expect((await counts('toString')).stored).toBe(0n)
})

test('one partition that cannot be written fails only the messages it concerns', async () => {
  await store.putIfAbsent('traces/dt=2026-02-05/keep', Buffer.from(''))
  await writeFile(join(root, 'traces/dt=2026-02-05/hr=09'), 'in the way')
  const writer = createLakeWriter({ store, format, log })
  const [a, b] = await writer.write([
    testBatch('a', [spanAt(1, DAY)]),
    testBatch('b', [spanAt(2, DAY), spanAt(3, DAY + 9n * HOUR)]),
  ])
  expect(a).toBeUndefined()
  expect(b).toMatchObject({ code: 'lake/unavailable', message: expect.stringContaining('hr=09') })
  await rm(join(root, 'traces/dt=2026-02-05/hr=09'))
  expect(await writer.write([testBatch('b', [spanAt(2, DAY), spanAt(3, DAY + 9n * HOUR)])])).toStrictEqual([undefined])
  expect(await rows('SELECT count(*)::INT n FROM read_parquet(LAKE)')).toStrictEqual([{ n: 3 }])
})

test('a corrupt file in a partition stops nothing', async () => {
  await store.putIfAbsent('traces/dt=2026-02-05/hr=00/spans_0001.parquet', Buffer.from('not parquet at all'))
  const writer = createLakeWriter({ store, format, log })
  expect(await writer.write([testBatch('a', [spanAt(1, DAY)])])).toStrictEqual([undefined])
  expect(await objects('traces/')).toContain('traces/dt=2026-02-05/hr=00/spans_0002.parquet')
})

test('a message that cannot be encoded fails alone', async () => {
  const writer = createLakeWriter({ store, format, log })
  const broken = testSpan({ spanId: hexId(2, 16), ledger: { inputTokens: 0.5 } })
  const [a, b, c] = await writer.write([
    testBatch('a', [spanAt(1, DAY)]),
    testBatch('b', [broken]),
    testBatch('c', [spanAt(3, DAY)]),
  ])
  expect([a, c]).toStrictEqual([undefined, undefined])
  expect(b).toBeInstanceOf(RangeError)
  expect(await rows('SELECT count(*)::INT n FROM read_parquet(LAKE)')).toStrictEqual([{ n: 2 }])
})
