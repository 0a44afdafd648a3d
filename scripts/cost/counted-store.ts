import { SpanledgerError } from '../../shared/errors.ts'
import type { ObjectInfo, ObjectStore } from '../../shared/lake/object-store.ts'
import { ASSUMPTIONS } from './assumptions.ts'
import type { Meter } from './meter.ts'

/** Cloud Storage lists so many objects an operation. */
const PAGE_OBJECTS = 1000

/** An object store that counts. */
export interface CountedStore extends ObjectStore {
  /** Puts an object there without counting it, as if it had been there for long. */
  seed(name: string): void
}

/** Objects in memory; writes and lists are class A operations, reads class B, deletes are free. */
export function createCountedStore(meter: Meter, now: () => number): CountedStore {
  const objects = new Map<string, { readonly data: Uint8Array; readonly updatedAt: number }>()
  const call = () => meter.call(ASSUMPTIONS.latencyMs.storage)
  return {
    seed: (name) => void objects.set(name, { data: new Uint8Array(), updatedAt: 0 }),
    async putIfAbsent(name, data) {
      meter.add('storage.classA', 1)
      await call()
      if (objects.has(name)) throw new SpanledgerError('lake/exists', `${name} already exists`)
      meter.add('storage.bytes', data.length)
      objects.set(name, { data: Uint8Array.from(data), updatedAt: now() })
    },
    async read(name, range) {
      meter.add('storage.classB', 1)
      await call()
      const object = objects.get(name)
      if (object === undefined) throw new SpanledgerError('lake/not-found', `there is no object ${name}`)
      return object.data.slice(range?.start, range?.end)
    },
    async *list(prefix, { from = '' } = {}) {
      const found: ObjectInfo[] = []
      for (const [name, { data, updatedAt }] of objects)
        if (name.startsWith(prefix) && name >= from) found.push({ name, size: data.length, updatedAt })
      for (let page = 0; page < Math.max(1, Math.ceil(found.length / PAGE_OBJECTS)); page++) {
        meter.add('storage.classA', 1)
        await call()
      }
      yield* found.sort((a, b) => (a.name < b.name ? -1 : 1))
    },
    async delete(name) {
      await call()
      const bytes = objects.get(name)?.data.length ?? 0
      meter.add('storage.bytes', -bytes)
      meter.add('storage.deletedBytes', bytes)
      objects.delete(name)
    },
  }
}
