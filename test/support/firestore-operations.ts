import type { DocumentReference, Firestore, Query } from '@google-cloud/firestore'

/** What a client has asked of Firestore since it is counted. */
export interface Operations {
  reads: number
  writes: number
}

/** Counts on `firestore` what Google bills: documents read (a query without an answer is one) and documents written. */
export function countOperations(firestore: Firestore): Operations {
  const counts: Operations = { reads: 0, writes: 0 }
  const getAll = firestore.getAll.bind(firestore)
  firestore.getAll = (...refs) => {
    counts.reads += refs.filter((ref) => 'path' in ref).length
    return getAll(...refs)
  }
  const batch = firestore.batch.bind(firestore)
  firestore.batch = () => {
    const made = batch()
    for (const name of ['create', 'set', 'update', 'delete'] as const) {
      const write = (made[name] as (...args: unknown[]) => typeof made).bind(made)
      Object.assign(made, {
        [name]: (...args: unknown[]) => {
          counts.writes++
          return write(...args)
        },
      })
    }
    return made
  }
  const countGets = <T extends Query>(query: T): T => {
    const get = query.get.bind(query)
    query.get = async () => {
      const found = await get()
      counts.reads += Math.max(1, found.size)
      return found
    }
    for (const name of ['where', 'select', 'orderBy', 'limit'] as const) {
      const narrow = (query[name] as (...args: unknown[]) => Query).bind(query)
      Object.assign(query, { [name]: (...args: unknown[]) => countGets(narrow(...args)) })
    }
    return query
  }
  const countDocument = (ref: DocumentReference): DocumentReference => {
    const get = ref.get.bind(ref)
    ref.get = () => {
      counts.reads++
      return get()
    }
    for (const name of ['create', 'set', 'update'] as const) {
      const write = (ref[name] as (...args: unknown[]) => Promise<unknown>).bind(ref)
      Object.assign(ref, {
        [name]: (...args: unknown[]) => {
          counts.writes++
          return write(...args)
        },
      })
    }
    return ref
  }
  const collection = firestore.collection.bind(firestore)
  firestore.collection = (path) => {
    const made = countGets(collection(path))
    const doc = made.doc.bind(made)
    made.doc = (...name: string[]) => countDocument(doc(...(name as [string])))
    return made
  }
  return counts
}
