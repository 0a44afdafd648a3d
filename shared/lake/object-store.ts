import { SpanledgerError } from '../errors.ts'

/** An object as listed: `name` uses `/` on every platform. */
export interface ObjectInfo {
  readonly name: string
  readonly size: number
  /** When it was written, in milliseconds since 1970. */
  readonly updatedAt: number
}

/** A flat, immutable store of named bytes: a bucket, or a directory. */
export interface ObjectStore {
  /** Writes a new object, durable when it resolves; rejects with `lake/exists` and changes nothing if the name is taken. */
  putIfAbsent(name: string, data: Uint8Array): Promise<void>
  /** Rejects with `lake/not-found`. `range` is in bytes, `end` exclusive. */
  read(name: string, range?: { readonly start: number; readonly end: number }): Promise<Uint8Array>
  /** All objects whose name starts with `prefix`, in order of name; with `from`, only those whose name is not before it. */
  list(prefix: string, options?: { readonly from?: string }): AsyncIterable<ObjectInfo>
  /** Deleting what is not there is no error. */
  delete(name: string): Promise<void>
}

/** Throws `lake/unavailable` for a name that is empty, absolute, too long, or climbs out of the store. */
export function checkObjectName(name: string): void {
  const segments = name.split('/')
  const valid = segments.every((segment) => /^[\w.=-]{1,200}$/.test(segment) && segment !== '.' && segment !== '..')
  if (!valid || name.length > 1000) {
    throw new SpanledgerError('lake/unavailable', `${JSON.stringify(name.slice(0, 200))} is no name for an object`)
  }
}
