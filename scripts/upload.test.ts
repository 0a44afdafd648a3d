import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Config, readConfig } from '../shared/config.ts'
import { createCompactor } from '../shared/lake/compactor.ts'
import { openDirectoryStore } from '../shared/lake/directory-store.ts'
import { createParquetFormat } from '../shared/lake/parquet-format.ts'
import { DAY, HOUR, hexId, testBatch, testSpan } from '../shared/lake/test-spans.ts'
import { createLakeWriter } from '../shared/lake/writer.ts'
import { openBucketLake } from '../shared/platform/lake-address.ts'
import { openPlatform } from '../shared/platform/platform.ts'
import type { SpanBatch } from '../shared/warehouse/trace-store.ts'
import { type BigQueryDouble, startBigQuery } from '../test/emulators/bigquery.ts'
import { type FakeStorage, startFakeStorage } from '../test/emulators/fake-storage.ts'
import { rebuild } from './rebuild.ts'
import { runSql } from './sql.ts'
import { upload } from './upload.ts'

const DATASET = 'ledger'
const PROJECT = 'cloud'
const DAY_2 = DAY + 24n * HOUR
const root = await mkdtemp(join(tmpdir(), 'lake-'))
const lake = join(root, 'lake')
const local = openDirectoryStore(lake)
const format = createParquetFormat()
const SELECT = 'SELECT GenAiModel, calls, cost_pico_usd FROM daily_costs ORDER BY ALL'
let storage: FakeStorage
let bigquery: BigQueryDouble
let buckets = 0

/** Settings of this laptop, and of the same one where the cloud is the platform. */
const laptop = readConfig({ SPANLEDGER_DATA: root, SPANLEDGER_GCP_PROJECT: PROJECT })
const cloud: Config = { ...laptop, SPANLEDGER_PLATFORM: 'gcp', SPANLEDGER_GCP_DATASET: DATASET }

const spanAt = (id: number, start: bigint, parts: Parameters<typeof testSpan>[0] = {}) =>
  testSpan({
    traceId: hexId(id % 5, 32),
    spanId: hexId(id, 16),
    startTimeUnixNano: start,
    ledger: { operation: 'chat', model: `m${id % 2}`, costPicoUsd: 2n ** 60n + BigInt(id), costStatus: 'priced' },
    ...parts,
  })
const batches: SpanBatch[] = Array.from({ length: 6 }, (_, n) =>
  testBatch(`message ${n}`, [spanAt(10 * n + 1, DAY + BigInt(n)), spanAt(10 * n + 2, DAY_2 + BigInt(n) * HOUR)]),
)
const correction = {
  ...testBatch('correction', []),
  corrections: [spanAt(2, DAY_2, { ledger: { revision: 5, operation: 'chat', model: 'm0', costPicoUsd: 7n } })],
}

beforeAll(async () => {
  const names = Array.from({ length: 9 }, (_, index) => `bucket-${index}`)
  ;[storage, bigquery] = await Promise.all([startFakeStorage(names), startBigQuery()])
  process.env.STORAGE_EMULATOR_HOST = storage.url
  process.env.BIGQUERY_EMULATOR_HOST = bigquery.url
  await bigquery.createDataset(PROJECT, DATASET)
  const writer = createLakeWriter({ store: local, format, window: { pastDays: 5000, futureDays: 5000 } })
  const written = [await writer.write(batches.slice(0, 3)), await writer.write([...batches.slice(3), correction])]
  expect(written.flat().every((failure) => failure === undefined)).toBe(true)
  await writer.write([testBatch('future', [spanAt(99, DAY + 9000n * 24n * HOUR)])])
  // One day compacted, the other fresh.
  await createCompactor({ store: local, format, now: () => Number(DAY_2 / 1_000_000n) + 60_000, graceMs: 0 }).run()
})
afterAll(async () => {
  delete process.env.STORAGE_EMULATOR_HOST
  delete process.env.BIGQUERY_EMULATOR_HOST
  await Promise.all([storage.close(), bigquery.close()])
  await rm(root, { recursive: true })
})

const nextBucket = () => `gs://bucket-${buckets++}/lakes/mine`
const namesIn = async (address: string) =>
  (await Array.fromAsync((await openBucketLake(address, laptop)).list(''))).map(({ name }) => name)
const sql = async (...args: string[]) => (await runSql(['--format', 'csv', ...args], laptop)).text
const COUNT = 'SELECT count(*) AS n, count(DISTINCT SpanId) AS d FROM spans'

test('a lake that is uploaded answers as it did, corrections and quarantine included', async () => {
  const to = nextBucket()
  const report = await upload(laptop, { from: lake, to })
  expect(report).toMatchObject({ present: 0, failed: {} })
  expect(await namesIn(to)).toStrictEqual(
    (await Array.fromAsync(local.list(''))).map(({ name }) => name).filter((name) => !name.startsWith('compacting/')),
  )
  expect(await sql('--lake', to, SELECT)).toBe(await sql('--lake', lake, SELECT))
  expect(await upload(laptop, { from: lake, to })).toMatchObject({ copied: 0, present: report.copied })
})

test('an upload that is cut short anywhere is finished by the next, with every message once', async () => {
  const bucket = nextBucket()
  for (let at = 0, finished = false; !finished; at++) {
    const to = `${bucket}-${at}`
    let left = at
    storage.fault = (kind) => (kind === 'insert' && left-- <= 0 ? { status: 403 } : undefined)
    const cut = await upload(laptop, { from: lake, to })
    storage.fault = () => undefined
    const rest = await upload(laptop, { from: lake, to })
    expect(rest.failed).toStrictEqual({})
    expect(await sql('--lake', to, COUNT)).toBe('n,d\n12,12')
    finished = Object.keys(cut.failed).length === 0
    expect(rest.copied > 0).toBe(!finished)
    expect(at < 20 && (at > 5 || !finished)).toBe(true)
  }
})

test('a bucket that is written to already takes what it lacks, and no message twice', async () => {
  const to = nextBucket()
  const writer = createLakeWriter({ store: await openBucketLake(to, laptop), format })
  // Hours of the second day: one with a message of its own, one with a message of the lake's.
  const inCloud = testBatch('in the cloud', [spanAt(500, DAY_2 + 7n)])
  const again = batches[4] as SpanBatch
  const received = [inCloud, { ...again, spans: again.spans.slice(1) }].map((batch) => ({
    ...batch,
    context: { ...batch.context, ingestedAt: DAY_2 },
  }))
  expect(await writer.write(received)).toStrictEqual([undefined, undefined])
  expect(await upload(laptop, { from: lake, to })).toMatchObject({ failed: {} })
  expect(await sql('--lake', to, COUNT)).toBe('n,d\n13,13')
  expect(await upload(laptop, { from: lake, to })).toMatchObject({ copied: 0, failed: {} })
})

test('what cannot stand beside what is there is named, and the rest is copied', async () => {
  const to = nextBucket()
  const writer = createLakeWriter({ store: await openBucketLake(to, laptop), format })
  await writer.write([testBatch('late', [spanAt(500, DAY + 7n)])])
  const report = await upload(laptop, { from: lake, to })
  expect(report.failed).toStrictEqual({
    'traces/dt=2026-02-05/hr=00/': expect.stringContaining('upload to a prefix of its own'),
  })
  expect(await sql('--lake', to, COUNT)).toBe('n,d\n7,7')
})

test('a time range fetches only its hours, once, into a bounded directory', async () => {
  const to = nextBucket()
  await upload(laptop, { from: lake, to })
  const reads = () => storage.requests.get('read') ?? 0
  const before = reads()
  const range = ['--lake', to, '--from', '2026-02-06T01:00:00Z', '--to', '2026-02-06T03:00:00Z']
  expect(await sql(...range, COUNT)).toBe('n,d\n2,2')
  const fetched = reads() - before
  expect(fetched).toBe(2)
  expect(await sql(...range, COUNT)).toBe('n,d\n2,2')
  expect(reads() - before).toBe(fetched)

  const sizes = (await Array.fromAsync((await openBucketLake(to, laptop)).list('traces/'))).map(({ size }) => size)
  const tight = { ...laptop, SPANLEDGER_LAKE_CACHE_BYTES: sizes.reduce((sum, size) => sum + size, 0) - 1 }
  await expect(runSql(['--lake', to, COUNT], tight)).rejects.toThrow(/ask for less time by --from and --to/)
  const little = { ...laptop, SPANLEDGER_LAKE_CACHE_BYTES: Math.max(...sizes) * 2 }
  await runSql(['--lake', to, '--from', '2026-02-06T04:00:00Z', COUNT], little)
  const cache = join(root, 'lake-cache', ...to.slice('gs://'.length).split('/'))
  const kept = (await readdir(cache, { recursive: true })).filter((name) => name.endsWith('.parquet'))
  expect(kept.map((name) => /hr=(\d\d)/.exec(name)?.[1]).sort()).toStrictEqual(['04', '05'])
})

test('a cache with room for one query has room for all that it reads, corrections and quarantine too', async () => {
  const to = nextBucket()
  await upload(laptop, { from: lake, to })
  const bucket = await openBucketLake(to, laptop)
  const objects = (
    await Promise.all(['traces/', 'corrections/', 'quarantine/'].map((base) => Array.fromAsync(bucket.list(base))))
  ).flat()
  const exact = { ...laptop, SPANLEDGER_LAKE_CACHE_BYTES: objects.reduce((sum, { size }) => sum + size, 0) }
  const select = 'SELECT (SELECT count(*) FROM spans) AS n, (SELECT count(*) FROM quarantine) AS q'
  expect((await runSql(['--lake', to, '--format', 'csv', select], exact)).text).toBe('n,q\n12,1')
  const short = { ...exact, SPANLEDGER_LAKE_CACHE_BYTES: exact.SPANLEDGER_LAKE_CACHE_BYTES - 1 }
  await expect(runSql(['--lake', to, select], short)).rejects.toThrow(/do not fit into the cache/)
})

test('a warehouse here is rebuilt from a bucket, and BigQuery from the lake here: same spans, same sums', async () => {
  const to = nextBucket()
  await upload(laptop, { from: lake, to })
  expect(await rebuild(laptop, to)).toStrictEqual({ stored: 13, duplicates: 0, refused: 0, unreadable: new Map() })
  expect(await rebuild(cloud, lake)).toStrictEqual({ stored: 13, duplicates: 0, refused: 0, unreadable: new Map() })
  const usage = { filter: { project: 'default' }, groupBy: ['model'], maxRows: 10 } as const
  const [here, there] = await Promise.all(
    [laptop, cloud].map(async (config) => {
      const store = await (await openPlatform(config)).openTraceStore()
      try {
        return { usage: await store.usage(usage), trace: await store.getTrace('default', hexId(2, 32), { limit: 9 }) }
      } finally {
        await store.close()
      }
    }),
  )
  expect(there?.usage).toStrictEqual(here?.usage)
  expect(there?.trace).toStrictEqual(here?.trace)
  expect(here?.trace.spans.find(({ span }) => span.spanId === hexId(2, 16))?.ledger.costPicoUsd).toBe(7n)
})

test.each(['s3://bucket/x', 'gs://', 'gs://UPPER', 'gs://bucket/../other', 'gs://bucket/a b'])(
  '%s is no address of a lake',
  async (address) => {
    await expect(runSql(['--lake', address, 'SELECT 1'], laptop)).rejects.toMatchObject({ code: 'config/invalid' })
  },
)
