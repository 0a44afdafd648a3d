import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { openGcsStore } from '../../shared/lake/gcs-store.ts'
import { createBigQueryClient } from '../../shared/warehouse/bigquery/client.ts'
import { uniqueSpansView } from '../../shared/warehouse/bigquery/scope.ts'
import type { Cloud } from './cloud.ts'

/** A stored row by column, as plain values: whole numbers as text, times in milliseconds since 1970. */
export type Row = Readonly<Record<string, unknown>>

/** Where the test's deployment keeps its things. */
const [PROJECT, DATASET, BUCKET] = ['test', 'ledger', 'lake']

/** The rows of BigQuery's view `spans_unique`. */
export async function bigQueryRows({ bigquery }: Cloud): Promise<Row[]> {
  const client = createBigQueryClient({ projectId: PROJECT, dataset: DATASET, apiEndpoint: bigquery.url })
  const rows = await client.query({ text: uniqueSpansView(`${PROJECT}.${DATASET}`), values: [] })
  return sorted(rows.map(plain), 'span_id')
}

/** The rows of DuckDB's view `spans_unique`; nobody else may have the file open. */
export async function duckDbRows(path: string): Promise<Row[]> {
  return sorted(await query(path, 'SELECT * FROM spans_unique'), 'span_id')
}

/** The rows of the Parquet files in the bucket. */
export async function bucketRows({ storage }: Cloud): Promise<Row[]> {
  const store = openGcsStore({ projectId: PROJECT, bucket: BUCKET, apiEndpoint: storage.url })
  const folder = mkdtempSync(join(tmpdir(), 'bucket-'))
  try {
    for await (const { name } of store.list('traces/')) {
      mkdirSync(dirname(join(folder, name)), { recursive: true })
      writeFileSync(join(folder, name), await store.read(name))
    }
    return await parquetRows(join(folder, 'traces'))
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** The rows of all Parquet files below a folder. */
export async function parquetRows(folder: string): Promise<Row[]> {
  return sorted(await query(':memory:', `SELECT * FROM read_parquet('${folder}/**/*.parquet')`), 'SpanId')
}

async function query(path: string, sql: string): Promise<Row[]> {
  const instance = await DuckDBInstance.create(path, path === ':memory:' ? {} : { access_mode: 'READ_ONLY' })
  const connection = await instance.connect()
  try {
    return (await connection.runAndReadAll(sql)).getRowObjectsJson().map(plain)
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}

function plain(row: Row): Row {
  return Object.fromEntries(Object.entries(row).map(([name, value]) => [name, plainValue(value)]))
}

function plainValue(value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString()
  if (Array.isArray(value)) return value.map(plainValue)
  if (typeof value === 'string' && /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/.test(value))
    return Date.parse(`${value.slice(0, 23).replace(' ', 'T')}Z`)
  if (typeof value !== 'object' || value === null) return value
  if ('value' in value && Object.keys(value).length === 1) return Date.parse(String(value.value))
  return plain(value as Row)
}

function sorted(rows: Row[], key: string): Row[] {
  return rows.sort((a, b) => (String(a[key]) < String(b[key]) ? -1 : 1))
}
