import { createHash } from 'node:crypto'
import { deflateRawSync, inflateRawSync } from 'node:zlib'
import type { Firestore, Transaction } from '@google-cloud/firestore'
import { describeError, SpanledgerError } from '../errors.ts'
import { traceEntryFromJson, traceEntryToJson } from './trace-entry-json.ts'
import type { TraceEntry, TraceKey, TraceStateStore } from './trace-state.ts'

export interface FirestoreTraceStateOptions {
  /** Closed with the store. */
  readonly firestore: Firestore
  /** Its documents go when their `expireAt` has passed, if the collection has that time to live. @defaultValue `traces` */
  readonly collection?: string
  /** Milliseconds since 1970. */
  readonly now?: () => number
}

/** How many values a query may be asked for at once. */
const MAX_IN = 30
/** What a document can hold, less its other fields. An entry that does not fit is not kept. */
const MAX_BODY_BYTES = 1_000_000
const KEEP_MS = 24 * 60 * 60 * 1000

/**
 * {@link TraceStateStore} in Firestore: a document for each message and trace, one query for thirty traces. Documents expire
 * by themselves, and an instance that starts does not ask what is kept: that would cost more than it saves.
 */
export function openFirestoreTraceState(options: FirestoreTraceStateOptions): TraceStateStore {
  const { firestore, collection = 'traces', now = Date.now } = options
  const entries = firestore.collection(collection)

  async function read(transaction: Transaction, names: readonly string[]): Promise<Map<string, TraceEntry[]>> {
    const known = new Map<string, TraceEntry[]>()
    for (let from = 0; from < names.length; from += MAX_IN) {
      const { docs } = await transaction.get(entries.where('trace', 'in', names.slice(from, from + MAX_IN)))
      for (const doc of docs) {
        const entry = traceEntryFromJson(inflateRawSync(doc.get('body')).toString())
        known.set(doc.get('trace'), [...(known.get(doc.get('trace')) ?? []), entry])
      }
    }
    return known
  }

  return {
    transact: async (keys, decide) => {
      try {
        return await firestore.runTransaction(async (transaction) => {
          const known = await read(transaction, [...new Set(keys.map(traceName))])
          const { append, result } = decide((key) => known.get(traceName(key)) ?? [])
          for (const { entries: added, ...key } of append)
            for (const entry of added) {
              const body = deflateRawSync(traceEntryToJson(entry))
              if (body.length > MAX_BODY_BYTES) continue
              const trace = traceName(key)
              transaction.set(entries.doc(hash(trace, entry.digest)), {
                trace,
                body,
                expireAt: new Date(now() + KEEP_MS),
              })
            }
          return result
        })
      } catch (error) {
        throw new SpanledgerError('store/unavailable', `trace state: ${describeError(error)}`, { cause: error })
      }
    },
    keys: async () => [],
    prune: async () => {},
    close: () => firestore.terminate(),
  }
}

function traceName({ project, traceId }: TraceKey): string {
  return hash(project, traceId)
}

function hash(...parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex')
}
