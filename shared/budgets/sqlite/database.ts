import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import { isSpanledgerError, SpanledgerError } from '../../errors.ts'

/**
 * `budgets`: one row an id, kept when deleted so that its history is. `balances`: a bucket's sum. `span_claims`: the spans that
 * a bucket has counted, one row for each trace and slot of time; `spans` holds 24 bytes a span. Slots are short, so that what is written
 * now lies together: by the day each trace dirtied a page of its own. `digests`: messages
 * handled. `holds`: what open reservations hold in each budget; a hold that has expired counts no more, deleted or not. A lease's
 * is negative where its spans have cost more than it was granted, and counts as 0.
 */
const SCHEMA = `
  CREATE TABLE IF NOT EXISTS projects (
    project TEXT PRIMARY KEY, revision INTEGER NOT NULL, handled INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS budgets (
    ref INTEGER PRIMARY KEY, project TEXT NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL, deleted INTEGER NOT NULL,
    UNIQUE (project, id)
  ) STRICT;
  CREATE TABLE IF NOT EXISTS balances (
    ref INTEGER PRIMARY KEY, budget INTEGER NOT NULL, generation INTEGER NOT NULL, start INTEGER NOT NULL,
    spent INTEGER NOT NULL, unknown INTEGER NOT NULL,
    UNIQUE (budget, generation, start)
  ) STRICT;
  DROP TABLE IF EXISTS claims;
  CREATE TABLE IF NOT EXISTS span_claims (
    slot INTEGER NOT NULL, balance INTEGER NOT NULL, trace BLOB NOT NULL, spans BLOB NOT NULL,
    PRIMARY KEY (slot, balance, trace)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS digests (
    project TEXT NOT NULL, digest BLOB NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (project, digest)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS digests_at ON digests (at);
  CREATE TABLE IF NOT EXISTS entries (
    ref INTEGER PRIMARY KEY AUTOINCREMENT, budget INTEGER NOT NULL, at INTEGER NOT NULL, kind TEXT NOT NULL,
    actor TEXT NOT NULL, generation INTEGER NOT NULL, bucket INTEGER, amount INTEGER NOT NULL, spans INTEGER NOT NULL,
    note TEXT NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS entries_of ON entries (budget, ref);
  CREATE UNIQUE INDEX IF NOT EXISTS entries_debited ON entries (budget, generation, bucket, at) WHERE kind = 'debited';
  CREATE TABLE IF NOT EXISTS reservations (
    project TEXT NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL, state TEXT NOT NULL, at INTEGER NOT NULL,
    PRIMARY KEY (project, id)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS reservations_at ON reservations (at);
  CREATE TABLE IF NOT EXISTS holds (
    budget INTEGER NOT NULL, expires_at INTEGER NOT NULL, reservation TEXT NOT NULL, amount INTEGER NOT NULL,
    PRIMARY KEY (budget, expires_at, reservation)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS models (
    project TEXT NOT NULL, model TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (project, model)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS alerts (
    id TEXT PRIMARY KEY, at INTEGER NOT NULL, body TEXT NOT NULL, published INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS alerts_due ON alerts (at) WHERE published = 0;`

/** How long a connection waits for another thread's transaction. */
const BUSY_TIMEOUT_MS = 10_000

type Row = Record<string, null | number | bigint | string | Uint8Array>

/** A connection whose statements are prepared once. Integers of rows are `bigint`. */
export interface Database {
  get(sql: string, ...values: SQLInputValue[]): Row | undefined
  all(sql: string, ...values: SQLInputValue[]): Row[]
  /** Returns how many rows changed. */
  run(sql: string, ...values: SQLInputValue[]): number
  /** All of `work`, or nothing when it throws. Within a transaction: a part of it that can fail alone. */
  transact<T>(work: () => T): T
  close(): void
}

/**
 * Opens the ledger's file, making it if missing. `durable` fsyncs at every commit; without, a power failure (never the end
 * of the process) may lose the last commits, which suits debits: the bus delivers them again.
 */
export function openDatabase(path: string, options: { readonly durable: boolean }): Database {
  const db = answering(() => {
    if (path !== ':memory:') mkdirSync(dirname(path), { recursive: true })
    const opened = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS })
    opened.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = ${options.durable ? 'FULL' : 'NORMAL'};
      PRAGMA journal_size_limit = 67108864; PRAGMA cache_size = -32768; ${SCHEMA}`)
    return opened
  })
  const statements = new Map<string, StatementSync>()
  const prepare = (sql: string) => {
    let statement = statements.get(sql)
    if (statement === undefined) {
      statement = db.prepare(sql)
      statement.setReadBigInts(true)
      statements.set(sql, statement)
    }
    return statement
  }
  let depth = 0
  return {
    get: (sql, ...values) => answering(() => prepare(sql).get(...values) as Row | undefined),
    all: (sql, ...values) => answering(() => prepare(sql).all(...values) as Row[]),
    run: (sql, ...values) => answering(() => Number(prepare(sql).run(...values).changes)),
    transact(work) {
      answering(() => db.exec(depth === 0 ? 'BEGIN IMMEDIATE' : 'SAVEPOINT part'))
      depth++
      try {
        const result = work()
        answering(() => db.exec(depth === 1 ? 'COMMIT' : 'RELEASE part'))
        return result
      } catch (error) {
        if (db.isTransaction) db.exec(depth === 1 ? 'ROLLBACK' : 'ROLLBACK TO part; RELEASE part')
        throw error
      } finally {
        depth--
      }
    },
    close() {
      if (db.isOpen) db.close()
    },
  }
}

function answering<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (isSpanledgerError(error)) throw error
    throw new SpanledgerError('store/unavailable', 'the budget ledger does not answer; try again', { cause: error })
  }
}
