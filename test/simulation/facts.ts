import { type Amounts, UNITS, type Unit } from '../../shared/budgets/amount.ts'
import type { Budget } from '../../shared/budgets/budget.ts'
import { type Claimed, joinClaims, spentBy, unknownBy } from '../../shared/budgets/claim.ts'
import { Calendar } from '../../shared/budgets/period.ts'
import { type Bucket, lookback, type Position, positionOf } from '../../shared/budgets/position.ts'

/** How long a reservation or a lease holds, in milliseconds. */
export const TTL_MS = 30_000

/** A budget as it was when something was said of it: what is said of another count says nothing of this one. */
export interface Target {
  readonly id: string
  readonly generation: number
}

export interface ModelReservation {
  readonly budgets: readonly Target[]
  readonly amounts: Required<Amounts>
  readonly createdAt: number
  state: 'open' | 'settled' | 'released'
  /** What it was settled at and still stands for spans that have not come. */
  charged: (Target & { readonly bucket: number; readonly amount: bigint })[]
  /** Ids of the budgets that spans have told what was spent. */
  readonly came: Set<string>
}

export interface ModelLease {
  readonly budgets: readonly Target[]
  readonly createdAt: number
  expiresAt: number
  granted: Required<Amounts>
  used: Required<Amounts> | null
  /** What spans have taken off it, by id of budget. */
  readonly came: Map<string, bigint>
}

/** What is known of a span in one count of a budget, and the bucket that counted it first. */
export interface ModelClaim extends Target {
  readonly bucket: number
  claimed: Claimed
}

/** Everything that has happened in a project: a model too simple to be wrong, which adds all of it up for every answer. */
export interface Facts {
  readonly project: string
  /** As the rules of budgets themselves change them. */
  readonly budgets: Budget[]
  readonly reservations: Map<string, ModelReservation>
  readonly leases: Map<string, ModelLease>
  /** By budget, count and span. */
  readonly claims: Map<string, ModelClaim>
  /** What resets have taken off buckets. */
  readonly taken: (Target & { readonly bucket: number; readonly amount: bigint })[]
  /** Grants that have been given, and not ended with what the budget counted then. */
  readonly given: Set<string>
  readonly handled: Set<string>
  handledSpans: number
  /** What may exceed a limit, by id of budget: the terms of the documented bound. */
  readonly excess: Map<string, bigint>
}

/** The budgets that apply to calls of `user`. */
export function applying({ budgets }: Facts, user: string): Budget[] {
  return budgets.filter(({ selector }) => selector.user === undefined || selector.user.includes(user))
}

/** Where `budget` stands at `now`. */
export function standing(facts: Facts, budget: Budget, now: number): Position {
  const calendar = calendarOf(budget)
  const from = lookback(budget, calendar, now)
  const buckets = bucketsOf(facts, budget).filter(({ start }) => start >= from)
  return positionOf(budget, calendar, now, buckets, heldOf(facts, budget, now))
}

/** What each bucket of a budget has counted, in order of start. */
export function bucketsOf({ claims, reservations, taken }: Facts, budget: Budget): Bucket[] {
  const sums = new Map<number, Bucket>()
  const add = (own: Target & { readonly bucket: number }, spent: bigint, unknown = 0) => {
    if (!isOf(own, budget)) return
    const { bucket: start } = own
    const before = sums.get(start) ?? { start, spent: 0n, unknown: 0 }
    sums.set(start, { start, spent: before.spent + spent, unknown: before.unknown + unknown })
  }
  for (const own of claims.values()) add(own, spentBy(own.claimed), unknownBy(own.claimed))
  for (const { charged } of reservations.values()) for (const own of charged) add(own, own.amount)
  for (const own of taken) add(own, own.amount)
  return [...sums.values()].sort((a, b) => a.start - b.start)
}

/** What open reservations and leases hold of `budget` at `now`. */
export function heldOf({ reservations, leases }: Facts, budget: Budget, now: number): bigint {
  let sum = 0n
  for (const own of reservations.values()) sum += heldBy(own, budget, now)
  for (const lease of leases.values()) sum += leftOf(lease, budget, now)
  return sum
}

/** What a reservation holds of `budget`. */
export function heldBy({ budgets, amounts, state, came, createdAt }: ModelReservation, budget: Budget, now: number) {
  const isOpen = state === 'open' && !came.has(budget.id) && createdAt + TTL_MS > now
  return isOpen && budgets.some((target) => isOf(target, budget)) ? amounts[budget.unit] : 0n
}

/** What is left of a lease in `budget`. */
export function leftOf({ budgets, expiresAt, granted, used, came }: ModelLease, budget: Budget, now: number): bigint {
  if (expiresAt <= now || !budgets.some((target) => isOf(target, budget))) return 0n
  const left = (used ?? granted)[budget.unit] - (came.get(nameOf(budget)) ?? 0n)
  return left > 0n ? left : 0n
}

/** Joins what is said of a span to what is known of it; returns what that adds to what the budget has counted. */
export function claim(
  { claims }: Facts,
  budget: Budget,
  { name, at, claimed }: { readonly name: string; readonly at: number; readonly claimed: Claimed },
): bigint {
  const key = `${nameOf(budget)}/${name}`
  const known = claims.get(key)
  const joined = joinClaims(known?.claimed, claimed)
  const { id, generation } = budget
  claims.set(key, { id, generation, bucket: known?.bucket ?? calendarOf(budget).bucket(at), claimed: joined })
  return spentBy(joined) - spentBy(known?.claimed)
}

/** Whether `target` is this count of this budget. */
export function isOf({ id, generation }: Target, budget: Target): boolean {
  return id === budget.id && generation === budget.generation
}

/** One count of one budget. */
export function nameOf({ id, generation }: Target): string {
  return `${id}/${generation}`
}

export function perUnit(amountOf: (unit: Unit) => bigint): Required<Amounts> {
  return Object.fromEntries(UNITS.map((unit) => [unit, amountOf(unit)])) as Required<Amounts>
}

const calendars = new Map<string, Calendar>()

/** Budgets are copied for every order that is tried; finding boundaries of time zones anew each time would take most of the time. */
export function calendarOf(budget: Budget): Calendar {
  const { period, timeZone, grants, resets } = budget
  const cuts = [grants.map(({ from, to, revokedAt }) => [from, to, revokedAt]), resets?.map(({ at }) => at)]
  const key = JSON.stringify([period, timeZone, cuts])
  const known = calendars.get(key) ?? new Calendar(budget)
  if (calendars.size >= 1_000) calendars.clear()
  calendars.set(key, known)
  return known
}
