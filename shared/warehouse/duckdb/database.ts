import '../../duckdb-text.ts'
import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import { DUCKDB_TABLES, duckDbDdl, duckDbViews } from '../ddl/duckdb.ts'
import { addColumns } from '../ddl/tables.ts'
import { createReaderPool, type ReaderPool } from './reader-pool.ts'
import { createSeenKeys, type SeenKeys } from './seen-keys.ts'
import { createSpanAppender, type SpanAppender } from './span-appender.ts'
import { keyFromInt64 } from './span-key.ts'

/** How a DuckDB file is opened. */
export interface DuckDbOptions {
  /** Of the file; it and its directory are made where they are missing. `:memory:` keeps nothing. */
  readonly path: string
  /** As DuckDB writes it; beyond it, queries spill to `temporary/` beside the file. Default `256MB`: more made writes no cheaper. */
  readonly memoryLimit?: string
  /** Threads that a query or checkpoint may use. Default 1: more cost CPU. */
  readonly threads?: number
  /** Queries that run at once, each on a connection of its own. Default 2. */
  readonly readers?: number
  /** The longest that a query may take, in milliseconds; it is broken off then. Default 30,000, as on BigQuery. */
  readonly queryMs?: number
  /** Memory of the filter that tells new spans from those that may be stored; a power of two. Default 32 MiB. */
  readonly seenKeysBytes?: number
  /** Rows that are compressed together; a multiple of 2,048. Default 61,440. */
  readonly rowGroupRows?: number
}

/** An open database: whoever has it is the only owner of its file. */
export interface Database {
  readonly writer: DuckDBConnection
  /** Beside the writer. */
  readonly readers: ReaderPool
  /** Appends on the writer's connection; made anew after a failure. */
  appender: SpanAppender
  /** Rows that were ever put into `spans`, about. */
  rows: number
  /** How many of them are compressed together. */
  readonly rowGroupRows: number
  /** The columns of `spans` in the order of this file. */
  readonly spanColumns: readonly string[]
  /** Holds every key in `spans`, and perhaps some of transactions that failed. */
  readonly seen: SeenKeys
  /** Breaks off what is read, and releases the file. What is committed but in no checkpoint stays in the write-ahead log. */
  close(): Promise<void>
}

/** Opens the file, brings its schema up to date and reads the keys that it holds. */
export async function openDatabase(options: DuckDbOptions): Promise<Database> {
  const {
    path,
    memoryLimit = '256MB',
    threads = 1,
    readers = 2,
    queryMs = 30_000,
    seenKeysBytes = 32 * 1024 * 1024,
    rowGroupRows = 61_440,
  } = options
  const inMemory = path === ':memory:'
  if (!inMemory) await mkdir(dirname(path), { recursive: true })
  const instance = await DuckDBInstance.create(':memory:', {
    threads: String(threads),
    memory_limit: memoryLimit,
    ...(!inMemory && { temp_directory: join(dirname(path), 'temporary') }),
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
    // The store checkpoints by itself, between writes: an automatic one would stall the commit it happens in.
    wal_autocheckpoint: '1TB',
    preserve_insertion_order: 'false',
  })
  const connections: DuckDBConnection[] = []
  const release = () => {
    for (const connection of connections) connection.closeSync()
    instance.closeSync()
  }
  try {
    for (let index = 0; index <= readers; index++) connections.push(await instance.connect())
    const [writer, ...others] = connections as [DuckDBConnection, ...DuckDBConnection[]]
    await writer.run(attachStatement(path, rowGroupRows))
    await writer.run('SET enable_external_access = false')
    for (const connection of connections) await connection.run('USE warehouse')
    await migrate(writer)
    const spanColumns = await columnNames(writer, 'spans')
    const database: Database = {
      writer,
      readers: createReaderPool(others, { queryMs }),
      appender: await createSpanAppender(writer, spanColumns),
      rows: await countRows(writer),
      rowGroupRows,
      spanColumns,
      seen: await readKeys(writer, createSeenKeys(seenKeysBytes)),
      async close() {
        await database.readers.close()
        database.appender.close()
        release()
      },
    }
    return database
  } catch (error) {
    release()
    throw error
  }
}

/**
 * A file's layout can be chosen only where it is attached. Half of DuckDB's usual row group makes a checkpoint that finds the
 * last one half full rewrite less: with whole ones, checkpoints of 64 MB cost four times as much. The newer format's string
 * compression halves their cost.
 */
function attachStatement(path: string, rowGroupRows: number): string {
  return `ATTACH '${path.replaceAll("'", "''")}' AS warehouse (ROW_GROUP_SIZE ${rowGroupRows}, STORAGE_VERSION 'v1.5.0')`
}

/**
 * Makes the database fit for the next write after one has failed. False if it cannot be: DuckDB gives an instance up after
 * a fatal error; it is then closed, and must be opened anew.
 */
export async function recoverDatabase(database: Database): Promise<boolean> {
  const { writer, spanColumns } = database
  try {
    database.appender.close()
    // There is nothing to roll back when it was the commit that failed.
    await writer.run('ROLLBACK').catch(() => undefined)
    database.appender = await createSpanAppender(writer, spanColumns)
    await writer.run('FROM spans LIMIT 0')
    return true
  } catch {
    await database.close().catch(() => undefined)
    return false
  }
}

async function migrate(connection: DuckDBConnection): Promise<void> {
  const statements = duckDbDdl()
  for (const statement of statements) await connection.run(statement)
  let changed = false
  for (const [table, columns] of Object.entries(DUCKDB_TABLES)) {
    for (const statement of addColumns(table, columns, new Set(await columnNames(connection, table)))) {
      await connection.run(statement)
      changed = true
    }
  }
  const views = await connection.runAndReadAll("SELECT count(*) FROM duckdb_views() WHERE view_name = 'spans_unique'")
  if (changed || views.getRows()[0]?.[0] === 0n) for (const view of duckDbViews()) await connection.run(view)
}

async function columnNames(connection: DuckDBConnection, table: string): Promise<string[]> {
  const result = await connection.runAndReadAll(
    'SELECT column_name FROM duckdb_columns() WHERE table_name = $1 ORDER BY column_index',
    [table],
  )
  return result.getRows().map(([name]) => name as string)
}

async function countRows(connection: DuckDBConnection): Promise<number> {
  const result = await connection.runAndReadAll('SELECT count(*) FROM spans')
  return Number(result.getRows()[0]?.[0])
}

async function readKeys(connection: DuckDBConnection, seen: SeenKeys): Promise<SeenKeys> {
  const result = await connection.stream('SELECT span_key FROM spans UNION ALL SELECT span_key FROM corrections')
  for (let chunk = await result.fetchChunk(); chunk !== null && chunk.rowCount > 0; chunk = await result.fetchChunk()) {
    chunk.visitColumnValues(0, (value) => {
      seen.add(keyFromInt64(value as bigint))
    })
  }
  return seen
}
