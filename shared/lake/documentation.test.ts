import { spawnSync } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import sqlParser from 'node-sql-parser'
import { afterAll, expect, test } from 'vitest'
import { CONFIG_SHAPE } from '../config.ts'
import { LAKE_COLUMNS } from '../spans/columns.ts'
import { openDirectoryStore } from './directory-store.ts'
import { queryLake } from './lake-sql.ts'
import { createParquetFormat } from './parquet-format.ts'
import { parseFileName, partitionHour, TRACES } from './partition.ts'
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
  // Today is another day there than in UTC, by which hours are named.
  await duckdb.run("SET TimeZone = 'Pacific/Kiritimati'")
  for (const sql of queries) expect((await duckdb.runAndReadAll(sql)).getRowsJson().length).toBeGreaterThan(0)
})

test('every command of the page runs', async () => {
  const commands = [...page.matchAll(/npm run sql -- .*"(SELECT [^"]+)"/g)].map(([, sql]) => sql as string)
  expect(commands).toHaveLength(4)
  for (const sql of commands) await queryLake(sql, { lake: openDirectoryLake(root) })
})

/** The first block of the page in a language, as `sql gcs` has it. */
function block(language: string): string {
  const [, text] = new RegExp(`\`\`\`${language}\\n([^\`]+)\`\`\``).exec(page) ?? []
  if (text === undefined) throw new Error(`the page has no ${language}`)
  return text
}

test('what reads a bucket is SQL that DuckDB takes, and its query runs on the lake here', async () => {
  const duckdb = await (await DuckDBInstance.create(':memory:')).connect()
  const statements = block('sql gcs')
  expect((await duckdb.extractStatements(statements)).count).toBe(4)
  const query = statements.slice(statements.indexOf('SELECT')).replace('gs://BUCKET', root)
  expect((await duckdb.runAndReadAll(query)).getRowsJson()).toHaveLength(2)
})

test('BigQuery takes what its grammar knows of the external table, which reads the prefix that is written', () => {
  const [, columns, options] =
    /^CREATE EXTERNAL TABLE \S+\nWITH PARTITION COLUMNS \((.+)\)\nOPTIONS \(([^)]+)\);\n$/.exec(
      block('sql bigquery'),
    ) ?? []
  const parser = new sqlParser.Parser()
  const parse = (sql: string) => parser.parse(sql, { database: 'BigQuery' })
  expect(() => parse(`CREATE TABLE spanledger.lake (${columns})`)).not.toThrow()
  const pairs = [...(options ?? '').matchAll(/(\w+) = (\[[^\]]*\]|'[^']*'|\w+)/g)].map(([, name, value]) => [
    name,
    value,
  ])
  expect(() => parse(`SELECT ${pairs.map(([name, value]) => `${value} AS ${name}`).join(', ')}`)).not.toThrow()
  expect(Object.fromEntries(pairs)).toStrictEqual({
    format: "'PARQUET'",
    uris: `['gs://BUCKET/${TRACES}*.parquet']`,
    hive_partition_uri_prefix: `'gs://BUCKET/${TRACES.slice(0, -1)}'`,
    enable_list_inference: 'true',
    column_name_character_map: "'V2'",
  })
})

test('the query in the Python runs, and the Python is Python where there is one to tell', async () => {
  const python = block('python')
  const [, sql] = /duckdb\.sql\("""(.+?)"""\)/s.exec(python) ?? []
  const duckdb = await (await DuckDBInstance.create(':memory:')).connect()
  const answer = await duckdb.runAndReadAll((sql as string).replace('.spanledger/lake', root))
  expect(answer.getRowsJson().length).toBeGreaterThan(0)
  const { error, status } = spawnSync('python3', ['-c', 'import ast, sys; ast.parse(sys.stdin.read())'], {
    input: python,
  })
  expect(error !== undefined || status === 0).toBe(true)
  for (const [, column] of python.matchAll(/"(\w+Id|\w+Usd)"/g)) {
    expect(LAKE_COLUMNS.map(({ lake }) => lake)).toContain(column)
  }
})

test('the page names settings that there are, and files that can be', () => {
  const settings = [...page.matchAll(/SPANLEDGER_(?!TEST_)[A-Z_]+/g)].map(([name]) => name)
  expect(settings.length).toBeGreaterThan(6)
  for (const name of settings) expect(Object.keys(CONFIG_SHAPE)).toContain(name)
  const paths = [...page.matchAll(/(?:traces)\/dt=\d\S+\.parquet/g)].map(([path]) => path)
  expect(paths.length).toBeGreaterThan(2)
  for (const path of paths.filter((path) => !path.includes('*'))) {
    expect(parseFileName(path)).toBeDefined()
    expect(partitionHour(path)).toBeDefined()
  }
})

test('the page names the first columns in their order', () => {
  const names = LAKE_COLUMNS.slice(0, 14).map(({ lake }) => lake)
  expect(page.replaceAll(/\s+/g, ' ')).toContain(names.join(' '))
})
