import { DatabaseSync } from 'node:sqlite'
import { describeError, SpanledgerError } from '../errors.ts'
import type { PriceStore } from './price-store.ts'

/** {@link PriceStore} in a SQLite file that several threads may have open: each sees what another has changed. */
export function openSqlitePriceStore(path: string): PriceStore {
  const db = new DatabaseSync(path)
  db.exec(`
    PRAGMA journal_mode = WAL;
    PRAGMA busy_timeout = 5000;
    CREATE TABLE IF NOT EXISTS prices (project TEXT PRIMARY KEY, body TEXT NOT NULL, changed INTEGER NOT NULL) WITHOUT ROWID;
  `)
  const select = db.prepare('SELECT body FROM prices WHERE project = ?')
  const upsert = db.prepare(
    'INSERT INTO prices VALUES (?, ?, 1) ON CONFLICT DO UPDATE SET body = excluded.body, changed = changed + 1',
  )
  const changes = db.prepare('SELECT coalesce(sum(changed), 0) AS changes FROM prices')
  return {
    list: (project) => answer(() => JSON.parse((select.get(project)?.body as string | undefined) ?? '[]')),
    replace: (project, prices) => void answer(() => upsert.run(project, JSON.stringify(prices))),
    revision: () => answer(() => changes.get()!.changes as number),
    close: () => db.close(),
  }
}

function answer<T>(ask: () => T): T {
  try {
    return ask()
  } catch (error) {
    throw new SpanledgerError('store/unavailable', `prices: ${describeError(error)}`, { cause: error })
  }
}
