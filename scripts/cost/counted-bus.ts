import type { Bus } from '../../shared/bus/bus.ts'
import type { PubsubBus } from '../../shared/bus/pubsub-bus.ts'
import {
  type PubsubMessage,
  type PulledMessage,
  toIntakeRecord,
  toPubsubMessage,
  toStoredRecord,
} from '../../shared/bus/pubsub-message.ts'
import type { PubsubTopic } from '../../shared/bus/pubsub-names.ts'
import { deliver } from '../../shared/bus/pubsub-settle.ts'
import type { PubsubSource } from '../../shared/bus/pubsub-source.ts'
import { ASSUMPTIONS } from './assumptions.ts'
import type { Meter } from './meter.ts'

/** Pub/Sub bills at least so much for a request. */
const MIN_REQUEST_BYTES = 1000
/** Of each message: its time, and an id of the length that Pub/Sub gives. */
const MESSAGE_BYTES = 20 + 17
const MAX_PULL = 1000

/** What Pub/Sub bills of a message: its payload as it is sent, its attributes, its time and its id. */
export function billedBytes({ data, attributes }: PubsubMessage): number {
  const pairs = Object.entries(attributes)
  const text = pairs.reduce((sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(value), 0)
  return data.length + text + MESSAGE_BYTES
}

function countRequest(meter: Meter, messages: readonly PubsubMessage[]): void {
  const bytes = messages.reduce((sum, message) => sum + billedBytes(message), 0)
  meter.add('pubsub.bytes', Math.max(MIN_REQUEST_BYTES, bytes))
}

/** A bus that keeps what is published, as Pub/Sub would have it, for {@link CountedBus.take}. */
export interface CountedBus extends Bus, Pick<PubsubBus, 'enter'> {
  take(topic: PubsubTopic): PubsubMessage[]
  /** The model has no message that is given up: throws. */
  bury(message: PubsubMessage): Promise<void>
}

/** Publishes count as requests to Pub/Sub, one for each call, and one after it for the books' record of spans. */
export function createCountedBus(meter: Meter): CountedBus {
  const topics = new Map<PubsubTopic, PubsubMessage[]>()
  async function send(topic: PubsubTopic, messages: readonly PubsubMessage[]): Promise<void> {
    countRequest(meter, messages)
    topics.set(topic, [...(topics.get(topic) ?? []), ...messages])
    await meter.call(ASSUMPTIONS.latencyMs.pubsub)
  }
  return {
    async publish(topic, messages) {
      await send(topic, messages.map(toPubsubMessage))
      if (topic === 'spans') await send('intake', messages.map(toIntakeRecord))
    },
    enter: (entries) => send('intake', entries.map(toStoredRecord)),
    take(topic) {
      const messages = topics.get(topic) ?? []
      topics.delete(topic)
      return messages
    },
    bury: async ({ attributes }) => {
      throw new Error(`a message was given up: ${attributes.digest}`)
    },
    close: async () => {},
  }
}

/** The body of Pub/Sub's push of one message, which is billed as a request of its own. */
export function pushBody(meter: Meter, message: PubsubMessage): string {
  countRequest(meter, [message])
  const { data, attributes } = message
  return JSON.stringify({ message: { data: Buffer.from(data).toString('base64'), attributes, messageId: '1' } })
}

/** A subscription that is pulled as `shared/bus/pubsub-source.ts` pulls it: until two pulls in a row bring nothing. */
export function createCountedSource(meter: Meter, waiting: () => PubsubMessage[]): Omit<PubsubSource, 'close'> {
  async function pull(messages: readonly PubsubMessage[]): Promise<void> {
    countRequest(meter, messages)
    await meter.call(ASSUMPTIONS.latencyMs.pubsub)
  }
  async function gather(): Promise<PulledMessage[]> {
    const messages = waiting()
    for (let at = 0; at < messages.length; at += MAX_PULL) await pull(messages.slice(at, at + MAX_PULL))
    await pull([])
    await pull([])
    return messages.map((message, index) => {
      const id = String(index)
      return { ...message, id, messageId: id, attempt: 1, publishedAt: 0 }
    })
  }
  const settle = () => meter.call(ASSUMPTIONS.latencyMs.pubsub)
  return {
    gather,
    settle,
    async drain(options) {
      let acked = 0
      for (;;) {
        const deliveries = await gather()
        if (deliveries.length === 0) return { acked, nacked: 0, empty: true }
        const settled = await deliver(deliveries, { ...options, subscription: 'lake' })
        if (settled.includes('nack')) throw new Error('the lake did not take a message')
        await settle()
        acked += settled.length
      }
    },
  }
}
