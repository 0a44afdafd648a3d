import { expect, test } from 'vitest'
import { openSqliteTraceState } from './sqlite-trace-state.ts'
import { describeTraceState } from './trace-state.suite.ts'
import { KEEP_MS, type TraceKey } from './trace-state.ts'

const ENTRY = { digest: 'd', links: new Map(), usages: [], corrections: [] }
const KEYS: readonly TraceKey[] = ['aa', 'bb', 'cc'].map((byte) => ({ project: 'p', traceId: byte.repeat(16) }))

describeTraceState('SQLite', async () => openSqliteTraceState({ path: ':memory:' }))

test('what is a day old is forgotten, and nothing else', async () => {
  let time = 0
  const store = openSqliteTraceState({ path: ':memory:', now: () => time })
  const kept = () => store.transact(KEYS, (known) => ({ append: [], result: KEYS.map((key) => known(key).length) }))
  for (const key of KEYS) {
    await store.transact([], () => ({ append: [{ ...key, entry: ENTRY }], result: undefined }))
    time += KEEP_MS * 0.6
  }
  expect(await kept()).toStrictEqual([0, 1, 1])
  await store.close()
})

test('a day of old traces does not hold up pricing: they are forgotten a few at a time, and all in the end', async () => {
  let time = 0
  const store = openSqliteTraceState({ path: ':memory:', now: () => time })
  const old = Array.from({ length: 5000 }, (_, index) => ({ project: 'p', traceId: hexId(index) }))
  const append = (keys: readonly TraceKey[]) =>
    store.transact([], () => ({ append: keys.map((key) => ({ ...key, entry: ENTRY })), result: undefined }))
  const left = () =>
    store.transact(old, (known) => ({ append: [], result: old.filter((key) => known(key).length > 0).length }))
  await append(old)
  time = KEEP_MS + 1
  let before = await left()
  for (let message = 0; before > 0; message++) {
    const added = Array.from({ length: 32 }, (_, index) => ({
      project: 'p',
      traceId: hexId(1e6 + message * 32 + index),
    }))
    await append(added)
    const after = await left()
    expect(before - after).toBeGreaterThanOrEqual(Math.min(before, 2 * added.length))
    expect(before - after).toBeLessThanOrEqual(4 * added.length)
    before = after
  }
  await store.close()
})

function hexId(index: number): string {
  return index.toString(16).padStart(32, '0')
}
