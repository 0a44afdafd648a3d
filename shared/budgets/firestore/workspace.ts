import { randomInt } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { DocumentReference, Firestore, Timestamp } from '@google-cloud/firestore'
import { isSpanledgerError, SpanledgerError } from '../../errors.ts'

/** gRPC's codes for: it exists already, it has changed meanwhile, another has gone first. */
export const ALREADY_EXISTS = 6
const FAILED_PRECONDITION = 9
const ABORTED = 10

/** Tries before a caller is told that the ledger is too busy. */
const TRIES = 40
const MAX_PAUSE_MS = 250
/** Firestore takes at most this many writes at once. */
export const MAX_WRITES = 500

type Fields = Record<string, unknown>

/** Documents read and to be written together. Changes are seen by later reads of the same workspace. */
export interface Workspace {
  get(ref: DocumentReference): Promise<Fields | undefined>
  getAll(refs: readonly DocumentReference[]): Promise<(Fields | undefined)[]>
  /** Replaces the given fields; makes the document if it is not there. */
  put(ref: DocumentReference, fields: Fields): void
}

/** One piece of work; all of its reads come before its writes, so that it can be done again. */
export type Work<T> = (workspace: Workspace) => Promise<T>

/**
 * Does pieces of work on the same documents one after another and writes what they changed at once, on the condition that nothing
 * read and changed here was changed elsewhere meanwhile; else all are done again. Each fails alone.
 */
export async function transact(
  firestore: Firestore,
  works: readonly Work<unknown>[],
): Promise<PromiseSettledResult<unknown>[]> {
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const read = new Map<string, { ref: DocumentReference; fields: Fields | undefined; time: Timestamp | undefined }>()
    let changed = new Map<string, Fields>()
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
      getAll: async (refs) => {
        await load(refs)
        return refs.map(see)
      },
      put(ref, fields) {
        if (!read.has(ref.path)) read.set(ref.path, { ref, fields: undefined, time: undefined })
        changed.set(ref.path, { ...changed.get(ref.path), ...fields })
      },
    }
    const results: PromiseSettledResult<unknown>[] = []
    for (const work of works) {
      const before = new Map(changed)
      try {
        results.push({ status: 'fulfilled', value: await work(workspace) })
      } catch (reason) {
        changed = before
        results.push({ status: 'rejected', reason })
      }
    }
    if (changed.size === 0) return results
    const batch = firestore.batch()
    for (const [path, fields] of changed) {
      const { ref, time } = read.get(path) as { ref: DocumentReference; time: Timestamp | undefined }
      if (time === undefined) batch.create(ref, fields)
      else batch.update(ref, fields, { lastUpdateTime: time })
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

export function isConflict(error: unknown): boolean {
  const code = codeOf(error)
  return code === ALREADY_EXISTS || code === FAILED_PRECONDITION || code === ABORTED
}

export function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}

/** Anything but our own errors means that Firestore does not answer. */
export async function answering<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (isSpanledgerError(error)) throw error
    throw new SpanledgerError('store/unavailable', 'the budget ledger does not answer; try again', { cause: error })
  }
}

/** Gathers the work that comes while a group is being written into the next group: one write for all, however many call at once. */
export function createGroups(firestore: Firestore, maxWorks: number): <T>(key: string, work: Work<T>) => Promise<T> {
  interface Waiting {
    readonly work: Work<unknown>
    readonly resolve: (value: unknown) => void
    readonly reject: (error: unknown) => void
  }
  const queues = new Map<string, Waiting[]>()

  async function drain(key: string, queue: Waiting[]): Promise<void> {
    while (queue.length > 0) {
      // What is called in the same moment belongs together.
      await sleep(0)
      const group = queue.splice(0, maxWorks)
      try {
        const results = await answering(() =>
          transact(
            firestore,
            group.map(({ work }) => work),
          ),
        )
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

  return <T>(key: string, work: Work<T>) =>
    answering(
      () =>
        new Promise<T>((resolve, reject) => {
          const waiting: Waiting = { work, resolve: resolve as (value: unknown) => void, reject }
          const queue = queues.get(key)
          if (queue !== undefined) {
            queue.push(waiting)
            return
          }
          const made = [waiting]
          queues.set(key, made)
          void drain(key, made)
        }),
    )
}
