import { type Amounts, MAX_AMOUNT, UNITS, type Unit } from './amount.ts'
import type { Balance } from './ledger.ts'
import type { Kept } from './reservation.ts'

/** How long a lease lives at most, however often it is renewed: as long as its spans are surely known for its own. In milliseconds. */
export const MAX_LEASE_MS = 86_400_000

const NOTHING: Required<Amounts> = { usd: 0n, tokens: 0n, requests: 0n }

/** Whether `id` is a lease's: a span that names it takes its charge off the lease's hold, and the hold goes on. */
export function isLease(id: string): boolean {
  return /^lease_[0-9a-f]{32}$/.test(id)
}

/** What a lease is changed to, and by how much its hold grows in each unit. */
export interface Grant {
  readonly amounts: Required<Amounts>
  readonly more: Required<Amounts>
  readonly expiresAt: number
}

/**
 * Grants as much of `wanted` (in all, what `kept` was granted before included) as fits into every hard budget. So a request that
 * comes twice, or after a larger one, adds nothing. Returns the hard budgets that have nothing left when nothing was granted before.
 */
export function grantLease(
  balances: readonly Balance[],
  wanted: Required<Amounts>,
  { kept, now, ttlMs }: { readonly kept: Kept | undefined; readonly now: number; readonly ttlMs: number },
): Grant | { readonly denying: readonly Balance[] } {
  const hard = balances.filter(({ budget }) => budget.mode === 'hard')
  const denying = hard.filter(({ position }) => position.remaining <= 0n)
  if (kept === undefined && denying.length > 0) return { denying }
  const before = kept?.amounts ?? NOTHING
  const more = perUnit((unit) => {
    const rooms = hard.filter(({ budget }) => budget.unit === unit).map(({ position }) => position.remaining)
    return atLeastNothing(rooms.reduce((least, room) => (room < least ? room : least), wanted[unit] - before[unit]))
  })
  const latest = (kept?.createdAt ?? now) + MAX_LEASE_MS
  const expiresAt = Math.min(Math.max(now + ttlMs, kept?.expiresAt ?? 0), latest)
  return { amounts: perUnit((unit) => before[unit] + more[unit]), more, expiresAt }
}

/** A slice in all units: as much of those not given as the calls take that `given` is enough for, each taking `estimate`. */
export function sliceOf(given: Amounts, estimate: Required<Amounts>): Required<Amounts> {
  const calls = UNITS.map((unit) => {
    const [amount, each] = [given[unit] ?? 0n, estimate[unit]]
    return each > 0n ? (amount + each - 1n) / each : amount
  }).reduce((most, count) => (count > most ? count : most), 1n)
  const limited = (amount: bigint) => (amount > MAX_AMOUNT ? MAX_AMOUNT : amount)
  return perUnit((unit) => given[unit] ?? limited(calls * estimate[unit]))
}

/** What of a lease was not used; a unit of which nothing is said was used up. */
export function unusedOf({ amounts }: Kept, used: Amounts): Required<Amounts> {
  return perUnit((unit) => atLeastNothing(amounts[unit] - (used[unit] ?? amounts[unit])))
}

function perUnit(amountOf: (unit: Unit) => bigint): Required<Amounts> {
  return Object.fromEntries(UNITS.map((unit) => [unit, amountOf(unit)])) as Required<Amounts>
}

function atLeastNothing(amount: bigint): bigint {
  return amount > 0n ? amount : 0n
}
