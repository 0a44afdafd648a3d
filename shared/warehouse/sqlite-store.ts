import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import { SpanledgerError } from '../errors.ts'
import { SQLITE_TABLES, sqliteDdl, sqliteViews } from './ddl/sqlite.ts'
import { addColumns } from './ddl/tables.ts'
import { openError } from './open-error.ts'
import { createSqlReader } from './sql/reader.ts'
import type { Sql, SqlValue } from './sql/statement.ts'
import { sqliteDialect } from './sqlite/dialect.ts'
import { addNearestRank } from './sqlite/nearest-rank.ts'
import { createBatchWriter } from './sqlite/write.ts'
import type { TraceStore } from './trace-store.ts'

/** How the store is opened. */
export interface SqliteStoreOptions {
  /** Of the file; it and its directory are made where they are missing. `:memory:` keeps nothing. */
  readonly path: string
}

/**
 * Opens the trace store in a SQLite file: for small installations and as the reference for the others. Any thread may open it
 * beside this one. Rejects with `store/unavailable`.
 */
export async function openSqliteStore({ path }: SqliteStoreOptions): Promise<TraceStore> {
  const database = attempt(
    () => openDatabase(path),
    (error) => openError(path, error),
  )
  const write = createBatchWriter(database)
  return {
    async write(batches) {
      return attempt(() => write(batches), unavailable('the trace store could not write'))
    },
    ...createSqlReader({
      dialect: sqliteDialect,
      query: async (statement) =>
        attempt(() => runQuery(database, statement), unavailable('the trace store did not answer')),
    }),
    async close() {
      if (database.isOpen) database.close()
    },
  }
}

function openDatabase(path: string): DatabaseSync {
  if (path !== ':memory:') mkdirSync(dirname(path), { recursive: true })
  const database = new DatabaseSync(path, { readBigInts: true, timeout: 10_000 })
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL')
  addNearestRank(database)
  for (const statement of sqliteDdl()) database.exec(statement)
  for (const [table, columns] of Object.entries(SQLITE_TABLES)) {
    const existing = database.prepare('SELECT name FROM pragma_table_info(?)').all(table)
    const names = new Set(existing.map(({ name }) => name as string))
    for (const statement of addColumns(table, columns, names)) database.exec(statement)
  }
  for (const statement of sqliteViews()) database.exec(statement)
  return database
}

function runQuery(database: DatabaseSync, { text, values }: Sql) {
  return database.prepare(text).all(...values.map(bindable))
}

function bindable(value: SqlValue): SQLInputValue {
  return typeof value === 'object' ? value.nanos : value
}

function attempt<T>(task: () => T, describe: (error: unknown) => SpanledgerError): T {
  try {
    return task()
  } catch (error) {
    throw error instanceof SpanledgerError ? error : describe(error)
  }
}

function unavailable(problem: string): (error: unknown) => SpanledgerError {
  return (error) => new SpanledgerError('store/unavailable', problem, { cause: error })
}
