import fc from 'fast-check'
import { expect, test, vi } from 'vitest'
import { SpanledgerError } from '../errors.ts'
import { createApiKey, parseApiKey, verifySecret } from './api-key.ts'
import { createAuthenticate } from './key-authenticate.ts'
import type { KeyStore, Scope } from './key-store.ts'
import { openSqliteKeyStore } from './sqlite-key-store.ts'

async function setUp(scopes: readonly Scope[] = ['read'], options: { requireKeys?: boolean; cacheMs?: number } = {}) {
  const keys = openSqliteKeyStore(':memory:')
  const { token, key } = createApiKey({ project: 'acme', scopes, name: 'test', now: 1 })
  await keys.create(key)
  const clock = { now: 1_000 }
  const authenticate = createAuthenticate({ keys, requireKeys: false, now: () => clock.now, ...options })
  return { keys, key, token, clock, authenticate }
}

test('a key gives its project and its scopes', async () => {
  const { authenticate, token, key } = await setUp(['ingest', 'read'])
  const principal = { project: 'acme', keyId: key.id, scopes: ['ingest', 'read'] }
  for (const header of [`Bearer ${token}`, `bearer ${token}`, `BEARER   ${token} `]) {
    expect(await authenticate(header, 'read')).toStrictEqual(principal)
  }
})

test('a key without the scope is forbidden, and is told which it has', async () => {
  const { authenticate, token } = await setUp(['admin'])
  await expect(authenticate(`Bearer ${token}`, 'read')).rejects.toMatchObject({
    code: 'auth/forbidden',
    message: 'auth: this key lacks the scope read; it has admin',
  })
})

test('any other header is invalid', async () => {
  const { authenticate, token, key } = await setUp()
  const { token: another } = createApiKey({ project: 'acme', scopes: ['read'], name: '', now: 1 })
  const secret = token.split('.')[1]
  const headers = [
    '',
    'Bearer',
    token,
    `Basic ${token}`,
    `Bearer ${token}x`,
    `Bearer ${token} ${token}`,
    `Bearer ${token.toUpperCase()}`,
    `Bearer slk_${key.id}.`,
    `Bearer slk_${key.id}.${'A'.repeat(43)}`,
    `Bearer slk_0000000000000000.${secret}`,
    `Bearer ${another}`,
    `Bearer slk_${'a'.repeat(1e6)}.${secret}`,
    `Bearer ${' '.repeat(1e6)}${token}`,
    `Bearer slk_' OR 1=1 --.${secret}`,
    `Bearer\0${token}`,
  ]
  for (const header of headers) {
    await expect(authenticate(header, 'read'), header.slice(0, 80)).rejects.toMatchObject({ code: 'auth/invalid' })
  }
})

test('no text is taken for a key', async () => {
  const { authenticate } = await setUp()
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: 'binary' }), async (text) => {
      await expect(authenticate(`Bearer ${text}`, 'read')).rejects.toMatchObject({ code: 'auth/invalid' })
    }),
  )
})

test('on loopback no key is needed until one is made, and never again none', async () => {
  const keys = openSqliteKeyStore(':memory:')
  const authenticate = createAuthenticate({ keys, requireKeys: false })
  expect(await authenticate(null, 'admin')).toStrictEqual({
    project: 'default',
    keyId: '',
    scopes: ['ingest', 'read', 'admin'],
  })
  const { key } = createApiKey({ project: 'acme', scopes: ['read'], name: '', now: 1 })
  await keys.create(key)
  await expect(authenticate(null, 'admin')).rejects.toMatchObject({ code: 'auth/missing' })
  await keys.revoke(key.id, 2)
  await expect(authenticate(null, 'admin')).rejects.toMatchObject({ code: 'auth/missing' })
})

test('an SDK that always sends a token of its own is let in while no key is needed, an unknown key of ours is not', async () => {
  const authenticate = createAuthenticate({ keys: openSqliteKeyStore(':memory:'), requireKeys: false })
  expect(await authenticate('Bearer tl_1234', 'ingest')).toMatchObject({ project: 'default' })
  const { token } = createApiKey({ project: 'elsewhere', scopes: ['ingest'], name: '', now: 1 })
  await expect(authenticate(`Bearer ${token}`, 'ingest')).rejects.toMatchObject({ code: 'auth/invalid' })
})

test('off loopback a key is needed from the start', async () => {
  const authenticate = createAuthenticate({ keys: openSqliteKeyStore(':memory:'), requireKeys: true })
  await expect(authenticate(null, 'read')).rejects.toMatchObject({ code: 'auth/missing' })
})

test('a revoked key holds for as long as it is cached, no longer', async () => {
  const { keys, key, token, clock, authenticate } = await setUp(['read'], { cacheMs: 10_000 })
  await authenticate(`Bearer ${token}`, 'read')
  await keys.revoke(key.id, clock.now)
  clock.now += 9_999
  await authenticate(`Bearer ${token}`, 'read')
  clock.now += 1
  await expect(authenticate(`Bearer ${token}`, 'read')).rejects.toMatchObject({ code: 'auth/invalid' })
})

test('made-up ids do not push a key out of the cache', async () => {
  const { keys, token, authenticate } = await setUp()
  await authenticate(`Bearer ${token}`, 'read')
  const get = vi.spyOn(keys, 'get')
  for (let n = 0; n < 1_100; n++) {
    const made = `Bearer slk_${n.toString(16).padStart(16, '0')}.${'A'.repeat(43)}`
    await expect(authenticate(made, 'read')).rejects.toMatchObject({ code: 'auth/invalid' })
  }
  get.mockClear()
  await authenticate(`Bearer ${token}`, 'read')
  expect(get).not.toHaveBeenCalled()
})

test('the cache is bounded: of 1,001 keys the oldest is read again', async () => {
  const { keys, authenticate } = await setUp()
  const tokens: string[] = []
  for (let n = 0; n <= 1_000; n++) {
    const { token, key } = createApiKey({ project: 'acme', scopes: ['read'], name: '', now: 1 })
    await keys.create(key)
    await authenticate(`Bearer ${token}`, 'read')
    tokens.push(token)
  }
  const get = vi.spyOn(keys, 'get')
  await authenticate(`Bearer ${tokens[1]}`, 'read')
  expect(get).toHaveBeenCalledTimes(0)
  await authenticate(`Bearer ${tokens[0]}`, 'read')
  expect(get).toHaveBeenCalledTimes(1)
})

test('a key store that does not answer is unavailable, not invalid', async () => {
  const broken = {
    get: () => Promise.reject(new SpanledgerError('store/unavailable', 'the key store does not answer')),
  } as unknown as KeyStore
  const { token } = await setUp()
  const authenticate = createAuthenticate({ keys: broken, requireKeys: true })
  await expect(authenticate(`Bearer ${token}`, 'read')).rejects.toMatchObject({ code: 'store/unavailable' })
})

test('a cache that would keep a revoked key for more than a minute is refused', () => {
  const keys = openSqliteKeyStore(':memory:')
  for (const cacheMs of [60_001, -1, Number.NaN]) {
    expect(() => createAuthenticate({ keys, requireKeys: true, cacheMs })).toThrow(/config: keys are cached/)
  }
})

test('only the secret of a key verifies, and nothing verifies no key', () => {
  const { token, key } = createApiKey({ project: 'acme', scopes: ['read'], name: '', now: 1 })
  const secret = parseApiKey(token)?.secret ?? ''
  expect(verifySecret(key, secret)).toBe(true)
  expect(verifySecret(undefined, secret)).toBe(false)
  expect(verifySecret({ ...key, hash: '' }, secret)).toBe(false)
  expect(verifySecret({ ...key, salt: '00' }, secret)).toBe(false)
  expect(JSON.stringify(key)).not.toContain(secret)
})

test('a key is made only for a sound project, scope and name', () => {
  const make = (given: { project?: string; scopes?: readonly Scope[]; name?: string }) => () =>
    createApiKey({ project: 'acme', scopes: ['read'], name: '', now: 1, ...given })
  for (const project of ['', '.', '../x', 'a/b', 'a b', 'ä', 'x'.repeat(64), '__proto__', 'a\0']) {
    expect(make({ project }), project).toThrow(/command: a project is/)
  }
  expect(make({ scopes: [] })).toThrow(/command: a key needs scopes/)
  expect(make({ scopes: ['root' as Scope] })).toThrow(/command: a key needs scopes/)
  expect(make({ name: 'x'.repeat(201) })).toThrow(/at most 200/)
  expect(make({ scopes: ['read', 'read'] })().key.scopes).toStrictEqual(['read'])
})
