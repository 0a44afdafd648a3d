import type { ObjectStore } from './object-store.ts'

/** The objects of `store` whose names begin with `prefix`, without it: a lake that has a bucket to share. */
export function withPrefix(store: ObjectStore, prefix: string): ObjectStore {
  if (prefix === '') return store
  return {
    putIfAbsent: (name, data) => store.putIfAbsent(prefix + name, data),
    read: (name, range) => store.read(prefix + name, range),
    async *list(below, { from } = {}) {
      const options = from === undefined ? {} : { from: prefix + from }
      for await (const object of store.list(prefix + below, options)) {
        yield { ...object, name: object.name.slice(prefix.length) }
      }
    },
    delete: (name) => store.delete(prefix + name),
  }
}
