import { createHash } from 'node:crypto'
import { deflateRawSync, inflateRawSync } from 'node:zlib'
import type { DocumentSnapshot, Firestore } from '@google-cloud/firestore'
import { within } from '../deadline.ts'
import { describeError, SpanledgerError } from '../errors.ts'
import type { PriceStore, ProjectPrices } from './price-store.ts'

export interface FirestorePriceStoreOptions {
  /** Closed with the store. */
  readonly firestore: Firestore
  /** @defaultValue `prices` */
  readonly collection?: string
  /** How long an answer is waited for, in milliseconds: Firestore's client itself tries for minutes. @defaultValue 10,000 */
  readonly deadlineMs?: number
}

/** {@link PriceStore} in Firestore: a document for each project, its prices deflated, since a document holds 1 MiB. */
export function openFirestorePriceStore(options: FirestorePriceStoreOptions): PriceStore {
  const { firestore, collection = 'prices', deadlineMs = 10_000 } = options
  /** By hash: a project's name need not be one that Firestore takes. */
  const find = (project: string) =>
    firestore.collection(collection).doc(createHash('sha256').update(project).digest('hex'))

  let closed = false

  async function answer<T>(ask: () => Promise<T>): Promise<T> {
    try {
      if (closed) throw new Error('closed')
      return await within(deadlineMs, ask)
    } catch (error) {
      throw new SpanledgerError('store/unavailable', `prices: ${describeError(error)}`, { cause: error })
    }
  }

  return {
    get: (project) => answer(async () => read(await find(project).get())),
    replace: (project, prices, ifVersion) =>
      answer(() =>
        firestore.runTransaction(async (transaction) => {
          const { version } = read(await transaction.get(find(project)))
          if (ifVersion !== undefined && version !== ifVersion) return undefined
          const changed = Number(version) + 1
          transaction.set(find(project), { project, changed, body: deflateRawSync(JSON.stringify(prices)) })
          return { prices, version: changed.toString() }
        }),
      ),
    close: () => {
      closed = true
      return firestore.terminate()
    },
  }
}

function read(document: DocumentSnapshot): ProjectPrices {
  if (!document.exists) return { prices: [], version: '0' }
  const body = inflateRawSync(document.get('body') as Uint8Array).toString()
  return { prices: JSON.parse(body), version: String(document.get('changed')) }
}
