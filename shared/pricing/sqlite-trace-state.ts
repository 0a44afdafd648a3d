import { DatabaseSync } from 'node:sqlite'
import { describeError, SpanledgerError } from '../errors.ts'
import { traceEntryFromJson, traceEntryToJson } from './trace-entry-json.ts'
import { MAX_KEPT_ENTRIES, type TraceEntry, type TraceStateStore } from './trace-state.ts'

export interface SqliteTraceStateOptions {
  /** Of the database file; it is made if it is not there. */
  readonly path: string
  /** Milliseconds since 1970. */
  readonly now?: () => number
}

/**
 * {@link TraceStateStore} in a SQLite file. Rows are only ever added at one end and forgotten at the other. Most of what it
 * takes is writing pages of the index, which new trace ids are all over: hence ids as bytes, small pages, and seldom
 * checkpoints.
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
  const forget = db.prepare(`
    DELETE FROM trace_entries WHERE id < coalesce(
      (SELECT id FROM trace_entries WHERE kept_at >= ? ORDER BY id LIMIT 1), (SELECT max(id) + 1 FROM trace_entries))
  `)

  return {
    transact: async (keys, decide) =>
      answer(() => {
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
          db.exec('COMMIT')
          return result
        } catch (error) {
          db.exec('ROLLBACK')
          throw error
        }
      }),
    prune: async (before) => void answer(() => forget.run(before)),
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
