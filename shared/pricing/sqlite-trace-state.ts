import { DatabaseSync } from 'node:sqlite'
import { describeError, SpanledgerError } from '../errors.ts'
import { traceEntryFromJson, traceEntryToJson } from './trace-entry-json.ts'
import { KEEP_MS, MAX_KEPT_ENTRIES, type TraceEntry, type TraceStateStore } from './trace-state.ts'

export interface SqliteTraceStateOptions {
  /** Of the database file; it is made if it is not there. */
  readonly path: string
  /** Milliseconds since 1970. */
  readonly now?: () => number
}

/** How many old rows are forgotten at least, where there are any. */
const FORGET_ROWS = 64

/**
 * {@link TraceStateStore} in a SQLite file. Rows are only ever added at one end and forgotten at the other, some with each
 * transaction that adds any: a minute's worth at once would hold up whoever prices for seconds. Most of what it takes is
 * writing pages of the index, which new trace ids are all over: hence ids as bytes, small pages, and seldom checkpoints.
 */
export function openSqliteTraceState({ path, now = Date.now }: SqliteTraceStateOptions): TraceStateStore {
  const db = new DatabaseSync(path)
  db.exec(`
    PRAGMA page_size = 4096;
    PRAGMA journal_mode = WAL;
    PRAGMA wal_autocheckpoint = 4000;
    PRAGMA synchronous = NORMAL;
    PRAGMA busy_timeout = 5000;
    CREATE TABLE IF NOT EXISTS trace_entries (
      id INTEGER PRIMARY KEY, project TEXT NOT NULL, trace_id BLOB NOT NULL, kept_at INTEGER NOT NULL, body TEXT NOT NULL
    );
    CREATE INDEX IF NOT EXISTS trace_entries_by_trace ON trace_entries (trace_id);
  `)
  const select = db.prepare(
    `SELECT body FROM trace_entries WHERE trace_id = ? AND project = ? LIMIT ${MAX_KEPT_ENTRIES}`,
  )
  const insert = db.prepare('INSERT INTO trace_entries (project, trace_id, kept_at, body) VALUES (?, ?, ?, ?)')
  const oldest = db.prepare('SELECT id, kept_at AS keptAt FROM trace_entries ORDER BY id LIMIT 1')
  const forget = db.prepare('DELETE FROM trace_entries WHERE id < ? AND kept_at < ?')

  /** Twice as much as was added, so that a backlog of old rows goes down. */
  function forgetSome(added: number, before: number): void {
    const row = oldest.get()
    if (row !== undefined && (row.keptAt as number) < before)
      forget.run((row.id as number) + 2 * added + FORGET_ROWS, before)
  }

  return {
    transact: async (keys, decide, ready) => {
      await ready
      return answer(() => {
        db.exec('BEGIN IMMEDIATE')
        try {
          const known = new Map<string, TraceEntry[]>()
          for (const { project, traceId } of keys) {
            const rows = select.all(toBytes(traceId), project)
            if (rows.length === 0) continue
            const entries = rows.map(({ body }) => traceEntryFromJson(body as string))
            known.set(traceId + project, entries)
          }
          const { append, result } = decide(({ project, traceId }) => known.get(traceId + project) ?? [])
          const time = now()
          for (const { project, traceId, entry } of append)
            insert.run(project, toBytes(traceId), time, traceEntryToJson(entry))
          if (append.length > 0) forgetSome(append.length, time - KEEP_MS)
          db.exec('COMMIT')
          return result
        } catch (error) {
          // A full disk ends the transaction itself.
          if (db.isTransaction) db.exec('ROLLBACK')
          throw error
        }
      })
    },
    close: async () => db.close(),
  }
}

function answer<T>(ask: () => T): T {
  try {
    return ask()
  } catch (error) {
    throw new SpanledgerError('store/unavailable', `trace state: ${describeError(error)}`, { cause: error })
  }
}

/** A trace id is 32 digits of hex. */
function toBytes(traceId: string): Uint8Array {
  return Buffer.from(traceId, 'hex')
}
