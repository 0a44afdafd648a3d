import type { DocumentReference, Firestore, Query } from '@google-cloud/firestore'

/** gRPC's code for: another has gone first. */
const ABORTED = 10

/**
 * A client that is broken off at any await, as if the process had ended or the line had: a read now and then is not answered, a write is
 * not carried out, or is and is not answered, or loses to another.
 */
export function breakOff(firestore: Firestore): Firestore {
  let calls = 0
  const fate = (of: number) => (Math.imul(++calls, 2_654_435_761) >>> 16) % of
  const read = async <T>(ask: () => Promise<T>): Promise<T> => {
    if (fate(64) === 0) throw new Error('broken off while reading')
    return ask()
  }
  const write = async <T>(ask: () => Promise<T>): Promise<T> => {
    const drawn = fate(24)
    if (drawn === 0) throw new Error('broken off before it was written')
    if (drawn === 1) throw Object.assign(new Error('lost to another'), { code: ABORTED })
    const answer = await ask()
    if (drawn === 2) throw new Error('broken off after it was written')
    return answer
  }
  const breakQuery = <T extends Query>(query: T): T => {
    const get = query.get.bind(query)
    query.get = () => read(get)
    for (const name of ['where', 'select', 'orderBy', 'limit'] as const) {
      const narrow = (query[name] as (...args: unknown[]) => Query).bind(query)
      Object.assign(query, { [name]: (...args: unknown[]) => breakQuery(narrow(...args)) })
    }
    return query
  }
  const breakDocument = (ref: DocumentReference): DocumentReference => {
    const [get, set] = [ref.get.bind(ref), ref.set.bind(ref)]
    ref.get = () => read(get)
    ref.set = ((...args: Parameters<typeof set>) => write(() => set(...args))) as typeof ref.set
    return ref
  }
  const getAll = firestore.getAll.bind(firestore)
  firestore.getAll = (...refs) => read(() => getAll(...refs))
  const batch = firestore.batch.bind(firestore)
  firestore.batch = () => {
    const made = batch()
    const commit = made.commit.bind(made)
    made.commit = () => write(commit)
    return made
  }
  const collection = firestore.collection.bind(firestore)
  firestore.collection = (path) => {
    const made = breakQuery(collection(path))
    const doc = made.doc.bind(made)
    made.doc = (...name: string[]) => breakDocument(doc(...(name as [string])))
    return made
  }
  return firestore
}
