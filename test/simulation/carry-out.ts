import type { Amounts } from '../../shared/budgets/amount.ts'
import {
  type Budget,
  type BudgetTerms,
  type Grant,
  withGrant,
  withoutGrant,
  withTerms,
} from '../../shared/budgets/budget.ts'
import { UNKNOWN } from '../../shared/budgets/claim.ts'
import { MAX_LEASE_MS } from '../../shared/budgets/lease.ts'
import type { TestSpan } from '../../shared/budgets/ledger.fixtures.ts'
import { currentWindow } from '../../shared/budgets/position.ts'
import { reservationId } from '../../shared/budgets/reservation.ts'
import { resetBudget } from '../../shared/budgets/reset.ts'
import {
  applying,
  bucketsOf,
  calendarOf,
  claim,
  type Facts,
  heldBy,
  isOf,
  leftOf,
  type ModelLease,
  type ModelReservation,
  nameOf,
  perUnit,
  standing,
  TTL_MS,
} from './facts.ts'

interface Asking {
  readonly key: string
  readonly user: string
  readonly amounts: Required<Amounts>
}

interface Ending {
  readonly id: string
  readonly amount: bigint
}

/** One request of a client or of who keeps the budgets, or one delivery of a message. */
export type Operation =
  | ({ readonly kind: 'reserve' } & Asking)
  | ({ readonly kind: 'lease' } & Asking)
  | ({ readonly kind: 'settle' } & Ending)
  | ({ readonly kind: 'return' } & Ending)
  | { readonly kind: 'release'; readonly id: string }
  | { readonly kind: 'deliver'; readonly name: string; readonly message: readonly TestSpan[] }
  | { readonly kind: 'change'; readonly budget: string; readonly terms: BudgetTerms }
  | { readonly kind: 'grant'; readonly budget: string; readonly grant: Grant }
  | { readonly kind: 'revoke'; readonly budget: string; readonly grant: string }
  | { readonly kind: 'reset'; readonly budget: string }

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
    case 'change':
      return change(facts, operation, now)
    case 'grant':
      // Who sends it again was not answered: a grant that has been revoked since is not given again.
      if (!facts.given.has(operation.grant.id))
        replace(facts, operation.budget, (budget) => withGrant(budget, begun(operation.grant, now), now))
      facts.given.add(operation.grant.id)
      return 'granted'
    case 'revoke': {
      const { grants } = budgetOf(facts, operation.budget)
      const isOpen = grants.some(({ id, to, revokedAt = to }) => id === operation.grant && revokedAt > now)
      if (isOpen) replace(facts, operation.budget, (budget) => withoutGrant(budget, operation.grant, now))
      return isOpen ? 'revoked' : 'none'
    }
    case 'reset': {
      const own = budgetOf(facts, operation.budget)
      const rule = { budget: own, calendar: calendarOf(own) }
      const { budget, taken } = resetBudget(rule, now, bucketsOf(facts, own))
      facts.taken.push(...taken.map((from) => ({ ...from, id: own.id, generation: own.generation })))
      replace(facts, own.id, () => budget)
      return 'reset'
    }
  }
}

/** A grant as it is given at `now`: not for what was spent before. */
export function begun(grant: Grant, now: number): Grant {
  return { ...grant, from: Math.max(grant.from, now) }
}

/** The budget `id`. */
export function budgetOf({ budgets }: Facts, id: string): Budget {
  return budgets.find((budget) => budget.id === id) as Budget
}

function replace({ budgets }: Facts, id: string, to: (budget: Budget) => Budget): void {
  const index = budgets.findIndex((budget) => budget.id === id)
  budgets[index] = to(budgets[index] as Budget)
}

function change(facts: Facts, { budget: id, terms }: Extract<Operation, { kind: 'change' }>, now: number): string {
  const before = budgetOf(facts, id)
  replace(facts, id, (budget) => withTerms(budget, terms, now))
  const after = budgetOf(facts, id)
  if (before.unit !== after.unit) for (const grant of before.grants) facts.given.delete(grant.id)
  // What was let through under a higher limit was let through.
  if (isOf(before, after) && after.limit < before.limit) exceed(facts, after, before.limit - after.limit)
  return 'put'
}

function reserve(facts: Facts, { key, user, amounts }: Asking, now: number): string {
  const id = reservationId(facts.project, key)
  if (facts.reservations.has(id)) return 'reserved'
  const budgets = applying(facts, user)
  const fits = budgets.every((budget) => {
    const { remaining } = standing(facts, budget, now)
    return remaining > 0n && amounts[budget.unit] <= remaining
  })
  if (!fits) return 'denied'
  const targets = budgets.map(({ id, generation }) => ({ id, generation }))
  const none = { state: 'open', charged: [], came: new Set<string>() } as const
  facts.reservations.set(id, { ...none, charged: [], budgets: targets, amounts, createdAt: now })
  return 'reserved'
}

function lease(facts: Facts, { key, user, amounts }: Asking, now: number): string {
  const id = reservationId(facts.project, key, 'lease')
  const known = facts.leases.get(id)
  const budgets = known === undefined ? applying(facts, user) : stillThere(facts, known)
  const rooms = budgets.map((budget) => ({ unit: budget.unit, left: standing(facts, budget, now).remaining }))
  if (known === undefined && rooms.some(({ left }) => left <= 0n)) return 'denied'
  const own: ModelLease = known ?? {
    ...{ budgets: budgets.map(({ id, generation }) => ({ id, generation })), createdAt: now, expiresAt: 0 },
    ...{ granted: perUnit(() => 0n), used: null, came: new Map() },
  }
  facts.leases.set(id, own)
  if (known === undefined || (known.used === null && known.expiresAt > now)) {
    const before = own.granted
    own.granted = perUnit((unit) => {
      const more = rooms
        .filter((room) => room.unit === unit)
        .reduce((least, { left }) => (left < least ? left : least), amounts[unit] - before[unit])
      return before[unit] + (more > 0n ? more : 0n)
    })
    own.expiresAt = Math.min(Math.max(own.expiresAt, now + TTL_MS), own.createdAt + MAX_LEASE_MS)
  }
  const { usd, tokens, requests } = own.granted
  return `leased ${usd} ${tokens} ${requests} until ${own.expiresAt}`
}

function settle(facts: Facts, { id, amount }: Ending, now: number): string {
  const own = facts.reservations.get(id) as ModelReservation
  if (own.state === 'settled') return 'settled'
  const amounts = { ...own.amounts, usd: amount }
  for (const budget of stillThere(facts, own)) {
    if (own.came.has(budget.id)) continue
    exceed(facts, budget, amounts[budget.unit] - heldBy(own, budget, now))
    const bucket = calendarOf(budget).bucket(own.createdAt)
    own.charged.push({ id: budget.id, generation: budget.generation, bucket, amount: amounts[budget.unit] })
  }
  own.state = 'settled'
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
  if (own.used === null && own.expiresAt > now) {
    const { granted } = own
    own.used = { ...granted, usd: amount < granted.usd ? amount : granted.usd }
  }
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
  const own = facts.reservations.get(reservation)
  const slice = facts.leases.get(reservation)
  const name = `${trace}/${span.span}`
  for (const budget of facts.budgets) {
    const said = amounts[budget.unit]
    const isTold = said !== undefined
    const isPaid = isTold && stillThere(facts, own ?? slice ?? { budgets: [] }).includes(budget)
    const matched = isPaid || matches.includes(budget.id)
    const held = own === undefined ? 0n : heldBy(own, budget, now)
    if (matched || revision > 0) {
      const gain = claim(facts, budget, { name, at, claimed: { revision, value: said ?? UNKNOWN, matched } })
      const { start, end } = currentWindow(budget, calendarOf(budget), now)
      // A clock that is ahead moves spend into a period that has not begun: nothing that is held then covers it.
      const ahead = at >= end
      if (slice?.budgets.some((target) => isOf(target, budget))) {
        exceed(facts, budget, gain - (ahead ? 0n : leftOf(slice, budget, now)))
        // A correction gives back to the lease what another period had counted.
        if (at < start || at < (budget.resets?.at(-1)?.at ?? 0)) exceed(facts, budget, -gain)
        slice.came.set(nameOf(budget), (slice.came.get(nameOf(budget)) ?? 0n) + gain)
      } else exceed(facts, budget, gain - (isPaid && !ahead ? held : 0n))
    }
    if (own === undefined || !isPaid) continue
    own.came.add(budget.id)
    own.charged = own.charged.filter((charged) => !isOf(charged, budget))
  }
}

/** The budgets of a reservation or lease that ask what they asked when it was made. */
function stillThere({ budgets }: Facts, own: Pick<ModelReservation | ModelLease, 'budgets'>): Budget[] {
  return budgets.filter((budget) => own.budgets.some((target) => isOf(target, budget)))
}

function exceed({ excess }: Facts, { id }: Budget, amount: bigint): void {
  if (amount > 0n) excess.set(id, (excess.get(id) ?? 0n) + amount)
}
