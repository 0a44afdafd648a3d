import { expect, test } from 'vitest'
import { createApiKey } from './api-key.ts'
import { FIRST_PROJECT, withFirstKey } from './first-key-store.ts'
import { createAuthenticate } from './key-authenticate.ts'
import { openSqliteKeyStore } from './sqlite-key-store.ts'

const { token, key } = createApiKey({ project: 'any', scopes: ['read'], name: '', now: 1 })

function open() {
  const store = openSqliteKeyStore(':memory:')
  const keys = withFirstKey(store, token)
  return { store, keys, authenticate: createAuthenticate({ keys, requireKeys: true, cacheMs: 0 }) }
}

test('the first key opens its project with every scope, though no store has it', async () => {
  const { authenticate, keys, store } = open()
  expect(await authenticate(`Bearer ${token}`, 'admin')).toMatchObject({ project: FIRST_PROJECT, keyId: key.id })
  expect(await keys.list(FIRST_PROJECT)).toMatchObject([{ id: key.id, revokedAt: null }])
  expect(await keys.any()).toBe(true)
  expect(await store.any()).toBe(false)
})

test('another secret under its id does not', async () => {
  const { authenticate } = open()
  const { token: other } = createApiKey({ project: 'any', scopes: ['read'], name: '', now: 1 })
  const forged = `slk_${key.id}.${other.split('.')[1]}`
  await expect(authenticate(`Bearer ${forged}`, 'read')).rejects.toMatchObject({ code: 'auth/invalid' })
})

test('once revoked it stays revoked, in every instance', async () => {
  const { keys, store, authenticate } = open()
  await keys.revoke(key.id, 7)
  await keys.revoke(key.id, 9)
  await expect(authenticate(`Bearer ${token}`, 'read')).rejects.toMatchObject({ code: 'auth/invalid' })
  expect(await withFirstKey(store, token).list(FIRST_PROJECT)).toMatchObject([{ id: key.id, revokedAt: 7 }])
})

test('without one the store is as it was; what is no key is refused at the start', () => {
  const { store } = open()
  expect(withFirstKey(store, undefined)).toBe(store)
  expect(() => withFirstKey(store, 'secret')).toThrow('config: SPANLEDGER_FIRST_KEY is not slk_<id>.<secret>')
})
