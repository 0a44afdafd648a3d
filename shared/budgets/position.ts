import { type Budget, endOf, type Grant } from './budget.ts'
import { type Calendar, FOREVER, periodName, sliceMillis, type Window } from './period.ts'

/** What one bucket (`period.ts`) has counted, in the budget's unit. */
export interface Bucket {
  readonly start: number
  readonly spent: bigint
  /** Calls whose amount is not known. */
  readonly unknown: number
}

/** Where a budget stands. Amounts in its unit, times in milliseconds since 1970. */
export interface Position {
  readonly period: string
  readonly start: number
  /** When the period ends; of a rolling window, when its oldest spend leaves it. */
  readonly end: number
  readonly spent: bigint
  /** Held by open reservations. */
  readonly reserved: bigint
  /** What may be spent in this period in all: the limit, what was carried over, and grants. */
  readonly allowance: bigint
  /** What can still be reserved; negative after overspending. */
  readonly remaining: bigint
  readonly carried: bigint
  /** What each grant that has not expired still holds. */
  readonly grants: readonly { readonly grant: Grant; readonly remaining: bigint }[]
  /** Calls of this period whose amount is not known and that count as 0. */
  readonly unknown: number
}

/** How far back carried-over funds are followed. */
export const MAX_CARRIED_PERIODS = 400

/** The time from which on buckets bear on where `budget` stands at `now`. */
export function lookback(budget: Budget, calendar: Calendar, now: number): number {
  const first = carriedPeriods(budget, calendar, now)[0]
  let from = Math.min(currentWindow(budget, calendar, now).start, first?.start ?? now)
  // What a grant can pay from then on depends on what it has paid before, and that on the grants of that time.
  const latestFirst = budget.grants.toSorted((a, b) => endOf(b) - endOf(a))
  for (const grant of latestFirst) if (endOf(grant) > from) from = Math.min(from, calendar.window(grant.from).start)
  return from
}

/** The period that counts at `now`: of a rolling window, all slices that it touches. */
export function currentWindow({ period }: Budget, calendar: Calendar, now: number): Window {
  if (typeof period !== 'object') return calendar.window(now)
  const size = sliceMillis(period.rollingSeconds)
  const start = Math.floor((now - period.rollingSeconds * 1000) / size) * size
  return { start, end: calendar.window(now).end }
}

/**
 * Where `budget` stands at `now`, given all its buckets since {@link lookback} in order of start, and what open
 * reservations hold. The same spend gives the same position in whatever order it came.
 */
export function positionOf(
  budget: Budget,
  calendar: Calendar,
  now: number,
  buckets: readonly Bucket[],
  reserved: bigint,
): Position {
  const window = currentWindow(budget, calendar, now)
  const counted = buckets.filter(({ start }) => !isForgiven(budget, start))
  const { own, left } = payByGrants(budget, counted)
  const within = (start: number) => start >= window.start && start < window.end
  const current = counted.filter(({ start }) => within(start))
  const spent = current.reduce((sum, bucket) => sum + bucket.spent, 0n)
  const ownSpent = own.reduce((sum, bucket) => (within(bucket.start) ? sum + bucket.spent : sum), 0n)
  const carried = carriedInto(budget, carriedPeriods(budget, calendar, now), own)
  const grants = budget.grants
    .filter((grant) => endOf(grant) > now)
    .map((grant) => ({ grant, remaining: left.get(grant.id) ?? grant.amount }))
  const granted = grants.reduce((sum, { grant, remaining }) => (grant.from <= now ? sum + remaining : sum), 0n)
  const unreserved = budget.limit + carried - ownSpent + granted
  return {
    period: periodName(budget.period, budget.timeZone, window.start),
    start: window.start,
    end: typeof budget.period === 'object' ? leaves(budget.period, calendar, current, now) : window.end,
    spent,
    reserved,
    allowance: spent + unreserved,
    remaining: unreserved - reserved,
    carried,
    grants,
    unknown: current.reduce((sum, bucket) => sum + bucket.unknown, 0),
  }
}

/** Whether what is counted in the bucket at `start` was forgiven by a reset. */
export function isForgiven({ resets }: Budget, start: number): boolean {
  return resets?.some(({ from, at }) => start >= from && start < at) ?? false
}

/** When the oldest spend leaves a rolling window. */
function leaves(
  period: { rollingSeconds: number },
  calendar: Calendar,
  current: readonly Bucket[],
  now: number,
): number {
  const oldest = current.find(({ spent }) => spent > 0n)
  return calendar.window(oldest?.start ?? now).end + period.rollingSeconds * 1000
}

/** Whether `amount` more fits: an amount of nothing does not fit when nothing is left. */
export function fits(position: Position, amount: bigint): boolean {
  return position.remaining > 0n && amount <= position.remaining
}

/** The share of the allowance that is spent: 0.5 is half. Without an allowance, 0 as long as nothing is spent, then 1 or more. */
export function spentShare({ spent, allowance }: Position): number {
  if (allowance > 0n) return Number((spent * 1_000_000n) / allowance) / 1_000_000
  return spent > 0n ? 1 : 0
}

/** Those of `thresholds` that `position` has reached. */
export function reachedThresholds(thresholds: readonly number[], position: Position): number[] {
  const { spent, allowance } = position
  if (spent <= 0n) return []
  return thresholds.filter(
    (share) => spent * 1_000_000n >= (allowance > 0n ? allowance : 0n) * BigInt(Math.round(share * 1e6)),
  )
}

/** Lets grants pay for the spend of their time, first to expire first; `own` is what is left for the budget itself to pay. */
function payByGrants(
  budget: Budget,
  buckets: readonly Bucket[],
): {
  readonly own: readonly { readonly start: number; readonly spent: bigint }[]
  readonly left: ReadonlyMap<string, bigint>
} {
  const left = new Map(budget.grants.map(({ id, amount }) => [id, amount]))
  if (budget.grants.length === 0) return { own: buckets, left }
  const inOrder = budget.grants.toSorted((a, b) => a.to - b.to || a.from - b.from || (a.id < b.id ? -1 : 1))
  const own = buckets.map(({ start, spent }) => {
    let unpaid = spent
    for (const grant of inOrder) {
      if (unpaid <= 0n) break
      const available = left.get(grant.id) ?? 0n
      if (start < grant.from || start >= endOf(grant) || available <= 0n) continue
      const paid = unpaid < available ? unpaid : available
      left.set(grant.id, available - paid)
      unpaid -= paid
    }
    return { start, spent: unpaid }
  })
  return { own, left }
}

/** The periods before the current one whose rest may have been carried into it, oldest first. */
function carriedPeriods(budget: Budget, calendar: Calendar, now: number): Window[] {
  const { period, carryOver, since, carriesSince = since } = budget
  if (carryOver === 'none' || period === 'total' || typeof period === 'object') return []
  const periods: Window[] = []
  let { start } = calendar.window(now)
  while (start > Math.max(since, carriesSince) && periods.length < MAX_CARRIED_PERIODS) {
    const before = calendar.window(start - 1)
    periods.push(before)
    start = before.start
  }
  return periods.reverse()
}

function carriedInto(
  budget: Budget,
  periods: readonly Window[],
  own: readonly { readonly start: number; readonly spent: bigint }[],
): bigint {
  const cap = typeof budget.carryOver === 'object' ? budget.carryOver.cap : undefined
  let carried = 0n
  let next = 0
  for (const { start, end } of periods) {
    let rest = limitAt(budget, end) + carried
    while (next < own.length && own[next]!.start < end) {
      if (own[next]!.start >= start) rest -= own[next]!.spent
      next++
    }
    carried = rest > 0n ? rest : 0n
    if (cap !== undefined && carried > cap) carried = cap
  }
  return carried
}

/** The limit that held when a period ended: raising it later does not change what was left then. */
function limitAt(budget: Budget, end: number): bigint {
  return budget.formerLimits.find(({ until }) => until >= end)?.limit ?? budget.limit
}

/** `end` of a position for people: null where a period never ends. */
export function endOrNull(end: number): number | null {
  return end >= FOREVER ? null : end
}
