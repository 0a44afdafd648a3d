import type { DocumentReference, Firestore } from '@google-cloud/firestore'
import { SpanledgerError } from '../errors.ts'
import type { ApiKey, KeyStore, Scope } from './key-store.ts'

export interface FirestoreKeyStoreOptions {
  /** Closed with the store. */
  readonly firestore: Firestore
  /** @defaultValue `keys` */
  readonly collection?: string
}

/** gRPC's code for what exists already. */
const ALREADY_EXISTS = 6

/** Keys in Firestore, one document each, by id. */
export function openFirestoreKeyStore({ firestore, collection = 'keys' }: FirestoreKeyStoreOptions): KeyStore {
  const keys = firestore.collection(collection)
  /** Undefined for an id that no key has and that Firestore would refuse or take for a path. */
  const find = (id: string): DocumentReference | undefined =>
    /^[A-Za-z0-9-]{1,64}$/.test(id) ? keys.doc(id) : undefined
  let closed = false

  async function guard<T>(access: () => Promise<T>): Promise<T> {
    try {
      if (closed) throw new Error('closed')
      return await access()
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
          if (!(error instanceof Error && 'code' in error && error.code === ALREADY_EXISTS)) throw error
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
        await firestore.runTransaction(async (transaction) => {
          const fields = (await transaction.get(key)).data()
          if (fields !== undefined && fields.revokedAt === null) transaction.update(key, { revokedAt: at })
        })
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
