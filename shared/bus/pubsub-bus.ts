import type { BookEntry } from '../books.ts'
import { SpanledgerError } from '../errors.ts'
import { retrying } from '../retry.ts'
import { type Bus, type Subscription, TOPICS } from './bus.ts'
import { createPublisherClient, isTransient, type PubsubOptions, unavailable } from './pubsub-client.ts'
import {
  type PubsubMessage,
  toDeadLetter,
  toIntakeRecord,
  toPubsubMessage,
  toReplay,
  toStoredRecord,
} from './pubsub-message.ts'
import { PUBSUB_SUBSCRIPTIONS, type PubsubSubscription, topicPath } from './pubsub-names.ts'

export interface PubsubBusOptions extends PubsubOptions {
  /** Unacknowledged bytes at which publishing rejects with `bus/full`. @defaultValue 64 MiB */
  readonly maxOutstandingBytes?: number
}

/** The publishing side on Pub/Sub, and the topic of what was given up. Each rejects with `bus/unavailable`. */
export interface PubsubBus extends Bus {
  /** Keeps a message that `subscription` will not be given again. */
  bury(message: PubsubMessage, subscription: Subscription, reason: string): Promise<void>
  /** Tells the books what has been stored: durable when it resolves, and in the books with the next run of theirs. */
  enter(entries: readonly BookEntry[]): Promise<void>
  /** Delivers a dead letter again, to `subscription` alone; the books are told. */
  replay(message: PubsubMessage, subscription: PubsubSubscription): Promise<void>
}

/** Of one request: Pub/Sub refuses more than 10 MB or 1,000 messages. */
const MAX_REQUEST_BYTES = 9_500_000
const MAX_REQUEST_MESSAGES = 1_000
/** What a message's attributes and framing may add. */
const MESSAGE_OVERHEAD = 2_048
const PUBLISH_TIMEOUT_MS = 15_000

interface Waiting {
  readonly message: PubsubMessage
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/**
 * The publishing side of the bus on Pub/Sub. Messages published in one turn of the event loop share requests. Ordering is off:
 * no consumer needs it, and it would cap throughput.
 */
export async function openPubsubBus(options: PubsubBusOptions): Promise<PubsubBus> {
  const client = await createPublisherClient(options)
  const { maxOutstandingBytes = 64 * 1024 * 1024 } = options
  const queues = new Map<string, Waiting[]>()
  const pending = new Set<Promise<void>>()
  let outstanding = 0
  let closed = false

  async function send(topic: string, messages: readonly PubsubMessage[]): Promise<void> {
    const bytes = messages.reduce((sum, message) => sum + sizeOf(message), 0)
    if (closed) throw new SpanledgerError('bus/closed', 'the bus is closed')
    if (outstanding > 0 && outstanding + bytes > maxOutstandingBytes)
      throw new SpanledgerError('bus/full', 'Pub/Sub does not keep up: try again later')
    outstanding += bytes
    try {
      const results = await Promise.allSettled(messages.map((message) => enqueue(topic, message)))
      const failed = results.find((result) => result.status === 'rejected')
      if (failed !== undefined) throw failed.reason
    } finally {
      outstanding -= bytes
    }
  }

  function enqueue(topic: string, message: PubsubMessage): Promise<void> {
    return new Promise((resolve, reject) => {
      const queue = queues.get(topic)
      if (queue !== undefined) return void queue.push({ message, resolve, reject })
      queues.set(topic, [{ message, resolve, reject }])
      setImmediate(() => flush(topic))
    })
  }

  function flush(topic: string): void {
    const queue = queues.get(topic) ?? []
    queues.delete(topic)
    for (const request of chunks(queue)) {
      const sent = publish(topic, request).finally(() => pending.delete(sent))
      pending.add(sent)
    }
  }

  async function publish(topic: string, request: readonly Waiting[]): Promise<void> {
    const messages = request.map(({ message }) => ({ ...message }))
    try {
      // The client would join requests of its own accord, and not ask whether they are too large together.
      const call = () =>
        client.publish({ topic, messages }, { retry: null, timeout: PUBLISH_TIMEOUT_MS, isBundling: false })
      await retrying(call, isTransient, options.retry)
      for (const { resolve } of request) resolve()
    } catch (error) {
      const failure = unavailable(`publish to ${topic}`, error)
      for (const { reject } of request) reject(failure)
    }
  }

  return {
    async publish(topic, messages) {
      if (!TOPICS.includes(topic)) throw new SpanledgerError('bus/unavailable', `there is no topic ${topic}`)
      await send(topicPath(options, topic), messages.map(toPubsubMessage))
      // After it: what the books have was durable. A client that is not told so sends both again.
      if (topic === 'spans') await send(topicPath(options, 'intake'), messages.map(toIntakeRecord))
    },
    bury: (message, subscription, reason) =>
      send(topicPath(options, 'dead-letter'), [toDeadLetter(message, subscription, reason)]),
    enter: (entries) => send(topicPath(options, 'intake'), entries.map(toStoredRecord)),
    async replay(message, subscription) {
      const again = toReplay(message, subscription)
      await send(topicPath(options, PUBSUB_SUBSCRIPTIONS[subscription]), [again])
      const { encoding: _, ...attributes } = again.attributes
      await send(topicPath(options, 'intake'), [
        { data: new Uint8Array(), attributes: { ...attributes, replayed: subscription } },
      ])
    },
    async close() {
      closed = true
      for (const topic of queues.keys()) flush(topic)
      await Promise.all(pending)
      await client.close()
    },
  }
}

function sizeOf({ data }: PubsubMessage): number {
  return data.length + MESSAGE_OVERHEAD
}

/** Splits what waits into requests that Pub/Sub takes. */
function chunks(waiting: readonly Waiting[]): Waiting[][] {
  const requests: Waiting[][] = []
  let bytes = Number.POSITIVE_INFINITY
  for (const item of waiting) {
    const size = sizeOf(item.message)
    const current = requests.at(-1)
    if (current === undefined || bytes + size > MAX_REQUEST_BYTES || current.length >= MAX_REQUEST_MESSAGES) {
      requests.push([item])
      bytes = size
    } else {
      current.push(item)
      bytes += size
    }
  }
  return requests
}
