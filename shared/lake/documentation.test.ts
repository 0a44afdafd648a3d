import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { afterAll, expect, test } from 'vitest'
import { LAKE_COLUMNS } from '../spans/columns.ts'
import { openDirectoryStore } from './directory-store.ts'
import { queryLake } from './lake-sql.ts'
import { createParquetFormat } from './parquet-format.ts'
import { openDirectoryLake } from './readable-lake.ts'
import { DAY, testBatch, testSpan } from './test-spans.ts'
import { createLakeWriter } from './writer.ts'

const root = await mkdtemp(join(tmpdir(), 'lake-'))
afterAll(() => rm(root, { recursive: true }))
const page = await readFile(new URL('../../docs/lake.md', import.meta.url), 'utf8')

const traceId = '5b8efff798038103d269b633813fc60c'
const now = BigInt(Date.now()) * 1_000_000n
const spans = [DAY, now].map((startTimeUnixNano) =>
  testSpan({
    traceId,
    startTimeUnixNano,
    statusCode: 'ERROR',
    ledger: { inputTokens: 5, outputTokens: 1, costPicoUsd: 7n },
  }),
)
const { context } = testBatch('digest', [])
const writer = createLakeWriter({
  store: openDirectoryStore(root),
  format: createParquetFormat(),
  window: { pastDays: 100_000, futureDays: 2 },
})
await writer.write([{ context: { ...context, ingestedAt: now }, spans }])

test('every query of the page that needs no cloud runs and finds something', async () => {
  const queries = [...page.matchAll(/```sql\n([^`]+)```/g)].map(([, sql]) =>
    (sql as string).replaceAll('.spanledger/lake', root),
  )
  expect(queries).toHaveLength(3)
  const duckdb = await (await DuckDBInstance.create(':memory:')).connect()
  await duckdb.run("SET TimeZone = 'UTC'")
  for (const sql of queries) expect((await duckdb.runAndReadAll(sql)).getRowsJson().length).toBeGreaterThan(0)
})

test('every command of the page runs', async () => {
  const commands = [...page.matchAll(/npm run sql -- .*"(SELECT [^"]+)"/g)].map(([, sql]) => sql as string)
  expect(commands).toHaveLength(2)
  for (const sql of commands) await queryLake(sql, { lake: openDirectoryLake(root) })
})

test('the page names the first columns in their order', () => {
  const names = LAKE_COLUMNS.slice(0, 14).map(({ lake }) => lake)
  expect(page.replaceAll(/\s+/g, ' ')).toContain(names.join(' '))
})
