import type { DuckDBConnection } from '@duckdb/node-api'
import { SpanledgerError } from '../../errors.ts'

export interface ReaderPoolOptions {
  /** The longest that a query may take, waiting for its turn included, in milliseconds. */
  readonly queryMs: number
}

/** Connections that queries take turns on. */
export interface ReaderPool {
  /**
   * Runs `task` on a connection that nobody else uses meanwhile. Rejects with `query/invalid` when it was broken off since it took too
   * long, `query/busy` when it waited for most of that time, `store/unavailable` when the pool is closed, and else with what the task throws.
   */
  read<T>(task: (connection: DuckDBConnection) => Promise<T>): Promise<T>
  /** Breaks off what runs, and resolves when nothing does. */
  close(): Promise<void>
}

/** Whoever asked may have gone: what they asked for must not keep others waiting for good. */
export function createReaderPool(connections: readonly DuckDBConnection[], { queryMs }: ReaderPoolOptions): ReaderPool {
  const free = [...connections]
  const waiting: (() => void)[] = []
  const running = new Set<Promise<unknown>>()
  let closed = false

  async function take(): Promise<DuckDBConnection> {
    while (free.length === 0) await new Promise<void>((resolve) => waiting.push(resolve))
    return free.pop() as DuckDBConnection
  }

  async function runUntil<T>(
    deadline: number,
    connection: DuckDBConnection,
    task: (connection: DuckDBConnection) => Promise<T>,
  ): Promise<T> {
    if (closed) throw isClosed()
    const left = deadline - performance.now()
    if (left <= 0) throw isBusy()
    let late = false
    const timer = setTimeout(() => {
      late = true
      connection.interrupt()
    }, left)
    try {
      return await task(connection)
    } catch (error) {
      if (closed) throw isClosed(error)
      if (!late) throw error
      // Most of its time was that of others.
      if (left < queryMs / 2) throw isBusy()
      const why = `this took more than ${queryMs / 1000} s and was given up: ask for less time, or narrow it otherwise`
      throw new SpanledgerError('query/invalid', why, { cause: error })
    } finally {
      clearTimeout(timer)
    }
  }

  return {
    async read(task) {
      const deadline = performance.now() + queryMs
      const connection = await take()
      const run = runUntil(deadline, connection, task)
      running.add(run)
      try {
        return await run
      } finally {
        running.delete(run)
        free.push(connection)
        waiting.shift()?.()
      }
    },
    async close() {
      closed = true
      for (const connection of connections) connection.interrupt()
      await Promise.allSettled(running)
    },
  }
}

function isBusy(): SpanledgerError {
  return new SpanledgerError('query/busy', 'other queries took all the time; try again in a moment')
}

function isClosed(cause?: unknown): SpanledgerError {
  return new SpanledgerError('store/unavailable', 'the trace store is closed', { cause })
}
