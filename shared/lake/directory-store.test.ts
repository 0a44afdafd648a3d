import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { openDirectoryStore } from './directory-store.ts'
import { testObjectStore } from './object-store.suite.ts'

const root = await mkdtemp(join(tmpdir(), 'lake-'))
afterAll(() => rm(root, { recursive: true }))
const fresh = () => mkdtemp(join(root, 'store-'))

describe('a directory', () => {
  testObjectStore(async () => openDirectoryStore(join(await fresh(), 'made', 'when', 'missing')))
})

test('nothing is left of a write but the object', async () => {
  const path = await fresh()
  const store = openDirectoryStore(path)
  await store.putIfAbsent('a', Buffer.from('x'))
  await store.putIfAbsent('a', Buffer.from('y')).catch(() => {})
  expect(await readdir(join(path, '.tmp'))).toStrictEqual([])
})

test('what is in the way is named, with what to do', async () => {
  const path = await fresh()
  await writeFile(join(path, 'traces'), 'a file, not a directory')
  const store = openDirectoryStore(path)
  await expect(store.putIfAbsent('traces/a', Buffer.from('x'))).rejects.toMatchObject({
    code: 'lake/unavailable',
    message: expect.stringContaining(join(path, 'traces', 'a')),
  })
})

test('after its directory was removed under it, or only what it writes in, nothing was written until the next start', async () => {
  const path = await fresh()
  const store = openDirectoryStore(join(path, 'lake'))
  await store.putIfAbsent('a', Buffer.from('1'))
  for (const [name, gone] of [
    ['b', 'lake'],
    ['c', 'lake/.tmp'],
  ] as const) {
    await rm(join(path, gone), { recursive: true })
    await store.putIfAbsent(name, Buffer.from(name))
    expect(String(await store.read(name))).toBe(name)
  }
})
