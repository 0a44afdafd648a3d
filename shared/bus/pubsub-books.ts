import type { BookEntry } from '../books.ts'
import { fromPubsubMessage, type PulledMessage, readDeath } from './pubsub-message.ts'

/**
 * What a message on `intake` or `dead-letter` has for the books, in whichever of the two it came. Throws `otlp/malformed` for
 * what no publisher of ours sent.
 */
export function bookEntries(message: PulledMessage, prefix: string): BookEntry[] {
  const { encoding: _, replayed, stored, ...attributes } = message.attributes
  const read = fromPubsubMessage({ ...message, attributes, data: new Uint8Array() }).attributes
  const { project, digest, spans, ingestedAt, rejected = {} } = read
  const common = { project, digest, spans, subscription: '', reason: '', at: message.publishedAt }
  if (replayed !== undefined) return [{ ...common, kind: 'replayed', subscription: replayed }]
  if (stored !== undefined)
    return [{ ...common, kind: 'stored', subscription: stored, at: Number(BigInt(ingestedAt) / 1_000_000n) }]
  const death = readDeath(message, prefix)
  if (death !== undefined) return [{ ...common, ...death, kind: 'dead' }]
  const refusals = Object.entries(rejected).map(
    ([reason, count]): BookEntry => ({ ...common, kind: 'rejected', reason, spans: count }),
  )
  return [{ ...common, kind: 'accepted' }, ...refusals]
}
