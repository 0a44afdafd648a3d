import { expect, test } from 'vitest'
import { newBudget } from '../budget.ts'
import { NOON, termsOf } from '../ledger.fixtures.ts'
import type { BudgetState } from './documents.ts'
import { withHold } from './reservations.ts'

test('a budget that held all its document takes was said not to answer: one that fails open let all others through', () => {
  const budget = newBudget('p', 'b', termsOf(), NOON)
  const hold = { amount: 0n, expiresAt: NOON + 1_000 }
  const held = new Map(Array.from({ length: 2_000 }, (_, i) => [`res_${i}`, { ...hold, takenOff: 0n }]))
  const full: BudgetState = { budget, deleted: false, handled: 0, buckets: new Map(), holds: held }
  expect(() => withHold(full, 'more', hold, NOON)).toThrow(expect.objectContaining({ code: 'budget/busy' }))
  expect(withHold(full, 'more', hold, hold.expiresAt).holds.size).toBe(1)
})
