import { randomInt } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  type CollectionReference,
  type DocumentReference,
  FieldValue,
  type Firestore,
  type Timestamp,
} from '@google-cloud/firestore'
import { within } from '../../deadline.ts'
import { isSpanledgerError, SpanledgerError } from '../../errors.ts'

/** gRPC's codes for: it is more than Firestore takes, it exists already, it has changed meanwhile, another has gone first. */
const INVALID_ARGUMENT = 3
const ALREADY_EXISTS = 6
const FAILED_PRECONDITION = 9
const ABORTED = 10

/** Tries before a caller is told that the ledger is too busy. */
const TRIES = 40
const MAX_PAUSE_MS = 250

type Fields = Record<string, unknown>

/** Documents read and to be written together. Changes are seen by later reads of the same workspace. */
export interface Workspace {
  get(ref: DocumentReference): Promise<Fields | undefined>
  getAll(refs: readonly DocumentReference[]): Promise<(Fields | undefined)[]>
  /** As it is kept, without what was put here. */
  stored(ref: DocumentReference): Promise<Fields | undefined>
  /** Replaces the given fields; makes the document if it is not there. */
  put(ref: DocumentReference, fields: Fields): void
  /** What has been put into `collection` here, and is not written yet. */
  pending(collection: CollectionReference): Iterable<Fields>
  /** Adds to a number whatever it is, in a document that nobody reads here. */
  increment(ref: DocumentReference, field: string, amount: number): void
}

/** One piece of work, which can be done again: what it writes is written when all of a group is done. */
export type Work<T> = (workspace: Workspace) => Promise<T>

/** Work, and the documents that it will surely read: those of a group are read at once. */
export interface Piece<T> {
  readonly work: Work<T>
  readonly reads: readonly DocumentReference[]
}

/**
 * Does pieces of work on the same documents one after another and writes what they changed at once, on the condition that nothing
 * read and changed here was changed elsewhere meanwhile; else all are done again. Each fails alone.
 */
export async function transact(
  firestore: Firestore,
  pieces: readonly Piece<unknown>[],
): Promise<PromiseSettledResult<unknown>[]> {
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const read = new Map<string, { ref: DocumentReference; fields: Fields | undefined; time: Timestamp | undefined }>()
    let changed = new Map<string, Fields>()
    let added = new Map<string, { readonly ref: DocumentReference; readonly field: string; readonly amount: number }>()
    const load = async (refs: readonly DocumentReference[]) => {
      const missing = refs.filter(({ path }) => !read.has(path))
      if (missing.length === 0) return
      for (const snapshot of await firestore.getAll(...missing)) {
        const { ref, updateTime } = snapshot
        read.set(ref.path, { ref, fields: snapshot.data(), time: updateTime })
      }
    }
    const see = ({ path }: DocumentReference) => {
      const before = read.get(path)?.fields
      const after = changed.get(path)
      return after === undefined ? before : { ...before, ...after }
    }
    const workspace: Workspace = {
      get: async (ref) => {
        await load([ref])
        return see(ref)
      },
      stored: async (ref) => {
        await load([ref])
        return read.get(ref.path)?.fields
      },
      getAll: async (refs) => {
        await load(refs)
        return refs.map(see)
      },
      put(ref, fields) {
        if (!read.has(ref.path)) read.set(ref.path, { ref, fields: undefined, time: undefined })
        changed.set(ref.path, { ...changed.get(ref.path), ...fields })
      },
      pending: ({ path }) =>
        Array.from(changed)
          .filter(([name]) => name.startsWith(`${path}/`))
          .map(([, fields]) => fields),
      increment(ref, field, amount) {
        const key = `${ref.path}#${field}`
        added.set(key, { ref, field, amount: amount + (added.get(key)?.amount ?? 0) })
      },
    }
    const surely = new Map(pieces.flatMap(({ reads }) => reads.map((ref) => [ref.path, ref])))
    await load([...surely.values()])
    const results: PromiseSettledResult<unknown>[] = []
    for (const { work } of pieces) {
      const before = { changed: new Map(changed), added: new Map(added) }
      try {
        results.push({ status: 'fulfilled', value: await work(workspace) })
      } catch (reason) {
        // What Firestore did not answer says nothing about the work.
        if (!isSpanledgerError(reason)) throw reason
        changed = before.changed
        added = before.added
        results.push({ status: 'rejected', reason })
      }
    }
    if (changed.size === 0 && added.size === 0) return results
    const batch = firestore.batch()
    for (const [path, fields] of changed) {
      const { ref, time } = read.get(path) as { ref: DocumentReference; time: Timestamp | undefined }
      if (time === undefined) batch.create(ref, fields)
      else batch.update(ref, fields, { lastUpdateTime: time })
    }
    for (const { ref, field, amount } of added.values()) {
      batch.set(ref, { [field]: FieldValue.increment(amount) }, { merge: true })
    }
    try {
      await batch.commit()
      return results
    } catch (error) {
      if (!isConflict(error)) throw error
      await sleep(randomInt(Math.min(MAX_PAUSE_MS, 5 * 2 ** Math.min(attempt, 10)) + 1))
    }
  }
  throw new SpanledgerError('store/unavailable', 'too many change the same budget at once; try again')
}

function isConflict(error: unknown): boolean {
  const code = codeOf(error)
  return code === ALREADY_EXISTS || code === FAILED_PRECONDITION || code === ABORTED
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}

/**
 * Anything but our own errors means that Firestore does not answer; so does what takes longer than `deadlineMs`, since its client
 * itself tries for minutes.
 */
export async function answering<T>(work: () => Promise<T>, deadlineMs: number): Promise<T> {
  try {
    return await within(deadlineMs, work)
  } catch (error) {
    if (isSpanledgerError(error)) throw error
    if (codeOf(error) === INVALID_ARGUMENT) {
      throw new SpanledgerError('budget/invalid', 'this changes more than Firestore takes at once; send less', {
        cause: error,
      })
    }
    throw new SpanledgerError('store/unavailable', 'the budget ledger does not answer; try again', { cause: error })
  }
}

export interface GroupOptions {
  /** Of all work that is written at once. */
  readonly maxWeight: number
  /** A group of the same key is written no sooner after the last one, in milliseconds. @defaultValue 0 */
  readonly everyMs?: number
  /** How long an answer is waited for, in milliseconds. */
  readonly deadlineMs: number
}

export interface PieceOptions {
  /** @defaultValue 1 */
  readonly weight?: number
  /** {@link Piece.reads} */
  readonly reads?: readonly DocumentReference[]
}

/** Keys whose last writing is remembered. */
const MAX_KEYS = 1_000

/**
 * Gathers the work that comes while a group is being written, or must not be yet, into the next group: one write for all, however many
 * call at once.
 */
export function createGroups(
  firestore: Firestore,
  { maxWeight, everyMs = 0, deadlineMs }: GroupOptions,
): <T>(key: string, work: Work<T>, options?: PieceOptions) => Promise<T> {
  interface Waiting extends Piece<unknown> {
    readonly weight: number
    readonly resolve: (value: unknown) => void
    readonly reject: (error: unknown) => void
  }
  const queues = new Map<string, Waiting[]>()
  const writtenAt = new Map<string, number>()

  async function drain(key: string, queue: Waiting[]): Promise<void> {
    while (queue.length > 0) {
      // What is called in the same moment belongs together.
      await sleep(Math.max(0, (writtenAt.get(key) ?? -everyMs) + everyMs - performance.now()))
      const group = takeGroup(queue)
      if (writtenAt.size >= MAX_KEYS) writtenAt.clear()
      if (everyMs > 0) writtenAt.set(key, performance.now())
      try {
        const results = await answering(() => transact(firestore, group), deadlineMs)
        for (const [i, result] of results.entries()) {
          if (result.status === 'fulfilled') group[i]?.resolve(result.value)
          else group[i]?.reject(result.reason)
        }
      } catch (error) {
        for (const { reject } of group) reject(error)
      }
    }
    queues.delete(key)
  }

  function takeGroup(queue: Waiting[]): Waiting[] {
    let [count, weight] = [0, 0]
    for (const waiting of queue) {
      weight += waiting.weight
      if (count > 0 && weight > maxWeight) break
      count++
    }
    return queue.splice(0, count)
  }

  return <T>(key: string, work: Work<T>, { weight = 1, reads = [] }: PieceOptions = {}) =>
    new Promise<T>((resolve, reject) => {
      const waiting: Waiting = { work, reads, weight, resolve: resolve as (value: unknown) => void, reject }
      const queue = queues.get(key)
      if (queue !== undefined) {
        queue.push(waiting)
        return
      }
      const made = [waiting]
      queues.set(key, made)
      void drain(key, made)
    })
}
