import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type FakeStorage, type Fault, startFakeStorage } from '../../test/emulators/fake-storage.ts'
import { type GcsStoreOptions, openGcsStore } from './gcs-store.ts'
import { testObjectStore } from './object-store.suite.ts'

const BUCKETS = Array.from({ length: 40 }, (_, index) => `bucket-${index}`)
const FAST_RETRY = { delayMs: 1 }
let storage: FakeStorage
let used = 0

beforeAll(async () => {
  storage = await startFakeStorage(BUCKETS)
})
afterAll(() => storage.close())

function open(options: Partial<GcsStoreOptions> = {}) {
  storage.fault = () => undefined
  storage.requests.clear()
  const bucket = BUCKETS[used++] as string
  return openGcsStore({ bucket, projectId: 'p', apiEndpoint: storage.url, retry: FAST_RETRY, pageSize: 3, ...options })
}

/** Fails the first `times` requests of a kind. */
function failFirst(kind: string, fault: Fault, times = 1): void {
  let left = times
  storage.fault = (asked) => (asked === kind && left-- > 0 ? fault : undefined)
}

describe('as every object store', () => {
  testObjectStore(async () => open())
})

describe('in one multipart request and in a resumable session', () => {
  test.each([
    ['insert', 1 << 30],
    ['resumable-start', 1],
  ])('%s: bytes arrive whole, once, and of two writers one wins', async (kind, resumableBytes) => {
    const store = open({ resumableBytes })
    const data = Buffer.alloc(600_000, 'spanledger')
    await store.putIfAbsent('a', data)
    expect(Buffer.compare(Buffer.from(await store.read('a')), data)).toBe(0)
    expect(storage.requests.get(kind)).toBe(1)
    await expect(store.putIfAbsent('a', Buffer.from('other'))).rejects.toMatchObject({ code: 'lake/exists' })
    expect(await store.read('a', { start: 0, end: 10 })).toStrictEqual(Buffer.from('spanledger'))
  })

  test.each([429, 500, 502, 503, 504])('a put is repeated after %i', async (status) => {
    const store = open()
    failFirst('insert', { status }, 2)
    await store.putIfAbsent('a', Buffer.from('x'))
    expect(Buffer.from(await store.read('a')).toString()).toBe('x')
  })

  test('a put whose answer was lost is known again by its own mark, and is no conflict', async () => {
    const store = open()
    failFirst('insert', 'lose-answer')
    await store.putIfAbsent('a', Buffer.from('mine'))
    expect(storage.requests.get('insert')).toBe(2)
    await expect(store.putIfAbsent('a', Buffer.from('mine'))).rejects.toMatchObject({ code: 'lake/exists' })
  })
})

describe('when Cloud Storage fails', () => {
  test('attempts are bounded and the error names no url, token or body', async () => {
    const store = open({ retry: { ...FAST_RETRY, attempts: 3 } })
    let asked = 0
    storage.fault = () => {
      asked++
      return { status: 503 }
    }
    await expect(store.putIfAbsent('a', Buffer.from('x'))).rejects.toThrow(
      'lake: cannot write a in Cloud Storage (503): try again later',
    )
    expect(asked).toBe(3)
  })

  test('denied is not "not found", and says what to grant', async () => {
    const store = open()
    storage.fault = () => ({ status: 403 })
    await expect(store.read('a')).rejects.toThrow('(403): grant the function access to the bucket')
    await expect(Array.fromAsync(store.list(''))).rejects.toMatchObject({ code: 'lake/unavailable' })
    await expect(store.delete('a')).rejects.toMatchObject({ code: 'lake/unavailable' })
  })

  test('reads are repeated', async () => {
    const store = open()
    await store.putIfAbsent('a', Buffer.from('x'))
    failFirst('read', { status: 503 })
    expect(Buffer.from(await store.read('a')).toString()).toBe('x')
    failFirst('list', { status: 503 })
    expect(await Array.fromAsync(store.list(''))).toHaveLength(1)
  })
})

test('a listing is read page by page, only as far as it is used', async () => {
  const store = open({ pageSize: 2 })
  for (let index = 0; index < 7; index++) await store.putIfAbsent(`n/${index}`, Buffer.from('x'))
  for await (const { name } of store.list('n/')) if (name === 'n/2') break
  expect(storage.requests.get('list')).toBe(2)
})

test('any sequence of puts and deletes leaves what a map would hold', async () => {
  const operation = fc.record({ kind: fc.constantFrom('put', 'delete'), name: fc.constantFrom('a', 'b/c', 'b/d') })
  await fc.assert(
    fc.asyncProperty(fc.array(operation, { maxLength: 12 }), async (operations) => {
      used = 30
      const store = open()
      for (const name of ['a', 'b/c', 'b/d']) await store.delete(name)
      const model = new Set<string>()
      for (const { kind, name } of operations) {
        if (kind === 'put') {
          const result = store.putIfAbsent(name, Buffer.from(name))
          if (model.has(name)) await expect(result).rejects.toMatchObject({ code: 'lake/exists' })
          else await result
          model.add(name)
        } else {
          await store.delete(name)
          model.delete(name)
        }
      }
      const names = (await Array.fromAsync(store.list(''))).map(({ name }) => name)
      expect(names).toStrictEqual([...model].sort())
    }),
    { numRuns: 20 },
  )
})
