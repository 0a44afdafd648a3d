import type { Budget } from './budget.ts'
import { FOREVER } from './period.ts'
import type { Position } from './position.ts'

/** What becomes of a budget when spending goes on at the pace of its period so far. */
export interface Forecast {
  /** When nothing is left, milliseconds since 1970; null when that is not within the period. */
  readonly crossesAt: number | null
  /** What will be spent when the period ends; null where it never does. */
  readonly spentAtEnd: bigint | null
}

/** Follows the pace since the period began, or the budget was made or reset in it, to the period's end. */
export function forecast(budget: Budget, position: Position, now: number): Forecast {
  const rolling = typeof budget.period === 'object'
  const begun = Math.max(budget.period === 'total' ? budget.createdAt : position.start, budget.resets?.at(-1)?.at ?? 0)
  const elapsed = BigInt(Math.max(1, Math.floor(now - begun)))
  const endless = rolling || position.end >= FOREVER
  const spentAtEnd = endless ? null : (position.spent * BigInt(Math.max(1, position.end - begun))) / elapsed
  if (position.remaining <= 0n) return { crossesAt: Math.floor(now), spentAtEnd }
  if (position.spent <= 0n) return { crossesAt: null, spentAtEnd }
  const at = now + Number((position.remaining * elapsed) / position.spent)
  return { crossesAt: at < Math.min(position.end, FOREVER) ? at : null, spentAtEnd }
}
