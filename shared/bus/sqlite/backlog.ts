import type { DatabaseSync } from 'node:sqlite'
import { SUBSCRIPTIONS, type Subscription, type Topic } from '../bus.ts'
import { type Doorbell, ring } from '../doorbell.ts'
import { digestKey, NEVER, openTopic, type QueueLocation, transact } from './database.ts'

/** Spans of one project that wait for, or are dead to, one subscription. */
export interface Backlog {
  readonly inFlight: bigint
  /** Messages that these are in, and those that hold no spans but corrections. */
  readonly messages: number
  readonly dead: Readonly<Record<string, bigint>>
}

/** What `ingest` took and refused of one project. */
export interface Intake {
  readonly accepted: bigint
  readonly rejected: Readonly<Record<string, bigint>>
}

/** Looks into the embedded queue, and replays its dead letters. */
export interface QueueAdmin {
  intake(project: string): Intake
  /** Of a subscription's own hop only. Messages that have already moved on to the next topic do not count. */
  backlog(project: string, subscription: Subscription): Backlog
  /** Spans that a subscription has acknowledged so far. */
  settled(project: string, subscription: Subscription): bigint
  /** Makes dead letters due again; returns how many. */
  replay(which: { readonly subscription?: Subscription; readonly project?: string }): number
  close(): void
}

export function openQueueAdmin(
  options: QueueLocation & { readonly doorbell?: Doorbell; readonly now?: () => number },
): QueueAdmin {
  const topics = new Map<Topic, DatabaseSync>()
  for (const topic of new Set<Topic>(Object.values(SUBSCRIPTIONS))) {
    const database = openTopic(options, topic, { checkpoints: false })
    topics.set(topic, database)
  }
  const of = (topic: Topic) => topics.get(topic) as DatabaseSync

  return {
    intake(project) {
      const rows = all(of('spans'), 'SELECT name, value FROM counters WHERE project = ?', project)
      const rejected: Record<string, bigint> = {}
      let accepted = 0n
      for (const { name, value } of rows) {
        const counter = String(name)
        if (counter === 'accepted') accepted = value as bigint
        if (counter.startsWith('rejected:')) rejected[counter.slice('rejected:'.length)] = value as bigint
      }
      return { accepted, rejected }
    },
    backlog(project, subscription) {
      const rows = all(
        of(SUBSCRIPTIONS[subscription]),
        `SELECT m.digest, m.spans, d.dead, d.reason FROM deliveries d JOIN messages m ON m.id = d.message
         WHERE d.subscription = ? AND m.project = ?`,
        subscription,
        project,
      )
      // A message that `price` has published but not yet acknowledged stands in both topics: it counts in the later one.
      const moved =
        subscription === 'price' ? of('priced-spans').prepare('SELECT 1 FROM published WHERE digest = ?') : undefined
      let inFlight = 0n
      let messages = 0
      const dead: Record<string, bigint> = {}
      for (const { digest, spans, dead: isDead, reason } of rows) {
        if (isDead) dead[String(reason)] = (dead[String(reason)] ?? 0n) + (spans as bigint)
        else if (moved?.get(digestKey(digest as string)) === undefined) {
          inFlight += spans as bigint
          messages++
        }
      }
      return { inFlight, messages, dead }
    },
    settled(project, subscription) {
      const sql = 'SELECT value FROM counters WHERE project = ? AND name = ?'
      const [row] = all(of(SUBSCRIPTIONS[subscription]), sql, project, `settled:${subscription}`)
      return (row?.value ?? 0n) as bigint
    },
    replay({ subscription, project }) {
      let replayed = 0
      for (const [topic, database] of topics) {
        const { changes } = transact(database, () =>
          database
            .prepare(
              `UPDATE deliveries SET dead = 0, due_at = ?1, attempts = 0, faults = 0
               WHERE dead = 1 AND due_at = ${NEVER} AND (?2 IS NULL OR subscription = ?2)
                 AND (?3 IS NULL OR message IN (SELECT id FROM messages WHERE project = ?3))`,
            )
            .run((options.now ?? Date.now)(), subscription ?? null, project ?? null),
        )
        replayed += Number(changes)
        if (changes && options.doorbell) ring(options.doorbell, topic)
      }
      return replayed
    },
    close() {
      for (const database of topics.values()) database.close()
    },
  }
}

function all(database: DatabaseSync, sql: string, ...values: string[]): Record<string, unknown>[] {
  const statement = database.prepare(sql)
  statement.setReadBigInts(true)
  return statement.all(...values) as Record<string, unknown>[]
}
