import { describeError } from '../errors.ts'
import { retrying } from '../retry.ts'
import type { Subscription } from './bus.ts'
import { createSubscriberClient, isTransient, type PubsubOptions, unavailable } from './pubsub-client.ts'
import type { PulledMessage } from './pubsub-message.ts'
import { type PubsubSubscription, subscriptionPath } from './pubsub-names.ts'
import { type DeliverOptions, deliver, type Settlement } from './pubsub-settle.ts'

/** How much is taken at a time. */
export interface GatherOptions {
  readonly maxMessages: number
  readonly maxBytes: number
}

/** How much one pull takes, and how long draining may go on. */
export interface DrainOptions extends Omit<DeliverOptions, 'subscription'>, GatherOptions {
  /** Milliseconds since 1970 after which no further pull is made. */
  readonly deadline: number
  /** Milliseconds since 1970. */
  readonly now?: () => number
}

/** What a drain did. */
export interface DrainReport {
  readonly acked: number
  readonly nacked: number
  /** Whether nothing waited when it ended. */
  readonly empty: boolean
}

/** A subscription that is pulled instead of pushed. All reject with `bus/unavailable`. */
export interface PubsubSource {
  /** What waits, up to the bounds; it comes back unless it is acknowledged before its deadline. None: nothing waits. */
  gather(options: GatherOptions): Promise<PulledMessage[]>
  /** Acknowledges messages by their ids, or lets them come back at once. */
  settle(ids: readonly string[], kind: Settlement): Promise<void>
  /**
   * Pulls and handles until nothing waits or the deadline is near. Stops when a whole pull was refused: the sink is down, and
   * the next run is soon enough. The subscription must be one of the bus.
   */
  drain(options: DrainOptions): Promise<DrainReport>
  close(): Promise<void>
}

/** Pub/Sub returns at most this many messages a pull, and is wont to return fewer than wait. */
const MAX_PULL = 1_000
const MAX_ACKS = 1_000
const PULL_TIMEOUT_MS = 20_000
/** Empty pulls in a row after which nothing waits. */
const EMPTY_PULLS = 2

export async function openPubsubSource(
  options: PubsubOptions & { readonly subscription: PubsubSubscription },
): Promise<PubsubSource> {
  const client = await createSubscriberClient(options)
  const subscription = subscriptionPath(options, options.subscription)
  const attempt = async <T>(what: string, call: () => Promise<T>): Promise<T> => {
    try {
      return await retrying(call, isTransient, options.retry)
    } catch (error) {
      throw unavailable(`${what} ${subscription}`, error)
    }
  }

  async function pull(maxMessages: number): Promise<PulledMessage[]> {
    const request = { subscription, maxMessages, returnImmediately: true }
    const [{ receivedMessages }] = await attempt('pull from', () =>
      client.pull(request, { retry: null, timeout: PULL_TIMEOUT_MS }),
    )
    return (receivedMessages ?? []).map(({ ackId, message, deliveryAttempt }) => ({
      id: ackId ?? '',
      attempt: Math.max(1, deliveryAttempt ?? 1),
      data: (message?.data ?? new Uint8Array()) as Uint8Array,
      attributes: message?.attributes ?? {},
      messageId: message?.messageId ?? '',
      publishedAt: Number(message?.publishTime?.seconds ?? 0) * 1000 + (message?.publishTime?.nanos ?? 0) / 1e6,
    }))
  }

  /** Takes up to the bounds: several pulls, since one returns little. */
  async function gather({ maxMessages, maxBytes }: GatherOptions): Promise<PulledMessage[]> {
    const gathered: PulledMessage[] = []
    let bytes = 0
    for (let empty = 0; empty < EMPTY_PULLS && gathered.length < maxMessages && bytes < maxBytes; ) {
      const messages = await pull(Math.min(MAX_PULL, maxMessages - gathered.length))
      gathered.push(...messages)
      bytes += messages.reduce((sum, { data }) => sum + data.length, 0)
      empty = messages.length === 0 ? empty + 1 : 0
    }
    return gathered
  }

  async function settle(ids: readonly string[], kind: Settlement): Promise<void> {
    for (let start = 0; start < ids.length; start += MAX_ACKS) {
      const ackIds = ids.slice(start, start + MAX_ACKS)
      if (kind === 'ack')
        await attempt('acknowledge to', () => client.acknowledge({ subscription, ackIds }, { retry: null }))
      else
        await attempt('return to', () =>
          client.modifyAckDeadline({ subscription, ackIds, ackDeadlineSeconds: 0 }, { retry: null }),
        )
    }
  }

  return {
    gather,
    settle,
    async drain(given) {
      const { now = Date.now, deadline, log } = given
      let acked = 0
      let nacked = 0
      while (now() < deadline) {
        const messages = await gather(given)
        if (messages.length === 0) return { acked, nacked, empty: true }
        const settlements = await deliver(messages, { ...given, subscription: options.subscription as Subscription })
        const ids = (kind: Settlement) => messages.flatMap(({ id }, index) => (settlements[index] === kind ? [id] : []))
        await settle(ids('ack'), 'ack')
        // What cannot be returned comes back by itself, later.
        await settle(ids('nack'), 'nack').catch((error: unknown) => log?.warn(describeError(error)))
        acked += ids('ack').length
        nacked += ids('nack').length
        if (ids('ack').length === 0) break
      }
      return { acked, nacked, empty: false }
    },
    close: () => client.close(),
  }
}
