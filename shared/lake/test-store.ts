import { SpanledgerError } from '../errors.ts'
import { checkObjectName, type ObjectInfo, type ObjectStore } from './object-store.ts'

/** Objects in memory. */
export interface MemoryStore extends ObjectStore {
  readonly objects: ReadonlyMap<string, { readonly data: Uint8Array; readonly updatedAt: number }>
  /** Operations so far, by kind. */
  readonly operations: Record<'put' | 'read' | 'list' | 'delete', number>
}

export function createMemoryStore(now: () => number = Date.now): MemoryStore {
  const objects = new Map<string, { data: Uint8Array; updatedAt: number }>()
  const operations = { put: 0, read: 0, list: 0, delete: 0 }
  return {
    objects,
    operations,
    async putIfAbsent(name, data) {
      checkObjectName(name)
      operations.put++
      if (objects.has(name)) throw new SpanledgerError('lake/exists', `${name} is there already`)
      objects.set(name, { data: Uint8Array.from(data), updatedAt: now() })
    },
    async read(name, range) {
      checkObjectName(name)
      operations.read++
      const object = objects.get(name)
      if (object === undefined) throw new SpanledgerError('lake/not-found', `${name} is not there`)
      return object.data.slice(range?.start, range?.end)
    },
    async *list(prefix, { from = '' } = {}) {
      operations.list++
      const found: ObjectInfo[] = []
      for (const [name, { data, updatedAt }] of objects) {
        if (name.startsWith(prefix) && name >= from) found.push({ name, size: data.length, updatedAt })
      }
      yield* found.sort((a, b) => (a.name < b.name ? -1 : 1))
    },
    async delete(name) {
      checkObjectName(name)
      operations.delete++
      objects.delete(name)
    },
  }
}

/** The process that used the store is dead: nothing it does has an effect any more. */
export class Killed extends Error {}

export interface MortalOptions {
  /** The number of the fatal operation, from 0. */
  readonly at: number
  /** Whether that operation still takes effect; its answer never arrives. */
  readonly done: boolean
  /** Runs after everything that changes the store. */
  readonly observe: () => void
  /** Called instead of killing: what is done from that operation on waits for it. */
  readonly stall?: () => Promise<void>
}

/** `store` as seen by a process that is killed at an operation, or stands still before it for a while. */
export function createMortalStore(store: ObjectStore, { at, done, observe, stall }: MortalOptions): ObjectStore {
  let count = 0
  let awake: Promise<void> | undefined
  const step = async <T>(operate: () => Promise<T>, afterwards = () => {}): Promise<T> => {
    const number = count++
    if (stall !== undefined) {
      if (number >= at) awake ??= stall()
      await awake
      const result = await operate()
      afterwards()
      return result
    }
    if (number > at || (number === at && !done)) throw new Killed('killed')
    const result = await operate()
    afterwards()
    if (number === at) throw new Killed('killed')
    return result
  }
  return {
    putIfAbsent: (name, data) => step(() => store.putIfAbsent(name, data), observe),
    read: (name, range) => step(() => store.read(name, range)),
    delete: (name) => step(() => store.delete(name), observe),
    async *list(prefix, options) {
      yield* await step(() => Array.fromAsync(store.list(prefix, options)))
    },
  }
}
