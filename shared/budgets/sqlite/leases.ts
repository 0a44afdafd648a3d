import { type Amounts, checkAmount } from '../amount.ts'
import { budgetsFor, type Rule } from '../charge.ts'
import { grantLease, unusedOf } from '../lease.ts'
import type { LeaseResult, Reservation, ReserveRequest } from '../ledger.ts'
import { type Kept, newKept, reservationId } from '../reservation.ts'
import { type Books, readBalance, readProject } from './books.ts'
import { find, read, show, stillThere, write } from './reservations.ts'

export function lease(books: Books, request: ReserveRequest): LeaseResult {
  const { db } = books
  const { project, subject, amounts: wanted, ttlMs } = request
  const now = books.now()
  const id = reservationId(project, request.idempotencyKey, 'lease')
  const known = read(books, project, id)
  if (known !== undefined && (known.state !== 'open' || known.expiresAt <= now))
    return { kind: 'leased', reservation: show(books, project, id, known) }

  const { rules, refs } = readProject(books, project)
  const applying =
    known === undefined
      ? budgetsFor(rules, subject).map((budget) => refs.get(budget.id) as { ref: bigint; rule: Rule })
      : stillThere(books, project, known)
  const found = applying.map(({ ref, rule }) => ({ ref, balance: readBalance(books, ref, rule) }))
  const granted = grantLease(
    found.map(({ balance }) => balance),
    wanted,
    { kept: known, now, ttlMs },
  )
  if ('denying' in granted) return { kind: 'denied', denying: granted.denying }

  const { amounts, more, expiresAt } = granted
  for (const { ref, balance } of found) {
    const amount = more[balance.budget.unit]
    checkAmount(balance.position.reserved + amount)
    if (known === undefined) db.run('INSERT INTO holds VALUES (?, ?, ?, ?)', ref, expiresAt, id, amount)
    else {
      db.run(
        'UPDATE holds SET expires_at = ?, amount = amount + ? WHERE budget = ? AND expires_at = ? AND reservation = ?',
        expiresAt,
        amount,
        ref,
        known.expiresAt,
        id,
      )
    }
  }
  const budgets = found.map(({ balance: { budget } }) => budget)
  const kept: Kept = { ...(known ?? newKept(request, budgets, { amounts, now, expiresAt })), amounts, expiresAt }
  write(books, project, id, kept)
  return { kind: 'leased', reservation: show(books, project, id, kept) }
}

export function returnLease(books: Books, project: string, id: string, used: Amounts): Reservation {
  const kept = find(books, project, id)
  if (kept.state !== 'open' || kept.expiresAt <= books.now()) return show(books, project, id, kept)
  const unused = unusedOf(kept, used)
  for (const { ref, rule } of stillThere(books, project, kept))
    takeOff(books, ref, { id, expiresAt: kept.expiresAt }, unused[rule.budget.unit])
  const returned: Kept = { ...kept, state: 'released', settled: used }
  write(books, project, id, returned)
  return show(books, project, id, returned)
}

/** Lowers what a lease holds in one budget. */
export function takeOff(
  { db }: Books,
  budget: bigint,
  { id, expiresAt }: { readonly id: string; readonly expiresAt: number },
  amount: bigint,
): void {
  db.run(
    'UPDATE holds SET amount = amount - ? WHERE budget = ? AND expires_at = ? AND reservation = ?',
    amount,
    budget,
    expiresAt,
    id,
  )
}
