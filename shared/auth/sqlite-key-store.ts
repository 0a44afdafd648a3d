import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { SpanledgerError } from '../errors.ts'
import type { ApiKey, KeyStore, Scope } from './key-store.ts'

const BUSY_TIMEOUT_MS = 5_000
const SCHEMA = `
  CREATE TABLE IF NOT EXISTS api_keys (
    id TEXT PRIMARY KEY,
    project TEXT NOT NULL,
    scopes TEXT NOT NULL,
    name TEXT NOT NULL,
    salt TEXT NOT NULL,
    hash TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    revoked_at INTEGER
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS api_keys_by_project ON api_keys (project, created_at)`

/**
 * Keys in a SQLite file (`:memory:` for none), which is made with its directory if missing. Several processes may hold it
 * open: the server and `npm run keys`.
 */
export function openSqliteKeyStore(path: string): KeyStore {
  if (path !== ':memory:') mkdirSync(dirname(path), { recursive: true })
  const db = guard(() => {
    const opened = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS })
    opened.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; ${SCHEMA}`)
    return opened
  })
  const select = db.prepare('SELECT * FROM api_keys WHERE id = ?')
  const insert = db.prepare('INSERT INTO api_keys VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING')
  const revoke = db.prepare('UPDATE api_keys SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL')
  const list = db.prepare('SELECT * FROM api_keys WHERE project = ? ORDER BY created_at, id')
  const any = db.prepare('SELECT 1 FROM api_keys LIMIT 1')
  return {
    async get(id) {
      const row = guard(() => select.get(id))
      return row === undefined ? undefined : toKey(row)
    },
    async create(key) {
      const { id, project, scopes, name, salt, hash, createdAt, revokedAt } = key
      const { changes } = guard(() => insert.run(id, project, scopes.join(','), name, salt, hash, createdAt, revokedAt))
      if (changes === 0) throw new SpanledgerError('store/rejected', `there is a key ${id} already`)
    },
    async revoke(id, at) {
      guard(() => revoke.run(at, id))
    },
    async list(project) {
      return guard(() => list.all(project)).map(toKey)
    },
    async any() {
      return guard(() => any.get()) !== undefined
    },
    async close() {
      if (db.isOpen) db.close()
    },
  }
}

function toKey(row: Record<string, unknown>): ApiKey {
  return {
    id: row.id as string,
    project: row.project as string,
    scopes: (row.scopes as string).split(',') as Scope[],
    name: row.name as string,
    salt: row.salt as string,
    hash: row.hash as string,
    createdAt: row.created_at as number,
    revokedAt: row.revoked_at as number | null,
  }
}

function guard<T>(access: () => T): T {
  try {
    return access()
  } catch (cause) {
    throw new SpanledgerError('store/unavailable', 'the key store does not answer', { cause })
  }
}
