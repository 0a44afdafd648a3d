import type { DocumentReference, Firestore } from '@google-cloud/firestore'
import { within } from '../deadline.ts'
import { SpanledgerError } from '../errors.ts'
import type { ApiKey, KeyStore, Scope } from './key-store.ts'

export interface FirestoreKeyStoreOptions {
  /** Closed with the store. */
  readonly firestore: Firestore
  /** @defaultValue `keys` */
  readonly collection?: string
  /** How long an answer is waited for, in milliseconds: Firestore's client itself tries for minutes. @defaultValue 10,000 */
  readonly deadlineMs?: number
}

/** gRPC's codes for what exists already, and for what has changed meanwhile. */
const ALREADY_EXISTS = 6
const FAILED_PRECONDITION = 9
const MOST_TRIES = 5

/** Keys in Firestore, one document each, by id. */
export function openFirestoreKeyStore(options: FirestoreKeyStoreOptions): KeyStore {
  const { firestore, collection = 'keys', deadlineMs = 10_000 } = options
  const keys = firestore.collection(collection)
  /** Undefined for an id that no key has and that Firestore would refuse or take for a path. */
  const find = (id: string): DocumentReference | undefined =>
    /^[A-Za-z0-9-]{1,64}$/.test(id) ? keys.doc(id) : undefined
  let closed = false

  async function guard<T>(access: () => Promise<T>): Promise<T> {
    try {
      if (closed) throw new Error('closed')
      return await within(deadlineMs, access)
    } catch (cause) {
      if (cause instanceof SpanledgerError) throw cause
      throw new SpanledgerError('store/unavailable', 'the key store does not answer', { cause })
    }
  }

  return {
    get: (id) =>
      guard(async () => {
        const fields = (await find(id)?.get())?.data()
        return fields === undefined ? undefined : toKey(id, fields)
      }),

    create: ({ id, ...fields }) =>
      guard(async () => {
        const key = find(id)
        if (key === undefined)
          throw new SpanledgerError('store/rejected', 'a key id is made of letters, digits and dashes')
        try {
          await key.create({ ...fields })
        } catch (error) {
          if (codeOf(error) !== ALREADY_EXISTS) throw error
          // A create whose answer was lost is made again by the client, and finds itself.
          const existing = (await key.get()).data()
          if (existing?.hash === fields.hash && existing.salt === fields.salt && existing.project === fields.project)
            return
          throw new SpanledgerError('store/rejected', `there is a key ${id} already`)
        }
      }),

    revoke: (id, at) =>
      guard(async () => {
        const key = find(id)
        if (key === undefined) return
        for (let attempt = 1; ; attempt++) {
          const found = await key.get()
          if (!found.exists || found.updateTime === undefined || found.get('revokedAt') !== null) return
          try {
            await key.update({ revokedAt: at }, { lastUpdateTime: found.updateTime })
            return
          } catch (error) {
            // Another was first, or this one was, and its answer was lost.
            if (attempt >= MOST_TRIES || codeOf(error) !== FAILED_PRECONDITION) throw error
          }
        }
      }),

    list: (project) =>
      guard(async () => {
        // Sorted here: an index of its own for a list this short would have to be deployed.
        const { docs } = await keys.where('project', '==', project).get()
        const found = docs.map((document) => toKey(document.id, document.data()))
        return found.sort((a, b) => a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1))
      }),

    any: () => guard(async () => !(await keys.limit(1).get()).empty),

    async close() {
      closed = true
      await firestore.terminate()
    },
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}

function toKey(id: string, fields: Record<string, unknown>): ApiKey {
  return {
    id,
    project: fields.project as string,
    scopes: fields.scopes as Scope[],
    name: fields.name as string,
    salt: fields.salt as string,
    hash: fields.hash as string,
    createdAt: fields.createdAt as number,
    revokedAt: fields.revokedAt as number | null,
  }
}
