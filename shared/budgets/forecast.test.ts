import { expect, test } from 'vitest'
import { newBudget } from './budget.ts'
import { forecast } from './forecast.ts'
import { NOON, termsOf } from './ledger.fixtures.ts'
import { Calendar } from './period.ts'
import { positionOf } from './position.ts'

const HOUR = 3_600_000

test('the pace after a reset was taken over all of the period: what was spent in an hour for what twelve had taken', () => {
  const midnight = NOON - 12 * HOUR
  const budget = { ...newBudget('p', 'b', termsOf({ limit: 100n }), midnight), resets: [{ from: midnight, at: NOON }] }
  const now = NOON + HOUR
  const position = positionOf(budget, new Calendar(budget), now, [{ start: NOON, spent: 25n, unknown: 0 }], 0n)
  expect(forecast(budget, position, now)).toEqual({ crossesAt: NOON + 4 * HOUR, spentAtEnd: 300n })
  const next = positionOf(budget, new Calendar(budget), now + 24 * HOUR, [], 0n)
  expect(forecast(budget, { ...next, spent: 26n, remaining: 74n }, now + 24 * HOUR).spentAtEnd).toBe(48n)
})
