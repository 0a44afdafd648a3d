import { mkdirSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { SUBSCRIPTIONS, type Subscription, TOPICS, type Topic } from '../bus.ts'

/** 1: digests are kept as bytes. */
const VERSION = 1
/** Digests as bytes that were kept as text. */
const UPDATE = `UPDATE OR REPLACE published SET digest = unhex(digest) WHERE typeof(digest) = 'text' AND length(digest) = 64`

/** About what a message takes on disk besides its payload: attributes, deliveries, their index. */
const ROW_BYTES = 500

/**
 * One database a topic, so that publishers of one topic never wait for the writers of another.
 * A delivery is a row until it is acknowledged; a message goes with its last delivery. A dead letter is a delivery that
 * is never due, so replaying one is one update and no payload is ever copied.
 */
const SCHEMA = `
CREATE TABLE IF NOT EXISTS messages (
  id INTEGER PRIMARY KEY,
  project TEXT NOT NULL,
  digest TEXT NOT NULL,
  spans INTEGER NOT NULL,
  size INTEGER NOT NULL,
  attributes TEXT NOT NULL,
  data BLOB NOT NULL,
  pending INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS deliveries (
  subscription TEXT NOT NULL,
  message INTEGER NOT NULL,
  due_at INTEGER NOT NULL,
  leased INTEGER NOT NULL DEFAULT 0,
  attempts INTEGER NOT NULL DEFAULT 0,
  faults INTEGER NOT NULL DEFAULT 0,
  dead INTEGER NOT NULL DEFAULT 0,
  reason TEXT,
  PRIMARY KEY (subscription, message)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS deliveries_due ON deliveries (subscription, due_at, message);
CREATE TABLE IF NOT EXISTS subscriptions (name TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS published (digest PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS published_at ON published (at);
CREATE TABLE IF NOT EXISTS counters (
  project TEXT NOT NULL, name TEXT NOT NULL, value INTEGER NOT NULL,
  PRIMARY KEY (project, name)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS backlog (bytes INTEGER NOT NULL);
CREATE TRIGGER IF NOT EXISTS message_added AFTER INSERT ON messages
  BEGIN UPDATE backlog SET bytes = bytes + length(new.data) + ${ROW_BYTES}; END;
CREATE TRIGGER IF NOT EXISTS message_removed AFTER DELETE ON messages
  BEGIN UPDATE backlog SET bytes = bytes - length(old.data) - ${ROW_BYTES}; END;
`

/** Due time of a dead letter: never. */
export const NEVER = Number.MAX_SAFE_INTEGER

/** How long a digest is remembered, so that an export sent again is taken for what it is: 30 days in milliseconds. */
export const DIGEST_RETENTION_MS = 30 * 24 * 3_600_000

export interface QueueLocation {
  /** Holds one database a topic. */
  readonly directory: string
}

/**
 * Opens a topic's database. A commit survives a crash of the process at once, and a power failure once the journal is
 * synced: publishers do that, consumers need not, since a lost acknowledgement only means that a message comes again.
 * Publishers answer clients, so they leave checkpoints to the consumers.
 */
export function openTopic(
  location: QueueLocation,
  topic: Topic,
  options: { readonly checkpoints: boolean },
): DatabaseSync {
  const database = new DatabaseSync(join(location.directory, `${topic}.db`), { timeout: 10_000 })
  database.exec(`
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = NORMAL;
    PRAGMA wal_autocheckpoint = ${options.checkpoints ? 4000 : 0};
    PRAGMA journal_size_limit = 67108864;
  `)
  return database
}

/** The write-ahead log of a topic that is open: it stays the same file as long as any connection is. */
export async function openJournal(location: QueueLocation, topic: Topic): Promise<FileHandle> {
  const journal = await open(join(location.directory, `${topic}.db-wal`), 'r+')
  const directory = await open(location.directory, 'r')
  await directory.sync()
  await directory.close()
  return journal
}

/**
 * Makes the queue ready at start: creates what is missing, drops subscriptions that are no longer wanted together with
 * their backlog, makes what a crashed process had leased due again, and measures what there is.
 */
export function prepareQueue(
  location: QueueLocation,
  options: { readonly subscriptions: readonly Subscription[]; readonly now: number },
): void {
  mkdirSync(location.directory, { recursive: true })
  for (const topic of TOPICS) {
    const database = openTopic(location, topic, { checkpoints: true })
    database.exec(SCHEMA)
    database.exec('BEGIN IMMEDIATE')
    const wanted = options.subscriptions.filter((name) => SUBSCRIPTIONS[name] === topic)
    for (const { name } of database.prepare('SELECT name FROM subscriptions').all() as { name: string }[]) {
      if (!wanted.includes(name as Subscription)) dropSubscription(database, name)
    }
    for (const name of wanted) database.prepare('INSERT OR IGNORE INTO subscriptions VALUES (?)').run(name)
    database
      .prepare('UPDATE deliveries SET leased = 0, due_at = ?, attempts = attempts - 1 WHERE leased = 1')
      .run(options.now)
    if (database.prepare('PRAGMA user_version').get()?.user_version !== VERSION)
      database.exec(`${UPDATE}; PRAGMA user_version = ${VERSION}`)
    database.exec(`
      DELETE FROM backlog;
      INSERT INTO backlog SELECT coalesce(sum(length(data) + ${ROW_BYTES}), 0) FROM messages;
      COMMIT
    `)
    database.close()
  }
}

function dropSubscription(database: DatabaseSync, name: string): void {
  database
    .prepare(
      'UPDATE messages SET pending = pending - 1 WHERE id IN (SELECT message FROM deliveries WHERE subscription = ?)',
    )
    .run(name)
  database.prepare('DELETE FROM deliveries WHERE subscription = ?').run(name)
  database.prepare('DELETE FROM subscriptions WHERE name = ?').run(name)
  database.exec('DELETE FROM messages WHERE pending <= 0')
}

/**
 * A digest as it is kept: in half its length, or as it is where it is none, such as that of a part of a split message
 * (`….1`).
 */
export function digestKey(digest: string): Uint8Array | string {
  return /^[0-9a-f]{64}$/.test(digest) ? Buffer.from(digest, 'hex') : digest
}

/** Runs `work` in a write transaction; rolls back when it throws. */
export function transact<T>(database: DatabaseSync, work: () => T): T {
  database.exec('BEGIN IMMEDIATE')
  try {
    const result = work()
    database.exec('COMMIT')
    return result
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK')
    throw error
  }
}
