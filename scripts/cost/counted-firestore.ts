import { FieldPath, FieldValue, type Firestore, Timestamp } from '@google-cloud/firestore'
import { ASSUMPTIONS } from './assumptions.ts'
import type { Meter } from './meter.ts'

/** A document's fields. */
export type Fields = Record<string, unknown>

interface Ref {
  readonly id: string
  readonly path: string
  collection(name: string): Collection
  get(): Promise<Snapshot>
  create(fields: Fields): Promise<{ readonly writeTime: Timestamp }>
  set(fields: Fields): Promise<void>
}

interface Collection {
  where(field: string, operator: string, value: unknown): Collection
  select(): Collection
  limit(count: number): Collection
  doc(id: string): Ref
  get(): Promise<{ readonly docs: readonly Snapshot[]; readonly empty: boolean }>
}

interface Snapshot {
  readonly id: string
  readonly ref: Ref
  readonly exists: boolean
  readonly createTime: Timestamp
  readonly updateTime: Timestamp
  data(): Fields | undefined
  get(field: string): unknown
}

/** gRPC's code for what exists already. */
const ALREADY_EXISTS = 6

/**
 * Firestore as far as keys are read, traces remembered and messages debited: documents in memory, and what Firestore bills of each operation. A query
 * that finds nothing is billed as one read. `documents`, by path, may be there already. Increments are counted as the writes that they are, not carried out.
 */
export function createCountedFirestore(meter: Meter, documents: Map<string, Fields> = new Map()): Firestore {
  const time = Timestamp.fromMillis(0)

  const call = async (counter: 'firestore.reads' | 'firestore.writes', amount: number) => {
    meter.add(counter, amount)
    await meter.call(ASSUMPTIONS.latencyMs.firestore)
  }
  const write = ({ path }: Ref, fields: Fields) => {
    // A document with a time to live is deleted in the end, which is billed.
    if (fields.expireAt !== undefined && !documents.has(path)) meter.add('firestore.deletes', 1)
    documents.set(path, { ...documents.get(path), ...stored(fields) })
  }
  const create = (ref: Ref, fields: Fields) => {
    if (documents.has(ref.path)) throw Object.assign(new Error('exists'), { code: ALREADY_EXISTS })
    write(ref, fields)
  }

  const refTo = (path: string): Ref => {
    const ref: Ref = {
      id: path.slice(path.lastIndexOf('/') + 1),
      path,
      collection: (name) => query(`${path}/${name}`, [], Number.POSITIVE_INFINITY),
      async get() {
        await call('firestore.reads', 1)
        return snapshotOf(ref)
      },
      async create(fields) {
        await call('firestore.writes', 1)
        create(ref, fields)
        return { writeTime: time }
      },
      async set(fields) {
        await call('firestore.writes', 1)
        write(ref, fields)
      },
    }
    return ref
  }
  const snapshotOf = (ref: Ref): Snapshot => {
    const fields = documents.get(ref.path)
    const exists = fields !== undefined
    return {
      ...{ id: ref.id, ref, exists, createTime: time, updateTime: time },
      data: () => fields,
      get: (field) => fields?.[field],
    }
  }

  const query = (
    collection: string,
    conditions: readonly ((fields: Fields) => boolean)[],
    most: number,
  ): Collection => ({
    where: (field: string, operator: string, value: unknown) =>
      query(collection, [...conditions, condition(field, operator, value)], most),
    select: () => query(collection, conditions, most),
    limit: (count: number) => query(collection, conditions, count),
    doc: (id: string) => refTo(`${collection}/${id}`),
    async get() {
      const found = [...documents].filter(
        ([path, fields]) =>
          path.slice(0, path.lastIndexOf('/')) === collection && conditions.every((holds) => holds(fields)),
      )
      const docs = found.slice(0, most).map(([path]) => snapshotOf(refTo(path)))
      await call('firestore.reads', Math.max(1, docs.length))
      return { docs, empty: docs.length === 0 }
    },
  })

  const firestore = {
    collection: (name: string) => query(name, [], Number.POSITIVE_INFINITY),
    async getAll(...refs: readonly Ref[]) {
      await call('firestore.reads', refs.length)
      return refs.map(snapshotOf)
    },
    batch() {
      const writes: (() => void)[] = []
      return {
        create: (ref: Ref, fields: Fields) => void writes.push(() => create(ref, fields)),
        set: (ref: Ref, fields: Fields) => void writes.push(() => write(ref, fields)),
        update: (ref: Ref, fields: Fields | FieldPath) =>
          void writes.push(() => write(ref, fields instanceof FieldPath ? {} : fields)),
        async commit() {
          await call('firestore.writes', writes.length)
          for (const write of writes) write()
        },
      }
    },
    async runTransaction<T>(work: (transaction: object) => Promise<T>): Promise<T> {
      const writes: (() => void)[] = []
      const result = await work({
        get: (target: { get(): Promise<unknown> }) => target.get(),
        set: (ref: Ref, fields: Fields) => void writes.push(() => write(ref, fields)),
      })
      await call('firestore.writes', writes.length)
      for (const write of writes) write()
      return result
    },
    terminate: async () => {},
  }
  return firestore as unknown as Firestore
}

/** What a write leaves in a document, but for increments. */
function stored(fields: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => !(value instanceof FieldValue)))
}

function condition(field: string, operator: string, value: unknown): (fields: Fields) => boolean {
  if (operator === '==') return (fields) => fields[field] === value
  if (operator === 'in') return (fields) => (value as readonly unknown[]).includes(fields[field])
  if (operator !== 'array-contains-any') throw new Error(`no query by ${operator} is counted`)
  const wanted = new Set(value as readonly unknown[])
  return (fields) => Array.isArray(fields[field]) && fields[field].some((member) => wanted.has(member))
}
