import { beforeEach, describe, expect, test } from 'vitest'
import { createAuthenticate } from '../shared/auth/key-authenticate.ts'
import type { KeyStore } from '../shared/auth/key-store.ts'
import { openSqliteKeyStore } from '../shared/auth/sqlite-key-store.ts'
import { runKeys } from './keys.ts'

describe('npm run keys', () => {
  let keys: KeyStore
  const run = (...args: string[]) => runKeys(args, { keys, now: 0, place: 'the server here' })
  beforeEach(() => {
    keys = openSqliteKeyStore(':memory:')
  })

  test('makes a key that works, shows it once, lists it without its secret, and revokes it', async () => {
    const authenticate = createAuthenticate({ keys, requireKeys: true, cacheMs: 0 })
    const [token = ''] = (await run('create', '--project', 'acme', '--scopes', 'read, admin', '--name', 'ci')).split(
      '\n',
    )
    const principal = await authenticate(`Bearer ${token}`, 'admin')
    expect(principal).toMatchObject({ project: 'acme', scopes: ['read', 'admin'] })
    const list = await run('list', '--project', 'acme')
    expect(list).toBe(`${principal.keyId}  read,admin  "ci"  made 1970-01-01T00:00:00.000Z`)
    expect(await run('list', '--project', 'other')).toBe('no keys')
    await run('revoke', `slk_${principal.keyId}`)
    await expect(authenticate(`Bearer ${token}`, 'read')).rejects.toMatchObject({ code: 'auth/invalid' })
    expect(await run('list', '--project', 'acme')).toMatch(/revoked 1970-/)
  })

  test('a key made for another data directory than the server has was announced like any', async () => {
    expect(await run('create', '--project', 'acme')).toContain('It opens the server here.')
  })

  test('a key may send and read unless told otherwise', async () => {
    await run('create', '--project', 'acme')
    expect(await run('list', '--project', 'acme')).toContain('  ingest,read  ')
  })

  test.each([
    [[], /say what to do/],
    [['make'], /say what to do/],
    [['create'], /--project NAME/],
    [['list'], /--project NAME/],
    [['revoke'], /say what to do/],
    [['create', 'acme'], /say what to do/],
    [['revoke', '0000000000000000'], /no such key; list shows/],
    [['revoke', "' OR 1=1"], /no such key/],
    [['create', '--project', '../etc'], /a project is 1 to 63/],
    [['create', '--project', 'acme', '--scopes', 'root'], /any of ingest, read, admin/],
    [['create', '--project', 'acme', '--force'], /--force/],
  ])('%j says what to do instead', async (args, message) => {
    await expect(run(...args)).rejects.toThrow(message)
    expect(await keys.any()).toBe(false)
  })
})
