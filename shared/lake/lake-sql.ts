import '../duckdb-text.ts'
import { writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Json } from '@duckdb/node-api'
import { describeError, SpanledgerError } from '../errors.ts'
import { lakeViews } from './lake-views.ts'
import { parseFiles } from './live-files.ts'
import { createParquetFormat } from './parquet-format.ts'
import { QUARANTINE } from './partition.ts'
import { listReadable, type ReadableOptions, type TimeRange } from './readable-files.ts'
import { locateLists, type ReadableLake } from './readable-lake.ts'
import { openScratch } from './scratch.ts'
import { findUnreadable, mayBeUnreadable, type UnreadableFiles } from './unreadable-files.ts'

export interface LakeSqlOptions extends TimeRange {
  readonly lake: ReadableLake
}

/** What a statement answered. */
export interface LakeSqlResult {
  readonly columns: readonly string[]
  readonly rows: readonly (readonly Json[])[]
  /** Files that could not be read, and whose rows are missing. */
  readonly unreadable: UnreadableFiles
}

/**
 * Runs SQL over the views of {@link lakeViews} in a DuckDB that can reach the lake's files and nothing else. Each row is
 * seen once, also while a compactor is at work. Throws `query/invalid` with what DuckDB says of the statement.
 */
export async function queryLake(sql: string, options: LakeSqlOptions): Promise<LakeSqlResult> {
  const scratch = await openScratch(tmpdir(), 'spanledger-sql')
  const run = (unreadable: UnreadableFiles = new Map()) => runOnce(sql, options, { scratch: scratch.path, unreadable })
  try {
    return await run().catch(async (error) => {
      // A file may go when a reader took longer than the compactor's grace: a fresh listing has what replaced it.
      if (/No files found|Cannot open file|No such file/.test(describeError(error))) return run()
      throw error
    })
  } catch (error) {
    if (!mayBeUnreadable(error)) throw refusal(error)
    const unreadable = await findUnreadable(options.lake, Object.values(await listFiles(sql, options)).flat())
    if (unreadable.size === 0) throw refusal(error)
    return await run(unreadable).catch((again) => {
      throw refusal(again)
    })
  } finally {
    await scratch.close()
  }
}

function refusal(error: unknown): SpanledgerError {
  if (error instanceof SpanledgerError) return error
  return new SpanledgerError('query/invalid', describeError(error), { cause: error })
}

/** The files that a statement may ask for. */
async function listFiles(sql: string, { lake, ...options }: LakeSqlOptions & ReadableOptions) {
  const { spans, corrections } = await listReadable(lake.store, options)
  const aside = /\bquarantine\b/i.test(sql) ? parseFiles(await Array.fromAsync(lake.store.list(QUARANTINE))) : []
  return { spans, corrections, quarantine: aside.filter(({ name }) => !options.without?.has(name)) }
}

async function runOnce(
  sql: string,
  options: LakeSqlOptions,
  { scratch, unreadable }: { readonly scratch: string; readonly unreadable: UnreadableFiles },
): Promise<LakeSqlResult> {
  const files = await locateLists(options.lake, await listFiles(sql, { ...options, without: unreadable }))
  const template = join(scratch, 'template.parquet')
  await writeFile(template, createParquetFormat().encode([], { digests: [], projects: {} }))

  const { DuckDBInstance } = await import('@duckdb/node-api')
  const instance = await DuckDBInstance.create(':memory:', { autoinstall_known_extensions: 'false' })
  const connection = await instance.connect()
  try {
    for (const view of lakeViews({ ...files, template }))
      await connection.run(`CREATE VIEW ${view.name} AS ${view.sql}`)
    const allowed = [options.lake.directory, scratch].map((path) => `'${path.replaceAll("'", "''")}'`).join(', ')
    await connection.run(`SET allowed_directories = [${allowed}]`)
    await connection.run('SET enable_external_access = false')
    await connection.run('SET lock_configuration = true')
    // What cannot be parsed is told better by running it.
    const { count } = await connection.extractStatements(sql).catch(() => ({ count: 1 }))
    if (count > 1) throw new SpanledgerError('query/invalid', `give one statement, not ${count}`)
    const reader = await connection.runAndReadAll(sql)
    return { columns: reader.columnNames(), rows: reader.getRowsJson(), unreadable }
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}
