import { expect, test } from 'vitest'
import { openSqliteTraceState } from './sqlite-trace-state.ts'
import { describeTraceState } from './trace-state.suite.ts'

describeTraceState('SQLite', async () => openSqliteTraceState({ path: ':memory:' }))

test('what is old is forgotten, and nothing else', async () => {
  let time = 0
  const store = openSqliteTraceState({ path: ':memory:', now: () => time++ })
  const entry = { digest: 'd', links: new Map(), usages: [], corrections: [] }
  const keys = ['aa', 'bb', 'cc'].map((byte) => ({ project: 'p', traceId: byte.repeat(16) }))
  const kept = () =>
    store.transact(keys, (known) => ({ append: [], result: keys.map((key) => known(key).length).join('') }))
  for (const key of keys) await store.transact([], () => ({ append: [{ ...key, entry }], result: undefined }))
  expect(await kept()).toBe('111')
  await store.prune(2)
  expect(await kept()).toBe('001')
  await store.prune(99)
  expect(await kept()).toBe('000')
  await store.close()
})
