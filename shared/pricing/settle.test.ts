import { expect, test } from 'vitest'
import { buildChat } from '../../test/support/span.ts'
import { MAX_KEPT_SPANS, settle } from './settle.ts'
import { readSlices } from './slice.ts'
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
const inputOf = (billed: readonly number[] | undefined) => billed?.[0]

test('a call that comes later corrects its agent, by the later of clock and last revision', () => {
  const first = settle([], agent, 'd1', 1000)
  expect(inputOf(first.billed.get('a'.padStart(16, '0')))).toBe(100)
  const second = settle([first.entry!], call, 'd2', 2000)
  expect(second.corrections.map(({ correction }) => [correction.revision, inputOf(correction.billed)])).toStrictEqual([
    [2000, 40],
  ])
  const third = settle([first.entry!, second.entry!], slice('c', 30, 'chat', 'a'), 'd3', 1500)
  expect(third.corrections.map(({ correction }) => [correction.revision, inputOf(correction.billed)])).toStrictEqual([
    [2001, 10],
  ])
})

test('a message that was settled is answered as it was, and kept no more', () => {
  const first = settle([], agent, 'd1', 1000)
  const second = settle([first.entry!], call, 'd2', 2000)
  const again = settle([first.entry!, second.entry!], agent, 'd1', 3000)
  expect([...again.billed]).toStrictEqual([...first.billed])
  expect(again).toMatchObject({ corrections: [], entry: undefined })
})

test('past the bounds a message is settled alone and not kept', () => {
  for (const known of [
    [empty('d0', MAX_KEPT_SPANS)],
    Array.from({ length: MAX_KEPT_ENTRIES }, (_, index) => empty(`d${index}`)),
  ]) {
    const { billed, corrections, entry } = settle(known, agent, 'new', 1000)
    expect(inputOf(billed.get('a'.padStart(16, '0')))).toBe(100)
    expect([corrections, entry]).toStrictEqual([[], undefined])
  }
})
