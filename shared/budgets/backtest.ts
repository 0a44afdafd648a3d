import type { RowContext } from '../spans/columns.ts'
import type { PricedSpan } from '../spans/ledger.ts'
import { type BudgetTerms, type Grant, newBudget } from './budget.ts'
import { chargesOf, compileRules } from './charge.ts'
import { type Bucket, fits, lookback, positionOf } from './position.ts'
import { createRunningCalls } from './running-calls.ts'

/** What a budget would have done in one period. Amounts in the budget's unit. */
export interface BacktestPeriod {
  readonly period: string
  /** Milliseconds since 1970. */
  readonly start: number
  calls: number
  blocked: number
  spent: bigint
  /** What the blocked calls had cost. */
  saved: bigint
}

export interface BacktestReport extends Omit<BacktestPeriod, 'period' | 'start'> {
  /** Calls whose cost is not known; none was blocked for its own sake. */
  readonly unknown: number
  /** Milliseconds since 1970; null if nothing was blocked. */
  readonly firstBlockedAt: number | null
  readonly periods: readonly BacktestPeriod[]
}

/** A span, and which API key sent it, as far as that is known. */
export type RecordedSpan = PricedSpan & { readonly context?: Pick<RowContext, 'keyId'> }

/** Plays recorded spans against a budget. */
export interface Backtest {
  /** Spans in order of their start times, over all calls of it. Returns the ids (`trace:span`) of those blocked. */
  add(spans: readonly RecordedSpan[]): readonly string[]
  report(): BacktestReport
}

/**
 * Plays a hard budget as if it had been there from `since` (milliseconds since 1970) with `grants`, and every call had reserved just what
 * it then cost: decided by the same rules as live, a call is held from its start to its end and spent in the period of its start.
 */
export function createBacktest(terms: BudgetTerms, since: number, grants: readonly Grant[] = []): Backtest {
  const budget = { ...newBudget('', 'backtest', { ...terms, mode: 'hard' }, since), grants }
  const { rules } = compileRules([budget], 0)
  const calendar = rules[0]!.calendar
  const sums = new Map<number, bigint>()
  const running = createRunningCalls()
  const periods = new Map<string, BacktestPeriod>()
  const total = { calls: 0, blocked: 0, spent: 0n, saved: 0n, unknown: 0, firstBlockedAt: null as number | null }

  const settleUntil = (now: number) => {
    for (const { bucket, amount } of running.endBy(now)) sums.set(bucket, (sums.get(bucket) ?? 0n) + amount)
  }

  return {
    add(spans) {
      const blocked: string[] = []
      for (const priced of spans) {
        const charge = chargesOf({ rules }, [priced], priced.context?.keyId).charges.find(
          ({ claimed }) => claimed.matched,
        )
        if (charge === undefined) continue
        const { at, bucket, claimed, traceId, spanId } = charge
        settleUntil(at)
        const from = lookback(budget, calendar, at)
        for (const start of sums.keys()) if (start < from) sums.delete(start)
        const buckets = Array.from(sums, ([start, spent]): Bucket => ({ start, spent, unknown: 0 }))
        buckets.sort((a, b) => a.start - b.start)
        const position = positionOf(budget, calendar, at, buckets, running.held)
        const { period, start } = position
        const own = periods.get(period) ?? { period, start, calls: 0, blocked: 0, spent: 0n, saved: 0n }
        periods.set(period, own)
        const amount = claimed.value > 0n ? claimed.value : 0n
        if (claimed.value < 0n) total.unknown++
        for (const count of [own, total]) count.calls++
        if (fits(position, amount)) {
          for (const count of [own, total]) count.spent += amount
          const end = Math.max(at, Number(priced.span.endTimeUnixNano / 1_000_000n))
          running.add({ end, bucket, amount })
          continue
        }
        for (const count of [own, total]) {
          count.blocked++
          count.saved += amount
        }
        total.firstBlockedAt ??= at
        blocked.push(`${traceId}:${spanId}`)
      }
      return blocked
    },
    report: () => ({ ...total, periods: [...periods.values()] }),
  }
}
