import { expect, test } from 'vitest'
import { testObjectStore } from './object-store.suite.ts'
import { withPrefix } from './prefixed-store.ts'
import { createMemoryStore } from './test-store.ts'

testObjectStore(async () => {
  const store = createMemoryStore()
  await store.putIfAbsent('t/other', Buffer.from('x'))
  await store.putIfAbsent('z', Buffer.from('x'))
  return withPrefix(store, 'lakes/mine/')
})

test('two prefixes are two lakes', async () => {
  const store = createMemoryStore()
  await withPrefix(store, 'a/').putIfAbsent('x', Buffer.from('1'))
  await withPrefix(store, 'b/').putIfAbsent('x', Buffer.from('2'))
  expect([...store.objects.keys()]).toStrictEqual(['a/x', 'b/x'])
  expect(await Array.fromAsync(withPrefix(store, 'c/').list(''))).toStrictEqual([])
})
