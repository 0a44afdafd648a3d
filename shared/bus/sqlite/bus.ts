import type { FileHandle } from 'node:fs/promises'
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { SpanledgerError } from '../../errors.ts'
import type { Bus, Message, Subscription, Topic } from '../bus.ts'
import { type Doorbell, ring } from '../doorbell.ts'
import { DIGEST_RETENTION_MS, digestKey, openJournal, openTopic, type QueueLocation, transact } from './database.ts'
import { packPayload } from './payload.ts'

export interface SqliteBusOptions extends QueueLocation {
  readonly doorbell: Doorbell
  /** Backlog of one topic, in bytes, at which publishing rejects with `bus/full`. */
  readonly maxBytes: number
  /** Milliseconds since 1970. */
  readonly now?: () => number
}

/** How many digests older than a month are forgotten at least with each commit, where there are any. */
const FORGET_ROWS = 16

interface Waiting {
  readonly messages: readonly { readonly message: Message; readonly packed: Uint8Array }[]
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/**
 * The publishing side of the embedded queue. Publishes that arrive while one fsync runs share the next one. A digest
 * that was published before is not queued again.
 */
export function openSqliteBus(options: SqliteBusOptions): Bus {
  const topics = new Map<Topic, TopicWriter>()
  let closed = false
  return {
    async publish(topic, messages) {
      if (closed) throw new SpanledgerError('bus/closed', 'the server is stopping; try again later')
      let writer = topics.get(topic)
      if (writer === undefined) {
        writer = new TopicWriter(topic, options)
        topics.set(topic, writer)
      }
      return writer.publish(messages)
    },
    async close() {
      closed = true
      for (const writer of topics.values()) await writer.close()
      topics.clear()
    },
  }
}

class TopicWriter {
  readonly #topic: Topic
  readonly #options: SqliteBusOptions
  readonly #database: DatabaseSync
  readonly #statements: Record<'claim' | 'forget' | 'message' | 'delivery' | 'count' | 'backlog', StatementSync>
  readonly #subscriptions: readonly Subscription[]
  #waiting: Waiting[] = []
  #pump: Promise<void> | undefined
  #journal: FileHandle | undefined

  constructor(topic: Topic, options: SqliteBusOptions) {
    this.#topic = topic
    this.#options = options
    this.#database = openTopic(options, topic, { checkpoints: false })
    const rows = this.#database.prepare('SELECT name FROM subscriptions').all() as { name: Subscription }[]
    this.#subscriptions = rows.map((row) => row.name)
    this.#statements = {
      claim: this.#database.prepare('INSERT OR IGNORE INTO published (digest, at) VALUES (?, ?)'),
      forget: this.#database.prepare(
        'DELETE FROM published WHERE digest IN (SELECT digest FROM published WHERE at < ? ORDER BY at LIMIT ?)',
      ),
      backlog: this.#database.prepare('SELECT bytes FROM backlog'),
      message: this.#database.prepare(
        'INSERT INTO messages (project, digest, spans, size, attributes, data, pending) VALUES (?, ?, ?, ?, ?, ?, ?)',
      ),
      delivery: this.#database.prepare('INSERT INTO deliveries (subscription, message, due_at) VALUES (?, ?, ?)'),
      count: this.#database.prepare(
        'INSERT INTO counters VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = value + excluded.value',
      ),
    }
  }

  publish(messages: readonly Message[]): Promise<void> {
    if (messages.length === 0) return Promise.resolve()
    const packed = messages.map((message) => ({ message, packed: packPayload(message.data) }))
    return new Promise((resolve, reject) => {
      this.#waiting.push({ messages: packed, resolve, reject })
      this.#pump ??= this.#flushAll()
    })
  }

  async close(): Promise<void> {
    await this.#pump
    await this.#journal?.close()
    this.#database.close()
  }

  async #flushAll(): Promise<void> {
    // Not before `#pump` is set: it is unset at the end, which a commit that fails reaches at once.
    await Promise.resolve()
    while (this.#waiting.length > 0) {
      const waiting = this.#waiting
      this.#waiting = []
      try {
        this.#commit(waiting)
        await this.#sync()
      } catch (error) {
        const cause = error instanceof SpanledgerError ? error : unavailable(error)
        for (const { reject } of waiting) reject(cause)
        continue
      }
      ring(this.#options.doorbell, this.#topic)
      for (const { resolve } of waiting) resolve()
    }
    this.#pump = undefined
  }

  #commit(waiting: readonly Waiting[]): void {
    transact(this.#database, () => {
      this.#refuseWhenFull()
      const all = waiting.flatMap(({ messages }) => messages)
      for (const { message, packed } of all) this.#insert(message, packed)
      this.#statements.forget.run(this.#now() - DIGEST_RETENTION_MS, 2 * all.length + FORGET_ROWS)
    })
  }

  #now(): number {
    return (this.#options.now ?? Date.now)()
  }

  /**
   * Makes what was committed survive a power failure. SQLite would do the same within COMMIT, but on this thread: here the
   * event loop goes on, and publishes that arrive meanwhile share the next commit. What a checkpoint has moved out of the
   * journal by then, the checkpoint has synced.
   */
  async #sync(): Promise<void> {
    this.#journal ??= await openJournal(this.#options, this.#topic)
    await this.#journal.datasync()
  }

  #insert(message: Message, packed: Uint8Array): void {
    const { project, digest, spans, ...rest } = message.attributes
    const now = this.#now()
    if (this.#statements.claim.run(digestKey(digest), now).changes === 0) return
    this.#statements.count.run(project, 'accepted', spans)
    for (const [reason, count] of Object.entries(rest.rejected ?? {})) {
      this.#statements.count.run(project, `rejected:${reason}`, count)
    }
    if (this.#subscriptions.length === 0) return
    const { lastInsertRowid } = this.#statements.message.run(
      project,
      digest,
      spans,
      message.data.length,
      JSON.stringify(rest),
      packed,
      this.#subscriptions.length,
    )
    for (const subscription of this.#subscriptions) this.#statements.delivery.run(subscription, lastInsertRowid, now)
  }

  #refuseWhenFull(): void {
    const { bytes } = this.#statements.backlog.get() as { bytes: number }
    if (bytes < this.#options.maxBytes) return
    throw new SpanledgerError('bus/full', `the backlog of ${this.#topic} is full (${bytes} bytes); try again later`)
  }
}

function unavailable(cause: unknown): SpanledgerError {
  return new SpanledgerError('bus/unavailable', 'the queue could not be written; try again later', { cause })
}
