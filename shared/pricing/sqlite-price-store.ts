import { DatabaseSync } from 'node:sqlite'
import { describeError, SpanledgerError } from '../errors.ts'
import type { PriceStore, ProjectPrices } from './price-store.ts'

/** {@link PriceStore} in a SQLite file that several threads may have open: each sees what another has changed. */
export function openSqlitePriceStore(path: string): PriceStore {
  const db = new DatabaseSync(path)
  db.exec(`
    PRAGMA journal_mode = WAL;
    PRAGMA busy_timeout = 5000;
    CREATE TABLE IF NOT EXISTS prices (project TEXT PRIMARY KEY, body TEXT NOT NULL, changed INTEGER NOT NULL) WITHOUT ROWID;
  `)
  const select = db.prepare('SELECT body, changed FROM prices WHERE project = ?')
  const upsert = db.prepare(
    'INSERT INTO prices VALUES (?, ?, 1) ON CONFLICT DO UPDATE SET body = excluded.body, changed = changed + 1',
  )

  function read(project: string): ProjectPrices {
    const row = select.get(project) as { body: string; changed: number } | undefined
    return row === undefined
      ? { prices: [], version: '0' }
      : { prices: JSON.parse(row.body), version: row.changed.toString() }
  }

  return {
    get: async (project) => answer(() => read(project)),
    replace: async (project, prices, ifVersion) =>
      answer(() => {
        db.exec('BEGIN IMMEDIATE')
        try {
          const isCurrent = ifVersion === undefined || read(project).version === ifVersion
          if (isCurrent) upsert.run(project, JSON.stringify(prices))
          const now = read(project)
          db.exec('COMMIT')
          return isCurrent ? now : undefined
        } catch (error) {
          if (db.isTransaction) db.exec('ROLLBACK')
          throw error
        }
      }),
    close: async () => db.close(),
  }
}

function answer<T>(ask: () => T): T {
  try {
    return ask()
  } catch (error) {
    throw new SpanledgerError('store/unavailable', `prices: ${describeError(error)}`, { cause: error })
  }
}
