import { createHash } from 'node:crypto'
import { deflateRawSync, inflateRawSync } from 'node:zlib'
import type { DocumentSnapshot, Firestore, QueryDocumentSnapshot, Transaction } from '@google-cloud/firestore'
import { within } from '../deadline.ts'
import { describeError, SpanledgerError } from '../errors.ts'
import { createTurns } from '../turns.ts'
import { traceEntryFromJson, traceEntryToJson } from './trace-entry-json.ts'
import { KEEP_MS, type TraceAppend, type TraceKey, type TraceStateStore } from './trace-state.ts'

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

/** A trace in more records than this is gathered into one: else each further message of a long trace would read them all. */
const MAX_RECORDS = 32

/** What a transaction appends, whole or a part of it: its traces' names, and their entries as deflated JSON. */
interface RecordPart {
  /** Those that are to be found here: a trace that has been gathered is not, though the body has it. */
  readonly traces: readonly string[]
  readonly record: string
  readonly part: number
  readonly parts: number
  readonly body: Uint8Array
  readonly expireAt: Date
}

/** A trace's name and one entry of it as text. */
type NamedEntry = readonly [name: string, entry: string]

/** What is kept of a trace, and in which documents, by record. */
interface Kept {
  readonly entries: string[]
  readonly records: Map<string, readonly QueryDocumentSnapshot[]>
}

/**
 * {@link TraceStateStore} in Firestore. All that a transaction appends is one document, found by the names of its traces;
 * thirty traces are one query, billed as one read where nothing is kept of them. Documents expire by themselves.
 *
 * Two transactions that have read the same trace wait for each other until Firestore ends one of them, which takes it seconds:
 * so those of one store take turns, and only other instances are in each other's way.
 */
export function openFirestoreTraceState(options: FirestoreTraceStateOptions): TraceStateStore {
  const { firestore, collection = 'traces', now = Date.now, deadlineMs = 20_000 } = options
  const documents = firestore.collection(collection)
  const inTurn = createTurns()

  async function read(transaction: Transaction, names: readonly string[]): Promise<Map<string, Kept>> {
    const chunks = Array.from({ length: Math.ceil(names.length / MAX_IN) }, (_, n) =>
      names.slice(n * MAX_IN, (n + 1) * MAX_IN),
    )
    const answers = await Promise.all(
      chunks.map((chunk) => transaction.get(documents.where('traces', 'array-contains-any', chunk))),
    )
    const parts = new Map(answers.flatMap(({ docs }) => docs.map((doc) => [doc.id, doc])))
    const known = new Map(names.map((name): [string, Kept] => [name, { entries: [], records: new Map() }]))
    for (const [record, docs] of Map.groupBy(parts.values(), (doc) => doc.get('record') as string)) {
      const traces = new Set(docs[0]!.get('traces') as string[])
      for (const [name, entry] of readRecord(docs)) {
        const kept = traces.has(name) ? known.get(name) : undefined
        kept?.entries.push(entry)
        kept?.records.set(record, docs)
      }
    }
    return known
  }

  function write(transaction: Transaction, record: string, entries: readonly NamedEntry[]): void {
    const traces = [...new Set(entries.map(([name]) => name))]
    const body = deflateRawSync(JSON.stringify(entries), { level: 1 })
    const expireAt = new Date(now() + KEEP_MS)
    const parts = Math.ceil(body.length / MAX_BODY_BYTES)
    for (let part = 0; part < parts; part++) {
      const piece = body.subarray(part * MAX_BODY_BYTES, (part + 1) * MAX_BODY_BYTES)
      const fields: RecordPart = { traces, record, part, parts, body: piece, expireAt }
      transaction.set(documents.doc(`${record}.${part}`), { ...fields })
    }
  }

  /** Writes what is kept of a trace in many records as one, and has the others found no more by its name. */
  function gather(transaction: Transaction, known: ReadonlyMap<string, Kept>): void {
    const long = [...known].filter(([, { records }]) => records.size > MAX_RECORDS)
    const gathered = new Map<QueryDocumentSnapshot, string[]>()
    for (const [name, { entries, records }] of long) {
      const named = entries.map((entry): NamedEntry => [name, entry])
      write(transaction, hash(name, ...records.keys()), named)
      for (const doc of [...records.values()].flat()) gathered.set(doc, [...(gathered.get(doc) ?? []), name])
    }
    for (const [doc, names] of gathered) {
      const traces = (doc.get('traces') as string[]).filter((name) => !names.includes(name))
      transaction.set(doc.ref, { traces }, { merge: true })
    }
  }

  return {
    transact: async (keys, decide, ready) => {
      const names = [...new Set(keys.map(traceName))]
      // It may fail before its turn has come, while nobody waits for it.
      ready?.catch(() => {})
      const transact = () =>
        firestore.runTransaction(async (transaction) => {
          const [known] = await Promise.all([read(transaction, names), ready])
          const entries = new Map(Array.from(known, ([name, kept]) => [name, kept.entries.map(traceEntryFromJson)]))
          const { append, result } = decide((key) => entries.get(traceName(key)) ?? [])
          gather(transaction, known)
          if (append.length > 0) write(transaction, recordOf(append), append.map(toNamedEntry))
          return result
        })
      const until = performance.now() + deadlineMs
      try {
        return await within(deadlineMs, () =>
          inTurn(names, async () => {
            if (performance.now() > until) throw new Error('given up while it waited for its turn')
            return await transact()
          }),
        )
      } catch (error) {
        throw new SpanledgerError('store/unavailable', `trace state: ${describeError(error)}`, { cause: error })
      }
    },
    close: () => firestore.terminate(),
  }
}

/** The entries of a record; none if some of its parts have expired before the others. */
function readRecord(parts: readonly DocumentSnapshot[]): readonly NamedEntry[] {
  if (parts.length < parts[0]!.get('parts')) return []
  const bodies = parts.toSorted((a, b) => a.get('part') - b.get('part')).map((part) => part.get('body') as Uint8Array)
  return JSON.parse(inflateRawSync(Buffer.concat(bodies)).toString())
}

function toNamedEntry({ entry, ...key }: TraceAppend): NamedEntry {
  return [traceName(key), traceEntryToJson(entry)]
}

function recordOf(append: readonly TraceAppend[]): string {
  return hash(...append.map(({ entry, ...key }) => traceName(key) + entry.digest))
}

function traceName({ project, traceId }: TraceKey): string {
  return hash(project, traceId)
}

/** 128 bits are enough to tell traces apart, and short in an index. */
function hash(...parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url').slice(0, 22)
}
