import { expect, test } from 'vitest'
import { openSqliteTraceState } from './sqlite-trace-state.ts'
import { describeTraceState } from './trace-state.suite.ts'

describeTraceState('SQLite', async () => openSqliteTraceState({ path: ':memory:' }))

test('what is old is forgotten; what is kept is known by name, the latest first', async () => {
  let time = 0
  const store = openSqliteTraceState({ path: ':memory:', now: () => time++ })
  const entry = { digest: 'd', links: new Map(), usages: [], corrections: [] }
  for (const traceId of ['a', 'b', 'c'])
    await store.transact([], () => ({ append: [{ project: 'p', traceId, entries: [entry] }], result: undefined }))
  expect(await store.keys(2)).toMatchObject([{ traceId: 'c' }, { traceId: 'b' }])
  await store.prune(2)
  expect(await store.keys(9)).toMatchObject([{ project: 'p', traceId: 'c' }])
  await store.close()
})
