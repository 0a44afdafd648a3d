import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { ApiKey, KeyStore } from './key-store.ts'

/** What every adapter of {@link KeyStore} must do. `open` gives an empty one. */
export function describeKeyStore(name: string, open: () => Promise<KeyStore>): void {
  describe(`key store on ${name}`, () => {
    let keys: KeyStore
    beforeEach(async () => {
      keys = await open()
    })
    afterEach(() => keys.close())

    test('a key comes back as it was made', async () => {
      await keys.create(keyOf({ id: 'a', scopes: ['ingest', 'admin'], name: `'"; DROP TABLE api_keys; -- 🔑 ,` }))
      expect(await keys.get('a')).toStrictEqual(
        keyOf({ id: 'a', scopes: ['ingest', 'admin'], name: `'"; DROP TABLE api_keys; -- 🔑 ,` }),
      )
    })

    test('there is no key by another id', async () => {
      await keys.create(keyOf({ id: 'a' }))
      for (const id of ['', 'A', 'b', '%', "' OR 1=1 --", '__proto__', '..', 'a/b']) {
        expect(await keys.get(id)).toBeUndefined()
      }
    })

    test('an id is taken once', async () => {
      await keys.create(keyOf({ id: 'a' }))
      await expect(keys.create(keyOf({ id: 'a', project: 'thief' }))).rejects.toMatchObject({ code: 'store/rejected' })
      expect(await keys.get('a')).toStrictEqual(keyOf({ id: 'a' }))
    })

    test('revoking keeps the key and the first time', async () => {
      await keys.create(keyOf({ id: 'a' }))
      await keys.revoke('a', 5)
      await keys.revoke('a', 9)
      await keys.revoke('unknown', 9)
      expect(await keys.get('a')).toStrictEqual(keyOf({ id: 'a', revokedAt: 5 }))
    })

    test('a list is of one project, oldest first', async () => {
      await keys.create(keyOf({ id: 'b', createdAt: 2 }))
      await keys.create(keyOf({ id: 'a', createdAt: 3 }))
      await keys.create(keyOf({ id: 'c', createdAt: 1, project: 'other' }))
      expect((await keys.list('acme')).map(({ id }) => id)).toStrictEqual(['b', 'a'])
      expect(await keys.list('')).toStrictEqual([])
    })

    test('any says whether a key was ever made', async () => {
      expect(await keys.any()).toBe(false)
      await keys.create(keyOf({ id: 'a' }))
      await keys.revoke('a', 1)
      expect(await keys.any()).toBe(true)
    })
  })
}

function keyOf(given: Partial<ApiKey>): ApiKey {
  return {
    id: 'a',
    project: 'acme',
    scopes: ['read'],
    name: 'test',
    salt: 'aa',
    hash: 'bb',
    createdAt: 1,
    revokedAt: null,
    ...given,
  }
}
