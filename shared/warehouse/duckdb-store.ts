import { stat } from 'node:fs/promises'
import type { DuckDBConnection } from '@duckdb/node-api'
import { isSpanledgerError, SpanledgerError } from '../errors.ts'
import { type Database, type DuckDbOptions, openDatabase, recoverDatabase } from './duckdb/database.ts'
import { duckDbDialect } from './duckdb/dialect.ts'
import { querySpans } from './duckdb/large-spans.ts'
import { runQuery } from './duckdb/query.ts'
import { writeBatches } from './duckdb/write.ts'
import { createMutex } from './mutex.ts'
import { openError } from './open-error.ts'
import { createSqlReader } from './sql/reader.ts'
import type { TraceStore } from './trace-store.ts'

/** How the store is opened. */
export interface DuckDbStoreOptions extends DuckDbOptions {
  /**
   * Size of the write-ahead log at which the next write that fills a row group ends with a checkpoint; at twice that any write does.
   * Default 64 MiB.
   */
  readonly checkpointBytes?: number
  /** Time without a write after which a checkpoint is made, in milliseconds. Default 2,000. */
  readonly checkpointIdleMs?: number
  /** Spans of a write that are held at once, about. Default 512: so few die young, and need not be moved and marked. */
  readonly spansAtOnce?: number
}

/**
 * Opens the trace store in a DuckDB file. Only one thread of one process may have it open: a second process is refused, a
 * second thread of the same process is NOT, and would destroy the file. Rejects with `store/unavailable`.
 *
 * After an error that DuckDB does not survive (a full disk, an I/O error) the file is opened anew by the next call.
 */
export async function openDuckDbStore(options: DuckDbStoreOptions): Promise<TraceStore> {
  const { path, checkpointBytes = 64 * 1024 * 1024, checkpointIdleMs = 2_000, spansAtOnce = 512 } = options
  const exclusively = createMutex()
  let opening: Promise<Database> | null = null
  let closed = false
  let idle: NodeJS.Timeout | undefined
  await acquire()

  return {
    write: (batches) =>
      exclusively(async () => {
        clearTimeout(idle)
        const database = await acquire()
        try {
          const before = rowGroups(database)
          const results = await writeBatches(database, batches, { spansAtOnce })
          // A checkpoint writes the rows anew that the last one left in a row group half full: two fifths of what checkpoints took.
          const enough = rowGroups(database) > before ? checkpointBytes : 2 * checkpointBytes
          if ((await logSize(path)) >= enough) await checkpoint(database)
          return results
        } catch (error) {
          if (!(await recoverDatabase(database))) opening = null
          throw toStoreError(error)
        } finally {
          idle = setTimeout(() => void exclusively(checkpointIdle), checkpointIdleMs)
          idle.unref()
        }
      }),

    ...createSqlReader({
      dialect: duckDbDialect,
      query: (statement) => read((connection) => runQuery(connection, statement)),
      querySpans: (statement) => read((connection) => querySpans(connection, statement)),
    }),

    close: () =>
      exclusively(async () => {
        closed = true
        clearTimeout(idle)
        const database = await opening?.catch(() => null)
        opening = null
        if (!database) return
        await checkpoint(database)
        await database.close()
      }),
  }

  async function read<T>(task: (connection: DuckDBConnection) => Promise<T>): Promise<T> {
    const { readers } = await acquire()
    try {
      return await readers.read(task)
    } catch (error) {
      if (isSpanledgerError(error)) throw error
      throw new SpanledgerError('store/unavailable', 'the trace store did not answer', { cause: error })
    }
  }

  async function acquire(): Promise<Database> {
    if (closed) throw new SpanledgerError('store/unavailable', 'the trace store is closed')
    opening ??= openDatabase(options)
    try {
      return await opening
    } catch (error) {
      opening = null
      throw openError(path, error)
    }
  }

  async function checkpointIdle(): Promise<void> {
    const database = await opening?.catch(() => null)
    if (database && (await logSize(path)) > 0) await checkpoint(database)
  }

  /** What is not in a checkpoint is in the log, so a checkpoint that fails loses nothing: a later one does its work. */
  async function checkpoint(database: Database): Promise<void> {
    try {
      await database.writer.run('CHECKPOINT')
    } catch {
      if (!(await recoverDatabase(database))) opening = null
    }
  }
}

/** Row groups of `spans` that are full. */
function rowGroups({ rows, rowGroupRows }: Database): number {
  return Math.floor(rows / rowGroupRows)
}

/** Bytes of the write-ahead log; 0 where there is none. */
async function logSize(path: string): Promise<number> {
  return stat(`${path}.wal`).then(
    ({ size }) => size,
    () => 0,
  )
}

/** What a row made impossible is refused; all else is the store's own trouble, and may pass. */
function toStoreError(error: unknown): SpanledgerError {
  const ours = error instanceof TypeError || error instanceof RangeError
  return ours
    ? new SpanledgerError('store/rejected', 'a span has a value that no column can hold', { cause: error })
    : new SpanledgerError('store/unavailable', 'the trace store could not write', { cause: error })
}
