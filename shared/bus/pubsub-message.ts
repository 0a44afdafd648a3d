import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import type { BookEntry } from '../books.ts'
import { SpanledgerError } from '../errors.ts'
import { type Delivery, MAX_MESSAGE_BYTES, type Message, type MessageAttributes } from './bus.ts'
import { PUBSUB_SUBSCRIPTIONS, type PubsubSubscription } from './pubsub-names.ts'

/** A message as Pub/Sub has it. */
export interface PubsubMessage {
  readonly data: Uint8Array
  readonly attributes: Readonly<Record<string, string>>
}

/** A message as Pub/Sub delivers it, not yet checked. */
export interface PubsubDelivery extends PubsubMessage {
  readonly id: string
  readonly attempt: number
}

/** A message as it is pulled. */
export interface PulledMessage extends PubsubDelivery {
  /** The same at every delivery. */
  readonly messageId: string
  /** Milliseconds since 1970. */
  readonly publishedAt: number
}

/** Payloads below this are billed as if they were as long. */
const MIN_COMPRESSED_BYTES = 1000
/** `price` may exceed {@link MAX_MESSAGE_BYTES} by the attributes of one span. */
const MAX_PAYLOAD_BYTES = MAX_MESSAGE_BYTES + 1024 * 1024
const MAX_REASON = 1000
const LEVEL_1 = { params: { [constants.ZSTD_c_compressionLevel]: 1 } }

/**
 * A message for Pub/Sub, which bills by the byte on both sides: the payload is zstd when that is smaller, and the attribute
 * `encoding` then says so.
 */
export function toPubsubMessage({ data, attributes }: Message): PubsubMessage {
  const packed = data.length < MIN_COMPRESSED_BYTES ? data : zstdCompressSync(data, LEVEL_1)
  const compressed = packed.length < data.length
  return {
    data: compressed ? packed : data,
    attributes: {
      project: attributes.project,
      digest: attributes.digest,
      spans: String(attributes.spans),
      ingestedAt: attributes.ingestedAt,
      traceparent: attributes.traceparent,
      ...(attributes.keyId !== undefined && { keyId: attributes.keyId }),
      ...(attributes.rejected !== undefined && { rejected: JSON.stringify(attributes.rejected) }),
      ...(compressed && { encoding: 'zstd' }),
    },
  }
}

/** What is kept of a message for the books: all but what it carries. */
export function toIntakeRecord({ attributes }: Message): PubsubMessage {
  return toPubsubMessage({ data: new Uint8Array(), attributes })
}

/** What tells the books that a subscription has stored spans of a message: read again by `bookEntries`. */
export function toStoredRecord({ project, digest, spans, subscription, at }: BookEntry): PubsubMessage {
  const ingestedAt = (BigInt(Math.floor(at)) * 1_000_000n).toString()
  const { attributes } = toIntakeRecord({
    data: new Uint8Array(),
    attributes: { project, digest, spans, ingestedAt, traceparent: '' },
  })
  return { data: new Uint8Array(), attributes: { ...attributes, stored: subscription } }
}

/** A message for the dead-letter topic, by which it can be delivered again to the subscription that gave it up. */
export function toDeadLetter(delivery: PubsubMessage, subscription: string, reason: string): PubsubMessage {
  return {
    data: delivery.data,
    attributes: { ...delivery.attributes, deadSubscription: subscription, deadReason: reason.slice(0, MAX_REASON) },
  }
}

/** Who gave a dead letter up, and why. */
export interface Death {
  readonly subscription: PubsubSubscription
  readonly reason: string
}

/** What the attributes of a dead letter say, ours or those of Pub/Sub itself; undefined for any other message. */
export function readDeath({ attributes }: PubsubMessage, prefix: string): Death | undefined {
  const {
    deadSubscription,
    deadReason = '',
    CloudPubSubDeadLetterSourceSubscription: source = '',
    CloudPubSubDeadLetterSourceDeliveryCount: tries = 'many',
  } = attributes
  const own = source.slice(source.lastIndexOf('/') + 1).replace(new RegExp(`^${prefix}-`), '')
  const subscription = deadSubscription ?? own
  if (!Object.hasOwn(PUBSUB_SUBSCRIPTIONS, subscription)) return undefined
  const reason = deadSubscription === undefined ? `not taken in ${tries} deliveries` : deadReason
  return { subscription: subscription as PubsubSubscription, reason }
}

/** A dead letter as it was before, but for the one subscription that gave it up: the others of its topic have taken it. */
export function toReplay({ data, attributes }: PubsubMessage, subscription: PubsubSubscription): PubsubMessage {
  const own = Object.entries(attributes).filter(([name]) => !/^(dead[A-Z]|CloudPubSubDeadLetter)/.test(name))
  return { data, attributes: { ...Object.fromEntries(own), only: subscription } }
}

/** The inverse of {@link toPubsubMessage}. Throws `otlp/malformed` for what no publisher of ours sent. */
export function fromPubsubMessage({ id, attempt, data, attributes }: PubsubDelivery): Delivery {
  return { id, attempt, data: unpack(data, attributes.encoding), attributes: parseAttributes(attributes) }
}

function unpack(data: Uint8Array, encoding: string | undefined): Uint8Array {
  if (encoding === undefined) return data
  if (encoding !== 'zstd') throw malformed(`its encoding is ${JSON.stringify(encoding)}, not zstd`)
  try {
    return zstdDecompressSync(data, { maxOutputLength: MAX_PAYLOAD_BYTES })
  } catch (cause) {
    throw malformed('its payload is not zstd, or too large', cause)
  }
}

function parseAttributes(given: Readonly<Record<string, string>>): MessageAttributes {
  const { project = '', digest = '', spans = '', ingestedAt = '', traceparent = '', keyId, rejected } = given
  if (project === '') throw malformed('it has no project')
  if (!/^[0-9a-f]{64}(\.[a-z]?\d+)*$/.test(digest)) throw malformed('it has no digest')
  if (!/^\d{1,9}$/.test(spans)) throw malformed('it has no count of spans')
  if (!/^\d{1,19}$/.test(ingestedAt)) throw malformed('it has no time')
  const sender = keyId === undefined ? {} : { keyId }
  const common = { project, digest, spans: Number(spans), ingestedAt, traceparent, ...sender }
  return rejected === undefined ? common : { ...common, rejected: parseCounts(rejected) }
}

function parseCounts(text: string): Record<string, number> {
  let counts: unknown
  try {
    counts = JSON.parse(text)
  } catch (cause) {
    throw malformed('its rejections are not JSON', cause)
  }
  const entries = typeof counts === 'object' && counts !== null ? Object.entries(counts) : [['', '']]
  if (!entries.every(([, count]) => Number.isSafeInteger(count) && count >= 0))
    throw malformed('its rejections are no counts')
  return Object.fromEntries(entries)
}

function malformed(what: string, cause?: unknown): SpanledgerError {
  return new SpanledgerError('otlp/malformed', `a message on the bus cannot be read: ${what}`, { cause })
}
