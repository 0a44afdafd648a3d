import { expect, test } from 'vitest'
import { type Budget, endOf, MAX_GRANTS, newBudget, withGrant } from './budget.ts'
import { NOON, termsOf } from './ledger.fixtures.ts'

const DAY = 86_400_000

test('a grant for long was forgotten once there had been many short ones after it', () => {
  let budget: Budget = newBudget('p', 'b', termsOf(), NOON)
  const give = (id: string, now: number, to: number) => {
    budget = withGrant(budget, { id, amount: 5n, from: now, to, note: '' }, now)
  }
  give('year', NOON, NOON + 365 * DAY)
  for (let day = 0; day < 300; day++) give(`day ${day}`, NOON + day * DAY, NOON + (day + 1) * DAY)
  expect(budget.grants.map(({ id }) => id)).toEqual(expect.arrayContaining(['year', 'day 299', 'day 200']))
  expect(budget.grants.length).toBeLessThanOrEqual(2 * MAX_GRANTS)
  expect(budget.grants.filter((grant) => endOf(grant) > NOON + 299 * DAY)).toHaveLength(2)
})

test('no more grants are in force or to come than a budget can have', () => {
  let budget: Budget = newBudget('p', 'b', termsOf(), NOON)
  const give = (id: string) => withGrant(budget, { id, amount: 5n, from: NOON, to: NOON + DAY, note: '' }, NOON)
  for (let i = 0; i < MAX_GRANTS; i++) budget = give(String(i))
  expect(() => give('more')).toThrow(expect.objectContaining({ code: 'budget/invalid' }))
})
