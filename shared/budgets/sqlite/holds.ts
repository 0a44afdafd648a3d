import { MAX_AMOUNT } from '../amount.ts'
import type { Books } from './books.ts'

/** What one reservation or lease holds in one budget. */
export interface HoldKey {
  readonly id: string
  readonly expiresAt: number
}

/** A sum of `column` as two columns, which no number of rows makes too large. */
export const exactSum = (column: string) => `sum(${column} >> 32) AS high, sum(${column} & 4294967295) AS low`

/** The sum that {@link exactSum} has found; 0 for no rows. */
export function readSum(row: Record<string, unknown> | undefined): bigint {
  return ((row?.high ?? 0n) as bigint) * 2n ** 32n + ((row?.low ?? 0n) as bigint)
}

/** What all open reservations and leases hold of a budget. */
export function heldOf({ db, now }: Books, budget: bigint): bigint {
  return readSum(
    db.get(`SELECT ${exactSum('max(amount, 0)')} FROM holds WHERE budget = ? AND expires_at > ?`, budget, now()),
  )
}

export function addHold({ db }: Books, budget: bigint, { id, expiresAt }: HoldKey, amount: bigint): void {
  db.run('INSERT INTO holds VALUES (?, ?, ?, ?)', budget, expiresAt, id, amount)
}

/** Adds to what is held, or takes off it, and lets it end at `expiresAt`; nothing where nothing is held. */
export function changeHold(
  { db }: Books,
  budget: bigint,
  { id, expiresAt: known }: HoldKey,
  { by, expiresAt = known }: { readonly by: bigint; readonly expiresAt?: number },
): void {
  const held = db.get(
    'SELECT amount FROM holds WHERE budget = ? AND expires_at = ? AND reservation = ?',
    budget,
    known,
    id,
  )
  if (held === undefined) return
  const amount = (held.amount as bigint) + by
  const kept = amount > MAX_AMOUNT ? MAX_AMOUNT : amount < -MAX_AMOUNT ? -MAX_AMOUNT : amount
  db.run(
    'UPDATE holds SET expires_at = ?, amount = ? WHERE budget = ? AND expires_at = ? AND reservation = ?',
    expiresAt,
    kept,
    budget,
    known,
    id,
  )
}

export function dropHold({ db }: Books, budget: bigint, { id, expiresAt }: HoldKey): void {
  db.run('DELETE FROM holds WHERE budget = ? AND expires_at = ? AND reservation = ?', budget, expiresAt, id)
}

/** Lets go of all that is held of a budget, or of what has expired by `until`. */
export function dropHolds({ db }: Books, budget: bigint, until = Number.MAX_SAFE_INTEGER): void {
  db.run('DELETE FROM holds WHERE budget = ? AND expires_at <= ?', budget, until)
}
