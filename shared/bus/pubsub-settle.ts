import { describeError } from '../errors.ts'
import type { Log } from '../log.ts'
import { ACK, type Delivery, type Outcome, type Subscriber, type Subscription } from './bus.ts'
import type { PubsubBus } from './pubsub-bus.ts'
import { fromPubsubMessage, type PubsubDelivery } from './pubsub-message.ts'

export interface DeliverOptions {
  readonly subscription: Subscription
  readonly subscriber: Subscriber
  readonly bus: Pick<PubsubBus, 'bury'>
  readonly log?: Log
}

/** What to tell Pub/Sub: never again, or later again. */
export type Settlement = 'ack' | 'nack'

/**
 * Gives Pub/Sub's messages to a subscriber. One that cannot be read, or that the subscriber calls dead, is acknowledged only
 * once the dead-letter topic has it. Never rejects.
 */
export async function deliver(messages: readonly PubsubDelivery[], options: DeliverOptions): Promise<Settlement[]> {
  const { subscriber, subscription, bus, log } = options
  const read = messages.map((message) => readMessage(message, subscription))
  const deliveries = read.filter((item): item is Delivery => 'data' in item)
  const handled = await handle(subscriber, deliveries, log)
  const outcomes = handled.values()
  return Promise.all(
    read.map(async (item, index) => {
      const outcome = 'data' in item ? (outcomes.next().value as Outcome) : item
      if (outcome.kind === 'ack') return 'ack'
      log?.warn({ outcome: outcome.kind, reason: outcome.reason }, 'message was not taken')
      if (outcome.kind === 'retry') return 'nack'
      try {
        await bus.bury(messages[index] as PubsubDelivery, subscription, outcome.reason)
        return 'ack'
      } catch (error) {
        log?.error({ reason: describeError(error) }, 'message could not be dead-lettered')
        return 'nack'
      }
    }),
  )
}

function readMessage(message: PubsubDelivery, subscription: Subscription): Delivery | Outcome {
  const { only = subscription } = message.attributes
  if (only !== subscription) return ACK
  try {
    return fromPubsubMessage(message)
  } catch (error) {
    return { kind: 'dead', reason: describeError(error) }
  }
}

async function handle(
  subscriber: Subscriber,
  deliveries: readonly Delivery[],
  log: Log | undefined,
): Promise<readonly Outcome[]> {
  if (deliveries.length === 0) return []
  try {
    const outcomes = await subscriber.handle(deliveries)
    if (outcomes.length === deliveries.length) return outcomes
    throw new Error('the subscriber did not answer for each delivery')
  } catch (error) {
    log?.error({ err: error, deliveries: deliveries.length }, 'subscriber failed')
    return deliveries.map(() => ({ kind: 'retry', reason: describeError(error) }))
  }
}
