import { Firestore } from '@google-cloud/firestore'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { canRun, type Emulator, planFirestore, startEmulator } from '../../test/emulators/emulator.ts'
import { createApiKey } from './api-key.ts'
import { openFirestoreKeyStore } from './firestore-key-store.ts'
import { createAuthenticate } from './key-authenticate.ts'
import { describeKeyStore } from './key-store.suite.ts'

const plan = planFirestore()
let emulator: Emulator
let used = 0

const connect = () => new Firestore({ projectId: 'test', host: emulator.host, ssl: false })
const open = async () => openFirestoreKeyStore({ firestore: connect(), collection: `keys${used++}` })

describe.skipIf(!canRun('Firestore', plan))('on the Firestore emulator', () => {
  beforeAll(async () => {
    emulator = await startEmulator(plan)
  })
  afterAll(() => emulator?.stop())

  describeKeyStore('Firestore', open)

  test('of racing creates of one id one wins; the same create again is no conflict', async () => {
    const keys = await open()
    const { key } = createApiKey({ project: 'acme', scopes: ['read'], name: '', now: 1 })
    const rivals = Array.from({ length: 10 }, (_, index) => ({ ...key, hash: `${index}` }))
    const results = await Promise.allSettled(rivals.map((rival) => keys.create(rival)))
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    const stored = await keys.get(key.id)
    await keys.create(stored!)
    await keys.close()
    await expect(keys.get(key.id)).rejects.toMatchObject({ code: 'store/unavailable' })
  })

  test.each(['..', 'a/b', '__x__', '', 'x'.repeat(2_000), 'é'])('no key has the id %j', async (id) => {
    const keys = await open()
    expect(await keys.get(id)).toBeUndefined()
    await keys.revoke(id, 1)
    const { key } = createApiKey({ project: 'acme', scopes: ['read'], name: '', now: 1 })
    await expect(keys.create({ ...key, id })).rejects.toMatchObject({ code: 'store/rejected' })
    await keys.close()
  })

  test('a key is read once in half a minute; a rotated one is refused, and its successor taken, within that', async () => {
    const keys = await open()
    let reads = 0
    const clock = { now: 0 }
    const counted = { ...keys, get: (id: string) => keys.get(id).finally(() => reads++) }
    const authenticate = createAuthenticate({ keys: counted, requireKeys: true, now: () => clock.now })
    const make = async (project: string) => {
      const { token, key } = createApiKey({ project, scopes: ['read'], name: '', now: 1 })
      await keys.create(key)
      return { id: key.id, header: `Bearer ${token}` }
    }
    const [old, next] = [await make('acme'), await make('acme')]
    for (let request = 0; request < 5; request++)
      expect(await authenticate(old.header, 'read')).toMatchObject({ project: 'acme', keyId: old.id })
    expect(reads).toBe(1)
    await keys.revoke(old.id, 5)
    expect(await authenticate(next.header, 'read')).toMatchObject({ keyId: next.id })
    clock.now = 30_000
    await expect(authenticate(old.header, 'read')).rejects.toMatchObject({ code: 'auth/invalid' })
    await expect(authenticate(next.header, 'admin')).rejects.toMatchObject({ code: 'auth/forbidden' })
    expect(await authenticate((await make('other')).header, 'read')).toMatchObject({ project: 'other' })
    await keys.close()
  })
})
