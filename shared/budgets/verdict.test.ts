import { expect, test } from 'vitest'
import type { StoredSum } from './stored-sums.ts'
import { judge, type Observation } from './verdict.ts'

const stored = (amount: bigint, settled = amount): StoredSum => ({
  ...{ amount, settled, isSettled: settled === amount, isUnclear: false },
})
const seen = (changes: Partial<Observation>): Observation => ({
  ...{ before: 10n, after: 10n, stored: stored(10n), isIdle: undefined, isFresh: false, isAhead: false },
  ...changes,
})
const spend = (amount: bigint) => ({ before: amount, after: amount })
const correct = (amount: bigint) => ({ kind: 'correct', amount })
const wait = expect.objectContaining({ kind: 'wait' })

test.each<[string, Partial<Observation>, unknown]>([
  ['nothing differs', {}, { kind: 'equal' }],
  ['too little, nothing on its way', { ...spend(4n), isIdle: true }, correct(6n)],
  ['too much, nothing on its way', { ...spend(14n), isIdle: true }, correct(-4n)],
  ['too much, and spans on their way', { ...spend(14n), isIdle: false }, wait],
  ['spans came meanwhile', { before: 3n, after: 4n, isIdle: true }, wait],
  ['fresh spans that may be on their way to the ledger', { stored: stored(15n, 8n) }, { kind: 'equal' }],
  ['less than all settled spans', { ...spend(4n), stored: stored(15n, 8n) }, correct(4n)],
  ['too much, of which fresh spans may explain a part', { ...spend(20n), stored: stored(15n, 8n) }, wait],
  ['too much, debited of late', { ...spend(14n), isFresh: true }, wait],
  ['too little, debited of late', { ...spend(4n), isFresh: true }, correct(6n)],
  ['too much, and the warehouse lacks spans', { ...spend(14n), isAhead: true }, wait],
  ['too much', spend(14n), correct(-4n)],
  ['a span whose budgets are forgotten', { stored: { ...stored(4n), isUnclear: true }, isIdle: true }, wait],
])('%s', (_, changes, verdict) => {
  const now = seen(changes)
  expect(judge(now, now)).toEqual(verdict)
})

test('where nobody can tell what is on its way, the same must be seen twice', () => {
  const now = seen(spend(4n))
  expect(judge(now)).toEqual(wait)
  expect(judge(now, seen(spend(5n)))).toEqual(wait)
  expect(judge(now, seen({ ...spend(4n), stored: stored(11n) }))).toEqual(wait)
  expect(judge(now, now)).toEqual(correct(6n))
})
