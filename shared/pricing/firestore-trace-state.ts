import { createHash } from 'node:crypto'
import { deflateRawSync, inflateRawSync } from 'node:zlib'
import type { DocumentSnapshot, Firestore, Transaction } from '@google-cloud/firestore'
import { within } from '../deadline.ts'
import { describeError, SpanledgerError } from '../errors.ts'
import { traceEntryFromJson, traceEntryToJson } from './trace-entry-json.ts'
import type { TraceAppend, TraceEntry, TraceKey, TraceStateStore } from './trace-state.ts'

export interface FirestoreTraceStateOptions {
  /** Closed with the store. */
  readonly firestore: Firestore
  /** Its documents go when their `expireAt` has passed, if the collection has that time to live. @defaultValue `traces` */
  readonly collection?: string
  /** Milliseconds since 1970. */
  readonly now?: () => number
  /** How long an answer is waited for, in milliseconds: Firestore's client itself tries for minutes. @defaultValue 20,000 */
  readonly deadlineMs?: number
}

/** How many values a query may be asked for at once. */
const MAX_IN = 30
/** Most bytes of a body in one document, which holds 1 MiB with the names of its traces: a longer one goes on in others. */
const MAX_BODY_BYTES = 900_000
const KEEP_MS = 24 * 60 * 60 * 1000

/** What a transaction appends, whole or a part of it: its traces' names, and their entries as deflated JSON. */
interface RecordPart {
  readonly traces: readonly string[]
  readonly record: string
  readonly part: number
  readonly body: Uint8Array
  readonly expireAt: Date
}

/**
 * {@link TraceStateStore} in Firestore. All that a transaction appends is one document, found by the names of its traces;
 * thirty traces are one query, billed as one read where nothing is kept of them. Documents expire by themselves.
 */
export function openFirestoreTraceState(options: FirestoreTraceStateOptions): TraceStateStore {
  const { firestore, collection = 'traces', now = Date.now, deadlineMs = 20_000 } = options
  const documents = firestore.collection(collection)

  async function read(transaction: Transaction, names: readonly string[]): Promise<Map<string, TraceEntry[]>> {
    const chunks = Array.from({ length: Math.ceil(names.length / MAX_IN) }, (_, n) =>
      names.slice(n * MAX_IN, (n + 1) * MAX_IN),
    )
    const answers = await Promise.all(
      chunks.map((chunk) => transaction.get(documents.where('traces', 'array-contains-any', chunk))),
    )
    const parts = new Map(answers.flatMap(({ docs }) => docs.map((doc) => [doc.id, doc])))
    const wanted = new Set(names)
    const known = new Map<string, TraceEntry[]>()
    for (const record of Map.groupBy(parts.values(), (doc) => doc.get('record') as string).values())
      for (const [name, text] of readRecord(record)) {
        if (!wanted.has(name)) continue
        const entries = known.get(name) ?? []
        entries.push(traceEntryFromJson(text))
        known.set(name, entries)
      }
    return known
  }

  function write(transaction: Transaction, append: readonly TraceAppend[]): void {
    const entries = append.map(({ entry, ...key }) => [traceName(key), traceEntryToJson(entry)] as const)
    const traces = [...new Set(entries.map(([name]) => name))]
    const record = hash(...append.map(({ entry, ...key }) => traceName(key) + entry.digest))
    const body = deflateRawSync(JSON.stringify(entries), { level: 1 })
    const expireAt = new Date(now() + KEEP_MS)
    for (let part = 0; part * MAX_BODY_BYTES < body.length; part++) {
      const piece = body.subarray(part * MAX_BODY_BYTES, (part + 1) * MAX_BODY_BYTES)
      const fields: RecordPart = { traces, record, part, body: piece, expireAt }
      transaction.set(documents.doc(`${record}.${part}`), { ...fields })
    }
  }

  return {
    transact: async (keys, decide) => {
      try {
        return await within(deadlineMs, () =>
          firestore.runTransaction(async (transaction) => {
            const known = await read(transaction, [...new Set(keys.map(traceName))])
            const { append, result } = decide((key) => known.get(traceName(key)) ?? [])
            if (append.length > 0) write(transaction, append)
            return result
          }),
        )
      } catch (error) {
        throw new SpanledgerError('store/unavailable', `trace state: ${describeError(error)}`, { cause: error })
      }
    },
    prune: async () => {},
    close: () => firestore.terminate(),
  }
}

/** The entries of a record by trace name; all of its parts name the same traces, so that they come together. */
function readRecord(parts: readonly DocumentSnapshot[]): readonly (readonly [string, string])[] {
  const bodies = parts.toSorted((a, b) => a.get('part') - b.get('part')).map((part) => part.get('body') as Uint8Array)
  return JSON.parse(inflateRawSync(Buffer.concat(bodies)).toString())
}

function traceName({ project, traceId }: TraceKey): string {
  return hash(project, traceId)
}

/** 128 bits are enough to tell traces apart, and short in an index. */
function hash(...parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url').slice(0, 22)
}
