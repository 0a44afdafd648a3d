import type { Budget } from './budget.ts'
import type { Rule } from './charge.ts'
import { type Bucket, currentWindow, isForgiven } from './position.ts'

/** A reset as carried out: the budget from then on, and what is taken off each bucket that had spent something. */
export interface ResetBudget {
  readonly budget: Budget
  readonly taken: readonly { readonly bucket: number; readonly amount: bigint }[]
}

/** Resets that a budget remembers: of earlier ones what came late, or is corrected late, counts in their periods. */
const MAX_RESETS = 100

/**
 * Resets a budget at `now`, given its buckets: spans that begin from then on are counted in a bucket of their own, and
 * what is said, now or later, of those that began before counts no more.
 */
export function resetBudget(
  { budget, calendar }: Pick<Rule, 'budget' | 'calendar'>,
  now: number,
  buckets: readonly Bucket[],
): ResetBudget {
  const { resets = [] } = budget
  const { start: from, end } = currentWindow(budget, calendar, now)
  const current = buckets.filter(({ start }) => start >= from && start < end && !isForgiven(budget, start))
  const last = resets.at(-1)?.at ?? 0
  const time = last < end ? Math.max(now, last) : now
  // A bucket that there is already holds spans of before.
  const at = Math.max(time, calendar.bucket(time) + 1)
  return {
    budget: { ...budget, resets: [...resets, { from, at }].slice(-MAX_RESETS) },
    taken: current.filter(({ spent }) => spent !== 0n).map(({ start, spent }) => ({ bucket: start, amount: -spent })),
  }
}
