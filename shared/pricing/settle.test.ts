import { expect, test } from 'vitest'
import { buildChat } from '../../test/support/span.ts'
import { MAX_KEPT_SPANS, settle } from './settle.ts'
import { readSlices, type TraceSlice, usageOf } from './slice.ts'
import { MAX_KEPT_ENTRIES, type TraceEntry } from './trace-state.ts'

const slice = (spanId: string, input: number, operation: string, parentSpanId?: string) => {
  const attributes = { 'gen_ai.operation.name': operation }
  const place = { spanId, ...(parentSpanId !== undefined && { parentSpanId }) }
  return [...readSlices([buildChat('gpt-4o', { input_tokens: input }, { ...place, attributes })]).slices.values()][0]!
}
const empty = (digest: string, spans = 0): TraceEntry => ({
  digest,
  links: new Map(Array.from({ length: spans }, (_, index) => [`${index}`, { parent: '', tool: false }])),
  usages: [],
  corrections: [],
})
const agent = slice('a', 100, 'invoke_agent')
const call = slice('b', 60, 'chat', 'a')
/** What the message bills where nothing else is known, and its digest. */
const message = (of: TraceSlice, digest: string, now: number) => ({
  digest,
  now,
  alone: new Map(of.usages.map(({ spanId, call }) => [spanId, usageOf(call)])),
  say: () => undefined,
})
const settleAt = (known: readonly TraceEntry[], of: TraceSlice, digest: string, now: number) =>
  settle(known, of, message(of, digest, now))
const inputOf = (billed: readonly number[] | undefined) => billed?.[0]

test('a call that comes later corrects its agent, by the later of clock and last revision', () => {
  const first = settleAt([], agent, 'd1', 1000)
  expect(inputOf(first.billed.get('a'.padStart(16, '0')))).toBe(100)
  const second = settleAt([first.entry!], call, 'd2', 2000)
  expect(second.corrections.map(({ correction }) => [correction.revision, inputOf(correction.billed)])).toStrictEqual([
    [2000, 40],
  ])
  const third = settleAt([first.entry!, second.entry!], slice('c', 30, 'chat', 'a'), 'd3', 1500)
  expect(third.corrections.map(({ correction }) => [correction.revision, inputOf(correction.billed)])).toStrictEqual([
    [2001, 10],
  ])
})

test('a message that was settled is answered as it was, and kept no more', () => {
  const first = settleAt([], agent, 'd1', 1000)
  const second = settleAt([first.entry!], call, 'd2', 2000)
  const again = settleAt([first.entry!, second.entry!], agent, 'd1', 3000)
  expect([...again.billed]).toStrictEqual([...first.billed])
  expect(again).toMatchObject({ corrections: [], entry: undefined })
})

test('past the bounds a message is settled alone and not kept', () => {
  for (const known of [
    [empty('d0', MAX_KEPT_SPANS)],
    Array.from({ length: MAX_KEPT_ENTRIES }, (_, index) => empty(`d${index}`)),
  ]) {
    const { billed, corrections, entry } = settleAt(known, agent, 'new', 1000)
    expect(inputOf(billed.get('a'.padStart(16, '0')))).toBe(100)
    expect([corrections, entry]).toStrictEqual([[], undefined])
  }
})
