import { createHash } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { SpanledgerError } from '../errors.ts'
import type { Amounts } from './amount.ts'
import { BACKFILL_MS } from './backfill.ts'
import type { Budget } from './budget.ts'
import type { ReservedSpan } from './charge.ts'
import { fromJson, toJson } from './json.ts'
import { isLease } from './lease.ts'
import type { Balance, Reservation, ReserveRequest } from './ledger.ts'
import type { Subject } from './selector.ts'

/** A reservation as stores keep it. Times are milliseconds since 1970. */
export interface Kept {
  readonly subject: Subject
  readonly amounts: Required<Amounts>
  readonly createdAt: number
  readonly expiresAt: number
  readonly budgets: readonly { readonly id: string; readonly generation: number }[]
  readonly state: 'open' | 'settled' | 'released'
  readonly settled: Amounts | null
  /** What `settle` charged until the call's own spans arrive. */
  readonly charged: readonly { readonly id: string; readonly bucket: number; readonly amount: bigint }[]
  /** Spans have come: they, not `settle`, say what was spent. */
  readonly spansCame: boolean
  /** While `spansCame` does not hold of all budgets, those of which it does: the others wait for the cost of the call. */
  readonly spansCameTo?: readonly string[]
}

/** A reservation or lease as it is made at `now`, of these budgets. */
export function newKept(
  { subject }: Pick<ReserveRequest, 'subject'>,
  budgets: readonly Budget[],
  {
    amounts,
    now,
    expiresAt,
  }: { readonly amounts: Required<Amounts>; readonly now: number; readonly expiresAt: number },
): Kept {
  return {
    ...{ subject, amounts, createdAt: now, expiresAt, state: 'open', settled: null },
    budgets: budgets.map(({ id, generation }) => ({ id, generation })),
    ...{ charged: [], spansCame: false },
  }
}

/** The id that a key always gets, so that a retry finds what the first try made. */
export function reservationId(project: string, idempotencyKey: string, kind: 'res' | 'lease' = 'res'): string {
  return `${kind}_${createHash('sha256')
    .update(JSON.stringify([project, idempotencyKey]))
    .digest('hex')
    .slice(0, 32)}`
}

/** Throws `store/rejected` where `kept` was made for another subject: that is no retry, and nothing is held for this one. */
export function refuseOtherSubject(kept: Kept, subject: Subject): void {
  if (isDeepStrictEqual(kept.subject, fromJson(toJson(subject)))) return
  const advice = 'give each call a key of its own'
  throw new SpanledgerError('store/rejected', `this idempotencyKey was used for another subject; ${advice}`)
}

/** Throws `store/rejected` for a lease: what it spends comes with spans alone. */
export function refuseLease(id: string): void {
  if (isLease(id)) throw new SpanledgerError('store/rejected', 'a lease is neither settled nor released: return it')
}

/** `reserved` without corrections of what may be forgotten: they would be counted as if the span had never come. */
export function withoutForgotten(reserved: readonly ReservedSpan[], now: number): readonly ReservedSpan[] {
  return reserved.filter(({ revision, at }) => revision === 0 || now - at < BACKFILL_MS)
}

/** Whether spans have said what was spent of the budget `id`. */
export function haveSpansCome({ spansCame, spansCameTo = [] }: Kept, id: string): boolean {
  return spansCame || spansCameTo.includes(id)
}

/** `kept` once spans have said what was spent of the budgets `ids`; `all` of those that it is for and that are there. */
export function withSpans(kept: Kept, ids: readonly string[], all: boolean): Kept {
  const { spansCameTo = [], ...rest } = kept
  if (all) return { ...rest, charged: [], spansCame: true }
  const charged = kept.charged.filter(({ id }) => !ids.includes(id))
  return { ...rest, charged, spansCameTo: [...new Set([...spansCameTo, ...ids])] }
}

/** How `kept` is shown at `now`, with where its budgets stand. */
export function toReservation(
  project: string,
  id: string,
  kept: Kept,
  now: number,
  balances: readonly Balance[],
): Reservation {
  const { subject, amounts, createdAt, expiresAt, settled } = kept
  const open = kept.spansCame ? 'settled' : expiresAt <= now ? 'expired' : 'open'
  const state = kept.state === 'open' ? open : kept.state
  return { id, project, subject, amounts, createdAt, expiresAt, state, settled, balances }
}

/**
 * What settling `kept` at `actual` charges: what is not given is as reserved. Null if it was settled at just that; throws
 * `store/rejected` if at something else.
 */
export function settlement(kept: Kept, actual: Amounts): Required<Amounts> | null {
  const amounts = { ...kept.amounts, ...actual }
  if (kept.state !== 'settled') return amounts
  const { settled } = kept
  if (settled?.usd === amounts.usd && settled.tokens === amounts.tokens && settled.requests === amounts.requests)
    return null
  throw new SpanledgerError('store/rejected', 'this reservation was settled at another amount')
}

export function keptToJson(kept: Kept): string {
  return toJson(kept)
}

/** The inverse of {@link keptToJson}. */
export function keptFromJson(text: string): Kept {
  return fromJson(text)
}
