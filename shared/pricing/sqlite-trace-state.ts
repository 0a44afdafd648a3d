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

/** {@link TraceStateStore} in a SQLite file that this process alone writes. */
export function openSqliteTraceState({ path, now = Date.now }: SqliteTraceStateOptions): TraceStateStore {
  const db = new DatabaseSync(path)
  db.exec(`
    PRAGMA page_size = 16384;
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = NORMAL;
    CREATE TABLE IF NOT EXISTS entries (
      project TEXT NOT NULL, trace_id TEXT NOT NULL, digest TEXT NOT NULL, kept_at INTEGER NOT NULL, body TEXT NOT NULL,
      UNIQUE (project, trace_id, digest)
    );
    CREATE INDEX IF NOT EXISTS entries_by_age ON entries (kept_at);
  `)
  const select = db.prepare(`SELECT body FROM entries WHERE project = ? AND trace_id = ? LIMIT ${MAX_KEPT_ENTRIES}`)
  const insert = db.prepare('INSERT OR IGNORE INTO entries VALUES (?, ?, ?, ?, ?)')
  const newest = db.prepare(
    'SELECT project, trace_id AS traceId FROM entries GROUP BY 1, 2 ORDER BY max(kept_at) DESC LIMIT ?',
  )
  const forget = db.prepare('DELETE FROM entries WHERE kept_at < ?')

  return {
    transact: async (keys, decide) =>
      answer(() => {
        db.exec('BEGIN IMMEDIATE')
        try {
          const known = new Map<string, TraceEntry[]>()
          for (const { project, traceId } of keys) {
            const rows = select.all(project, traceId)
            if (rows.length > 0)
              known.set(
                project + traceId,
                rows.map(({ body }) => traceEntryFromJson(body as string)),
              )
          }
          const { append, result } = decide(({ project, traceId }) => known.get(project + traceId) ?? [])
          for (const { project, traceId, entries } of append)
            for (const entry of entries) insert.run(project, traceId, entry.digest, now(), traceEntryToJson(entry))
          db.exec('COMMIT')
          return result
        } catch (error) {
          db.exec('ROLLBACK')
          throw error
        }
      }),
    keys: async (limit) => answer(() => newest.all(limit) as { project: string; traceId: string }[]),
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
