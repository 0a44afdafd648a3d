import { expect, test } from 'vitest'
import { MODES, type Mode, newBudget } from '../budget.ts'
import { NOON, termsOf } from '../ledger.fixtures.ts'
import type { BudgetState } from './documents.ts'
import { withHold } from './reservations.ts'

const hold = { amount: 1n, expiresAt: NOON + 1_000 }

/** A budget that holds all that its document takes. */
function full(mode: Mode): BudgetState {
  const holds = new Map(Array.from({ length: 2_000 }, (_, i) => [`res_${i}`, { ...hold, takenOff: 0n }]))
  const budget = newBudget('p', 'b', termsOf({ mode }), NOON)
  return { budget, deleted: false, handled: 0, buckets: new Map(), holds }
}

test('a budget that held all its document takes was said not to answer: one that fails open let all others through', () => {
  expect(() => withHold(full('hard'), 'more', hold, NOON)).toThrow(expect.objectContaining({ code: 'budget/busy' }))
})

test.each(['soft', 'observe'] as const)('a %s budget that held all its document takes refused all others', (mode) => {
  const { holds } = withHold(full(mode), 'more', hold, NOON)
  expect([holds.size, holds.has('more')]).toEqual([2_000, false])
  expect(withHold(full(mode), 'res_7', { ...hold, amount: 9n }, NOON).holds.get('res_7')?.amount).toBe(9n)
})

test.each(MODES)('what has expired makes room: %s', (mode) => {
  expect([...withHold(full(mode), 'more', hold, hold.expiresAt).holds.keys()]).toEqual(['more'])
})
