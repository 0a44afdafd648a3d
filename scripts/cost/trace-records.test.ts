import { expect, test } from 'vitest'
import { openFirestoreTraceState } from '../../shared/pricing/firestore-trace-state.ts'
import { createCountedFirestore } from './counted-firestore.ts'
import { createMeter } from './meter.ts'

/** A trace that comes in so many messages, one after the other, and what Firestore bills for it. */
async function countMessages(messages: number) {
  const meter = createMeter()
  const store = openFirestoreTraceState({ firestore: createCountedFirestore(meter) })
  const key = { project: 'p', traceId: 't' }
  for (let n = 0; n < messages; n++) {
    const links = new Map([[`${n}`.padStart(16, '0'), { parent: '', tool: false }]])
    const entry = { digest: `d${n}`, links, usages: [], corrections: [] }
    const kept = await store.transact([key], (known) => ({ append: [{ ...key, entry }], result: known(key).length }))
    expect(kept).toBe(n)
  }
  const counts = meter.counts()
  return { reads: counts['firestore.reads']!, writes: counts['firestore.writes']! }
}

test('a trace of many messages is read some tens of times a message, not as often as it has messages', async () => {
  const few = await countMessages(24)
  expect(few).toStrictEqual({ reads: 1 + (24 * 23) / 2, writes: 24 })
  const many = await countMessages(720)
  expect(many.reads).toBeLessThan(20 * 720)
  expect(many.writes).toBeLessThan(2.1 * 720)
})
