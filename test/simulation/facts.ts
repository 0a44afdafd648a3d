import type { CalendarPeriod } from '../../shared/budgets/budget.ts'
import { MAX_LEASE_MS } from '../../shared/budgets/lease.ts'
import type { TestSpan } from '../../shared/budgets/ledger.fixtures.ts'
import { calendarWindow } from '../../shared/budgets/period.ts'
import { reservationId } from '../../shared/budgets/reservation.ts'

/** How long a reservation or a lease holds, in milliseconds. */
export const TTL_MS = 30_000
/** The rolling windows: an hour, in slices of a minute. */
export const ROLLING_SECONDS = 3_600
const SLICE_MS = 60_000

/** What the model knows of a budget. */
export interface ModelBudget {
  readonly id: string
  readonly user: string | null
  readonly period: CalendarPeriod | 'rolling'
  readonly zone: string
  limit: bigint
}

interface ModelReservation {
  readonly budgets: readonly string[]
  readonly amount: bigint
  readonly createdAt: number
  state: 'open' | 'settled' | 'released'
  settledAt: bigint | null
  /** Whether what it was settled at still stands for spans that have not come. */
  provisional: boolean
  spansCame: boolean
}

interface ModelLease {
  readonly budgets: readonly string[]
  readonly createdAt: number
  expiresAt: number
  granted: bigint
  used: bigint | null
  /** What spans have taken off it, by budget. */
  readonly came: Map<string, bigint>
}

interface ModelSpan {
  readonly budgets: Set<string>
  readonly at: number
  value: bigint
  revision: number
}

/** Everything that has happened in a project: a model too simple to be wrong, which adds all of it up for every answer. */
export interface Facts {
  readonly project: string
  readonly budgets: ModelBudget[]
  readonly reservations: Map<string, ModelReservation>
  readonly leases: Map<string, ModelLease>
  readonly spans: Map<string, ModelSpan>
  readonly handled: Set<string>
  handledSpans: number
  /** What may exceed a limit, by budget: the terms of the documented bound. */
  readonly excess: Map<string, bigint>
}

interface Asking {
  readonly key: string
  readonly user: string
  readonly amount: bigint
}

interface Ending {
  readonly id: string
  readonly amount: bigint
}

/** One request of a client, or one delivery of a message. */
export type Operation =
  | ({ readonly kind: 'reserve' } & Asking)
  | ({ readonly kind: 'lease' } & Asking)
  | ({ readonly kind: 'settle' } & Ending)
  | ({ readonly kind: 'return' } & Ending)
  | { readonly kind: 'release'; readonly id: string }
  | { readonly kind: 'deliver'; readonly name: string; readonly message: readonly TestSpan[] }
  | { readonly kind: 'limit'; readonly budget: string; readonly limit: bigint }

/** The budgets that apply to calls of `user`. */
export function applying({ budgets }: Facts, user: string): ModelBudget[] {
  return budgets.filter((budget) => budget.user === null || budget.user === user)
}

/** What `budget` has spent in the period of `now`. */
export function spentIn({ spans, reservations }: Facts, budget: ModelBudget, now: number): bigint {
  const { start, end } = periodOf(budget, now)
  const within = (at: number) => at >= start && at < end
  let sum = 0n
  for (const span of spans.values()) {
    if (span.budgets.has(budget.id) && within(span.at) && span.value > 0n) sum += span.value
  }
  for (const { budgets, provisional, settledAt, createdAt } of reservations.values()) {
    if (provisional && budgets.includes(budget.id) && within(createdAt)) sum += settledAt ?? 0n
  }
  return sum
}

/** What open reservations and leases hold of `id` at `now`. */
export function heldOf({ reservations, leases }: Facts, id: string, now: number): bigint {
  let sum = 0n
  for (const own of reservations.values()) if (own.budgets.includes(id) && isOpen(own, now)) sum += own.amount
  for (const lease of leases.values()) sum += leftOf(lease, id, now)
  return sum
}

/** Carries `operation` out at `now` and returns what the ledger must answer. */
export function carryOut(facts: Facts, operation: Operation, now: number): string {
  switch (operation.kind) {
    case 'reserve':
      return reserve(facts, operation, now)
    case 'lease':
      return lease(facts, operation, now)
    case 'settle':
      return settle(facts, operation, now)
    case 'release':
      return release(facts, operation.id)
    case 'return':
      return giveBack(facts, operation, now)
    case 'deliver':
      return deliver(facts, operation, now)
    case 'limit': {
      const budget = facts.budgets.find(({ id }) => id === operation.budget) as ModelBudget
      // What was let through under a higher limit was let through.
      if (operation.limit < budget.limit) exceed(facts, budget.id, budget.limit - operation.limit)
      budget.limit = operation.limit
      return 'put'
    }
  }
}

function reserve(facts: Facts, { key, user, amount }: Asking, now: number): string {
  const id = reservationId(facts.project, key)
  if (facts.reservations.has(id)) return 'reserved'
  const budgets = applying(facts, user)
  const fits = budgets.every((budget) => {
    const left = remaining(facts, budget, now)
    return left > 0n && amount <= left
  })
  if (!fits) return 'denied'
  facts.reservations.set(id, {
    ...{ budgets: budgets.map((budget) => budget.id), amount, createdAt: now, state: 'open' },
    ...{ settledAt: null, provisional: false, spansCame: false },
  })
  return 'reserved'
}

function lease(facts: Facts, { key, user, amount }: Asking, now: number): string {
  const id = reservationId(facts.project, key, 'lease')
  const known = facts.leases.get(id)
  const rooms = applying(facts, user).map((budget) => remaining(facts, budget, now))
  if (known === undefined && rooms.some((left) => left <= 0n)) return 'denied'
  const own: ModelLease = known ?? {
    ...{ budgets: applying(facts, user).map((budget) => budget.id), createdAt: now, expiresAt: 0 },
    ...{ granted: 0n, used: null, came: new Map() },
  }
  facts.leases.set(id, own)
  if (known === undefined || (known.used === null && known.expiresAt > now)) {
    const more = rooms.reduce((least, left) => (left < least ? left : least), amount - own.granted)
    own.granted += more > 0n ? more : 0n
    own.expiresAt = Math.min(Math.max(own.expiresAt, now + TTL_MS), own.createdAt + MAX_LEASE_MS)
  }
  return `leased ${own.granted} until ${own.expiresAt}`
}

function settle(facts: Facts, { id, amount }: Ending, now: number): string {
  const own = facts.reservations.get(id) as ModelReservation
  if (own.state === 'settled') return 'settled'
  if (!own.spansCame)
    for (const budget of own.budgets) exceed(facts, budget, amount - (isOpen(own, now) ? own.amount : 0n))
  own.state = 'settled'
  own.settledAt = amount
  own.provisional = !own.spansCame
  return 'settled'
}

function release({ reservations }: Facts, id: string): string {
  const own = reservations.get(id) as ModelReservation
  if (own.state === 'settled') return 'rejected'
  own.state = 'released'
  return 'released'
}

function giveBack({ leases }: Facts, { id, amount }: Ending, now: number): string {
  const own = leases.get(id) as ModelLease
  if (own.used === null && own.expiresAt > now) own.used = amount < own.granted ? amount : own.granted
  return 'returned'
}

function deliver(
  facts: Facts,
  { name, message }: Extract<Operation, { readonly kind: 'deliver' }>,
  now: number,
): string {
  if (facts.handled.has(name)) return 'duplicate'
  facts.handled.add(name)
  facts.handledSpans += message.length
  for (const span of message) take(facts, span, now)
  return 'debited'
}

function take(facts: Facts, span: TestSpan, now: number): void {
  const { trace, at, amounts, reservation = '', matches = [], revision = 0 } = span
  const priced = amounts.usd !== undefined
  const own = priced ? facts.reservations.get(reservation) : undefined
  const slice = priced ? facts.leases.get(reservation) : undefined
  const charged = new Set([...matches, ...(own?.budgets ?? []), ...(slice?.budgets ?? [])])
  const key = `${trace}/${span.span}`
  const known = facts.spans.get(key) ?? { budgets: new Set<string>(), at, value: -1n, revision }
  const spent = (id: string) => (known.budgets.has(id) && known.value > 0n ? known.value : 0n)
  const before = new Map(facts.budgets.map(({ id }) => [id, spent(id)]))
  facts.spans.set(key, known)
  for (const budget of charged) known.budgets.add(budget)
  const value = amounts.usd ?? -1n
  if (revision > known.revision || (revision === known.revision && value > known.value)) {
    known.value = value
    known.revision = revision
  }
  for (const budget of facts.budgets) {
    const gain = spent(budget.id) - (before.get(budget.id) ?? 0n)
    if (gain === 0n) continue
    // A clock that is ahead moves spend into a period that has not begun: nothing that is held then covers it.
    const ahead = at >= periodOf(budget, now).end
    if (slice !== undefined) {
      exceed(facts, budget.id, gain - (ahead ? 0n : leftOf(slice, budget.id, now)))
      slice.came.set(budget.id, (slice.came.get(budget.id) ?? 0n) + gain)
      continue
    }
    const covered = !ahead && own !== undefined && isOpen(own, now) ? own.amount : 0n
    exceed(facts, budget.id, gain - covered)
  }
  if (own !== undefined) {
    own.spansCame = true
    own.provisional = false
  }
}

function remaining(facts: Facts, budget: ModelBudget, now: number): bigint {
  return budget.limit - spentIn(facts, budget, now) - heldOf(facts, budget.id, now)
}

function exceed({ excess }: Facts, budget: string, amount: bigint): void {
  if (amount > 0n) excess.set(budget, (excess.get(budget) ?? 0n) + amount)
}

function isOpen({ state, spansCame, createdAt }: ModelReservation, now: number): boolean {
  return state === 'open' && !spansCame && createdAt + TTL_MS > now
}

function leftOf({ budgets, expiresAt, granted, used, came }: ModelLease, id: string, now: number): bigint {
  const left = (used ?? granted) - (came.get(id) ?? 0n)
  return budgets.includes(id) && expiresAt > now && left > 0n ? left : 0n
}

function periodOf({ period, zone }: ModelBudget, now: number): { readonly start: number; readonly end: number } {
  if (period !== 'rolling') return calendarWindow(period, zone, now)
  const slice = (at: number) => Math.floor(at / SLICE_MS) * SLICE_MS
  return { start: slice(now - ROLLING_SECONDS * 1_000), end: slice(now) + SLICE_MS }
}
