import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Budget, DEFAULT_TERMS, newBudget, withTerms } from './budget.ts'
import { Calendar } from './period.ts'
import { type Bucket, fits, lookback, positionOf, reachedThresholds, spentShare } from './position.ts'

const DAY = 86_400_000
const NOW = Date.parse('2026-05-10T12:00:00Z')
const TODAY = Date.parse('2026-05-10T00:00:00Z')

function budgetOf(changes: Partial<Budget>): Budget {
  return {
    ...newBudget('p', 'b', { ...DEFAULT_TERMS, unit: 'usd', limit: 100n, period: 'day' }, TODAY - 3 * DAY),
    ...changes,
  }
}

function position(budget: Budget, buckets: readonly Bucket[], { now = NOW, reserved = 0n } = {}) {
  return positionOf(budget, new Calendar(budget), now, buckets, reserved)
}

const bucket = (start: number, spent: bigint): Bucket => ({ start, spent, unknown: 0 })
const grant = (id: string, amount: bigint, from: number, to: number) => ({ id, amount, from, to, note: '' })

describe('grants', () => {
  test('the one that expires first pays first, then the budget', () => {
    const budget = budgetOf({
      grants: [grant('late', 30n, TODAY, NOW + 2 * DAY), grant('soon', 20n, TODAY, NOW + DAY)],
    })
    const { grants, remaining, allowance } = position(budget, [bucket(TODAY, 60n)])
    expect(grants.map(({ remaining }) => remaining)).toEqual([0n, 0n])
    expect(remaining).toBe(90n)
    expect(allowance).toBe(150n)
  })

  test('a future-dated grant is not spent early (lessons: budgets 6)', () => {
    const budget = budgetOf({ grants: [grant('next', 50n, NOW + DAY, NOW + 2 * DAY)] })
    const today = position(budget, [bucket(TODAY, 100n)])
    expect(today.remaining).toBe(0n)
    expect(today.grants[0]?.remaining).toBe(50n)
    expect(fits(today, 1n)).toBe(false)
  })

  test('an overspent grant eats no other funds (lessons: budgets 6)', () => {
    const budget = budgetOf({
      grants: [grant('a', 10n, TODAY, NOW + DAY), grant('b', 40n, NOW + 1, NOW + 2 * DAY)],
    })
    const { grants, remaining } = position(budget, [bucket(TODAY, 25n)])
    expect(grants.find(({ grant }) => grant.id === 'b')?.remaining).toBe(40n)
    expect(remaining).toBe(100n - 15n)
  })

  test('what a grant paid yesterday it cannot pay today', () => {
    const budget = budgetOf({ grants: [grant('g', 30n, TODAY - DAY, NOW + DAY)] })
    const { remaining } = position(budget, [bucket(TODAY - DAY, 20n), bucket(TODAY, 50n)])
    expect(remaining).toBe(100n - 50n + 10n)
  })

  test('a grant that ended in this period cannot pay again what it paid before it (lessons: budgets 6)', () => {
    const budget = budgetOf({ grants: [grant('g', 30n, TODAY - DAY, TODAY + 6 * 3_600_000)] })
    const buckets = [bucket(TODAY - DAY, 30n), bucket(TODAY, 50n)]
    const from = lookback(budget, new Calendar(budget), NOW)
    expect(
      position(
        budget,
        buckets.filter(({ start }) => start >= from),
      ).remaining,
    ).toBe(100n - 50n)
  })

  test('what a revoked grant has paid stays paid, and no other grant pays it instead or is spared', () => {
    const revoked = (revokedAt?: number) =>
      budgetOf({
        grants: [
          { ...grant('far', 20n, TODAY, NOW + 2 * DAY), ...(revokedAt !== undefined && { revokedAt }) },
          grant('near', 10n, TODAY, NOW + DAY),
        ],
      })
    const buckets = [bucket(TODAY, 15n)]
    expect(position(revoked(), buckets).remaining).toBe(115n)
    expect(position(revoked(NOW), buckets).remaining).toBe(100n)
  })

  test('no grant pays more than it has, and every unit spent is paid exactly once', () => {
    const anyGrant = fc.record({ amount: fc.bigInt(0n, 50n), from: fc.nat(5), length: fc.integer({ min: 1, max: 5 }) })
    fc.assert(
      fc.property(
        fc.array(anyGrant, { maxLength: 4 }),
        fc.array(fc.bigInt(0n, 80n), { maxLength: 9 }),
        (given, spends) => {
          const hour = (n: number) => TODAY + n * 3_600_000
          const grants = given.map(({ amount, from, length }, i) =>
            grant(`${i}`, amount, hour(from), hour(from + length + 24)),
          )
          const budget = budgetOf({ grants, limit: 1_000n })
          const calendar = new Calendar(budget)
          const sums = new Map<number, bigint>()
          for (const [i, spent] of spends.entries()) {
            const start = calendar.bucket(hour(i))
            sums.set(start, (sums.get(start) ?? 0n) + spent)
          }
          const buckets = Array.from(sums, ([start, spent]) => bucket(start, spent))
          const { spent, remaining, allowance, grants: left } = position(budget, buckets)
          expect(spent).toBe(spends.reduce((sum, amount) => sum + amount, 0n))
          for (const { grant, remaining } of left) expect(remaining >= 0n && remaining <= grant.amount).toBe(true)
          expect(remaining).toBe(allowance - spent)
          const active = left.filter(({ grant }) => grant.from <= NOW)
          const total = active.reduce((sum, { grant }) => sum + grant.amount, 0n)
          expect(allowance <= 1_000n + total + left.reduce((sum, { grant }) => sum + grant.amount, 0n)).toBe(true)
        },
      ),
    )
  })
})

describe('carry-over', () => {
  const spends = [
    bucket(TODAY - 3 * DAY, 40n),
    bucket(TODAY - 2 * DAY, 130n),
    bucket(TODAY - DAY, 90n),
    bucket(TODAY, 5n),
  ]

  test('none, all, capped; overspending is not carried', () => {
    expect(position(budgetOf({ carryOver: 'none' }), spends).carried).toBe(0n)
    // 60 left, then 30 left of 160, then 40 left of 130.
    expect(position(budgetOf({ carryOver: 'all' }), spends).carried).toBe(40n)
    // 25 of 60, then 125 - 130 is nothing, then 10.
    expect(position(budgetOf({ carryOver: { cap: 25n } }), spends).carried).toBe(10n)
    expect(position(budgetOf({ carryOver: 'all' }), []).carried).toBe(300n)
  })

  test('raising the limit does not change what was left before', () => {
    const budget = withTerms(budgetOf({ carryOver: 'all' }), { ...budgetOf({ carryOver: 'all' }), limit: 1_000n }, NOW)
    expect(position(budget, spends).carried).toBe(40n)
    expect(position(budget, spends).remaining).toBe(1_000n + 40n - 5n)
  })

  test('turning it on carried what was left in all periods before, those whose spend is forgotten included', () => {
    const none = budgetOf({ since: TODAY - 300 * DAY })
    const all = withTerms(none, { ...none, carryOver: 'all' }, NOW)
    const capped = withTerms(all, { ...all, carryOver: { cap: 50n } }, NOW + DAY)
    expect(position(all, spends).carried).toBe(0n)
    expect(position(all, spends, { now: NOW + DAY }).carried).toBe(95n)
    expect(position(capped, spends, { now: NOW + DAY }).carried).toBe(50n)
    const again = withTerms(withTerms(all, none, NOW + DAY), { ...none, carryOver: 'all' }, NOW + 2 * DAY)
    expect(position(again, spends, { now: NOW + 2 * DAY }).carried).toBe(0n)
  })
})

describe('rolling windows', () => {
  const budget = budgetOf({ period: { rollingSeconds: 3_600 } })
  const minute = (n: number) => NOW + n * 60_000

  test('spend leaves at most a slice late and never early', () => {
    const spent = (now: number) => position(budget, [bucket(minute(0), 70n)], { now }).spent
    expect(spent(minute(59))).toBe(70n)
    expect(spent(minute(60))).toBe(70n)
    expect(spent(minute(61) - 1)).toBe(70n)
    expect(spent(minute(61))).toBe(0n)
  })

  test('it tells when the oldest spend leaves', () => {
    const { end } = position(budget, [bucket(minute(-30), 10n), bucket(minute(0), 10n)], { now: minute(5) })
    expect(end).toBe(minute(31))
  })
})

test('thresholds are reached exactly, not by rounding', () => {
  const reached = (spent: bigint) => reachedThresholds([0.5, 0.8, 1], position(budgetOf({}), [bucket(TODAY, spent)]))
  expect(reached(0n)).toEqual([])
  expect(reached(49n)).toEqual([])
  expect(reached(50n)).toEqual([0.5])
  expect(reached(99n)).toEqual([0.5, 0.8])
  expect(reached(100n)).toEqual([0.5, 0.8, 1])
})

test('a limit of nothing lets nothing through (lessons: budgets 5)', () => {
  const budget = budgetOf({ limit: 0n })
  expect(fits(position(budget, []), 0n)).toBe(false)
  expect(spentShare(position(budget, []))).toBe(0)
  expect(reachedThresholds([0.5, 1], position(budget, [bucket(TODAY, 1n)]))).toEqual([0.5, 1])
})
