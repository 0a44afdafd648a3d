import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { createApiKey } from './api-key.ts'
import { describeKeyStore } from './key-store.suite.ts'
import { openSqliteKeyStore } from './sqlite-key-store.ts'

const directory = mkdtempSync(join(tmpdir(), 'spanledger-keys-'))
afterAll(() => rmSync(directory, { recursive: true }))

describeKeyStore('SQLite', async () => openSqliteKeyStore(':memory:'))

test('what one process makes, another sees at once and after reopening', async () => {
  const path = join(directory, 'deep', 'keys.sqlite')
  const server = openSqliteKeyStore(path)
  const command = openSqliteKeyStore(path)
  const { key } = createApiKey({ project: 'acme', scopes: ['read'], name: '', now: 1 })
  await command.create(key)
  expect(await server.get(key.id)).toStrictEqual(key)
  await Promise.all([server.close(), command.close()])
  const reopened = openSqliteKeyStore(path)
  expect(await reopened.list('acme')).toStrictEqual([key])
  await reopened.close()
})

test('a file that is no database is unavailable, not a crash that shows it', () => {
  const path = join(directory, 'broken.sqlite')
  writeFileSync(path, 'this is not a database, whatever its name says. '.repeat(100))
  expect(() => openSqliteKeyStore(path)).toThrow(expect.objectContaining({ code: 'store/unavailable' }))
})

test('a closed store is unavailable', async () => {
  const keys = openSqliteKeyStore(':memory:')
  await keys.close()
  await keys.close()
  await expect(keys.get('a')).rejects.toMatchObject({ code: 'store/unavailable' })
})
