import type { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  type Delivery,
  type MessageSource,
  type Outcome,
  type PullOptions,
  SUBSCRIPTIONS,
  type Subscription,
} from '../bus.ts'
import { type Doorbell, rings, untilRung } from '../doorbell.ts'
import { NEVER, openTopic, type QueueLocation, transact } from './database.ts'
import { unpackPayload } from './payload.ts'

export interface SqliteSourceOptions extends QueueLocation {
  readonly subscription: Subscription
  readonly doorbell: Doorbell
  /** After which a message that was not settled is delivered again. */
  readonly visibilityMs: number
  /** Faults (retries that are the message's own) before it is dead. */
  readonly maxAttempts: number
  /** Milliseconds since 1970. */
  readonly now?: () => number
  /** In [0, 1); spreads retries. */
  readonly random?: () => number
}

/** Delay before a retry: doubles from 200 ms to 60 s, half of it random. */
export function backoffMs(attempt: number, random: number): number {
  const ceiling = Math.min(60_000, 200 * 2 ** Math.min(attempt - 1, 20))
  return Math.round(ceiling / 2 + (ceiling / 2) * random)
}

/** How long an idle consumer sleeps at most: the finest grain of retries. */
const IDLE_MS = 250

/**
 * The receiving side of the embedded queue for one subscription. There is one consumer a subscription, so what is leased
 * when it opens was being handled by one that crashed: it is due again, with a fault noted.
 */
export function openSqliteSource(options: SqliteSourceOptions): MessageSource {
  const { subscription, doorbell } = options
  const topic = SUBSCRIPTIONS[subscription]
  const now = options.now ?? Date.now
  const random = options.random ?? Math.random
  const database = openTopic(options, topic, { checkpoints: true })
  const statements = prepare(database)

  transact(database, () => {
    const reason = 'its consumer crashed while handling it'
    for (const { message } of statements.leased.all(subscription) as { message: number }[]) {
      settleOne(message, { kind: 'retry', reason })
    }
  })

  /** The ids to deliver, oldest first, within the bounds; always at least one where any is due. */
  function due(pull: PullOptions, at: number): { ids: number[]; complete: boolean; oldest: number } {
    const ids: number[] = []
    let bytes = 0
    let oldest = at
    for (const row of statements.due.iterate(subscription, at, pull.maxMessages) as Iterable<Record<string, number>>) {
      const suspect = (row.faults ?? 0) > 0
      if (ids.length > 0 && (suspect || bytes + (row.size ?? 0) > pull.maxBytes)) return { ids, complete: true, oldest }
      ids.push(row.message ?? 0)
      // A message that failed before is tried alone, so that it takes no other down with it.
      if (suspect) return { ids, complete: true, oldest }
      bytes += row.size ?? 0
      oldest = Math.min(oldest, row.due_at ?? at)
    }
    return { ids, complete: ids.length >= pull.maxMessages || bytes >= pull.maxBytes, oldest }
  }

  function lease(ids: readonly number[]): void {
    const until = now() + options.visibilityMs
    transact(database, () => {
      for (const id of ids) statements.lease.run(until, subscription, id)
    })
  }

  function deliver(id: number): Delivery {
    const row = statements.read.get(subscription, id) as unknown as MessageRow
    return {
      id: String(id),
      attempt: row.attempts,
      data: unpackPayload(row.data, row.size),
      attributes: { project: row.project, digest: row.digest, spans: row.spans, ...JSON.parse(row.attributes) },
    }
  }

  function settleOne(id: number, outcome: Outcome): void {
    if (outcome.kind === 'ack') {
      if (statements.ack.run(subscription, id).changes === 0) return
      statements.count.run(`settled:${subscription}`, id)
      statements.release.run(id)
      statements.remove.run(id)
      return
    }
    const row = statements.attempts.get(subscription, id) as { attempts: number; faults: number } | undefined
    if (row === undefined) return
    const blamed = outcome.kind === 'retry' && !outcome.blameless
    const faults = row.faults + (blamed ? 1 : 0)
    const reason = outcome.reason.slice(0, 1000)
    if (outcome.kind === 'dead' || (blamed && faults >= options.maxAttempts)) {
      statements.defer.run(NEVER, faults, 1, reason, subscription, id)
    } else {
      statements.defer.run(now() + backoffMs(row.attempts, random()), faults, 0, reason, subscription, id)
    }
  }

  return {
    async pull(pull) {
      for (;;) {
        const seen = rings(doorbell, topic)
        const at = now()
        const found = due(pull, at)
        const ripe = found.complete || pull.signal.aborted || at - found.oldest >= pull.lingerMs
        if (found.ids.length > 0 && ripe) {
          lease(found.ids)
          return found.ids.map(deliver)
        }
        if (pull.signal.aborted) return []
        if (found.ids.length === 0) await untilRung(doorbell, topic, { seen, timeoutMs: IDLE_MS, signal: pull.signal })
        else
          await sleep(Math.min(50, pull.lingerMs - (at - found.oldest)), undefined, { signal: pull.signal }).catch(
            () => {},
          )
      }
    },
    async settle(outcomes) {
      transact(database, () => {
        for (const [id, outcome] of outcomes) settleOne(Number(id), outcome)
      })
    },
    async close() {
      database.close()
    },
  }
}

interface MessageRow {
  project: string
  digest: string
  spans: number
  size: number
  attributes: string
  data: Uint8Array
  attempts: number
}

function prepare(database: DatabaseSync) {
  return {
    due: database.prepare(
      `SELECT d.message, d.due_at, d.faults, m.size FROM deliveries d JOIN messages m ON m.id = d.message
       WHERE d.subscription = ? AND d.due_at <= ? ORDER BY d.due_at, d.message LIMIT ?`,
    ),
    lease: database.prepare(
      'UPDATE deliveries SET leased = 1, attempts = attempts + 1, due_at = ? WHERE subscription = ? AND message = ?',
    ),
    read: database.prepare(
      `SELECT m.project, m.digest, m.spans, m.size, m.attributes, m.data, d.attempts
       FROM deliveries d JOIN messages m ON m.id = d.message WHERE d.subscription = ? AND d.message = ?`,
    ),
    leased: database.prepare('SELECT message FROM deliveries WHERE subscription = ? AND leased = 1'),
    ack: database.prepare('DELETE FROM deliveries WHERE subscription = ? AND message = ? AND dead = 0'),
    count: database.prepare(
      `INSERT INTO counters SELECT project, ?, spans FROM messages WHERE id = ?
       ON CONFLICT DO UPDATE SET value = value + excluded.value`,
    ),
    release: database.prepare('UPDATE messages SET pending = pending - 1 WHERE id = ?'),
    remove: database.prepare('DELETE FROM messages WHERE id = ? AND pending <= 0'),
    attempts: database.prepare(
      'SELECT attempts, faults FROM deliveries WHERE subscription = ? AND message = ? AND dead = 0',
    ),
    defer: database.prepare(
      'UPDATE deliveries SET leased = 0, due_at = ?, faults = ?, dead = ?, reason = ? WHERE subscription = ? AND message = ?',
    ),
  }
}
