import '../duckdb-text.ts'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { Json } from '@duckdb/node-api'
import { describeError, SpanledgerError } from '../errors.ts'
import { openDirectoryStore } from './directory-store.ts'
import { lakeViews } from './lake-views.ts'
import { createParquetFormat } from './parquet-format.ts'
import { CORRECTIONS, partitionHour } from './partition.ts'
import { listReadable } from './readable-files.ts'

const HOUR_MILLIS = 3_600_000

export interface LakeSqlOptions {
  /** The directory of the lake. */
  readonly root: string
  /** Only hours that touch [from, to), in milliseconds since 1970: others are not even listed to DuckDB. */
  readonly from?: number
  readonly to?: number
}

/** What a statement answered. */
export interface LakeSqlResult {
  readonly columns: readonly string[]
  readonly rows: readonly (readonly Json[])[]
}

/**
 * Runs SQL over the views of {@link lakeViews} in a DuckDB that can reach the lake's directory and nothing else. Each row is
 * seen once, also while a compactor is at work. Throws `query/invalid` with what DuckDB says of the statement.
 */
export async function queryLake(sql: string, options: LakeSqlOptions): Promise<LakeSqlResult> {
  const scratch = await mkdtemp(join(tmpdir(), 'spanledger-sql-'))
  try {
    return await runOnce(sql, options, scratch)
  } catch (error) {
    // A file may go when a reader took longer than the compactor's grace: a fresh listing has what replaced it.
    if (!/No files found|Cannot open file|No such file/.test(describeError(error))) throw refusal(error)
    return await runOnce(sql, options, scratch).catch((again) => {
      throw refusal(again)
    })
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

function refusal(error: unknown): SpanledgerError {
  if (error instanceof SpanledgerError) return error
  return new SpanledgerError('query/invalid', describeError(error), { cause: error })
}

async function runOnce(sql: string, options: LakeSqlOptions, scratch: string): Promise<LakeSqlResult> {
  const root = resolve(options.root)
  const store = openDirectoryStore(root)
  const within = (files: readonly { readonly name: string }[]) =>
    files.filter(({ name }) => inRange(name, options)).map(({ name }) => join(root, name))
  const paths = within(await listReadable(store))
  const corrections = within(await Array.fromAsync(store.list(CORRECTIONS)))
  const template = join(scratch, 'template.parquet')
  await writeFile(template, createParquetFormat().encode([], { digests: [], projects: {} }))

  const { DuckDBInstance } = await import('@duckdb/node-api')
  const instance = await DuckDBInstance.create(':memory:', { autoinstall_known_extensions: 'false' })
  const connection = await instance.connect()
  try {
    for (const view of lakeViews(paths, { template, corrections }))
      await connection.run(`CREATE VIEW ${view.name} AS ${view.sql}`)
    const allowed = [root, scratch].map((path) => `'${path.replaceAll("'", "''")}'`).join(', ')
    await connection.run(`SET allowed_directories = [${allowed}]`)
    await connection.run('SET enable_external_access = false')
    await connection.run('SET lock_configuration = true')
    const reader = await connection.runAndReadAll(sql)
    return { columns: reader.columnNames(), rows: reader.getRowsJson() }
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}

function inRange(
  name: string,
  { from = Number.NEGATIVE_INFINITY, to = Number.POSITIVE_INFINITY }: LakeSqlOptions,
): boolean {
  const hour = partitionHour(name)
  return hour !== undefined && (hour + 1) * HOUR_MILLIS > from && hour * HOUR_MILLIS < to
}
