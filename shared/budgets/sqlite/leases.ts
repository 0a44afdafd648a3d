import type { Amounts } from '../amount.ts'
import { budgetsFor, type Rule } from '../charge.ts'
import { grantLease, unusedOf } from '../lease.ts'
import type { LeaseResult, Reservation, ReserveRequest } from '../ledger.ts'
import { type Kept, newKept, refuseOtherSubject, reservationId } from '../reservation.ts'
import { type Books, readBalance, readProject } from './books.ts'
import { addHold, changeHold } from './holds.ts'
import { find, read, show, stillThere, write } from './reservations.ts'

export function lease(books: Books, request: ReserveRequest): LeaseResult {
  const { project, subject, amounts: wanted, ttlMs } = request
  const now = books.now()
  const id = reservationId(project, request.idempotencyKey, 'lease')
  const known = read(books, project, id)
  if (known !== undefined) refuseOtherSubject(known, subject)
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
    const by = more[balance.budget.unit]
    if (known === undefined) addHold(books, ref, { id, expiresAt }, by)
    else changeHold(books, ref, { id, expiresAt: known.expiresAt }, { by, expiresAt })
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
    changeHold(books, ref, { id, expiresAt: kept.expiresAt }, { by: -unused[rule.budget.unit] })
  const returned: Kept = { ...kept, state: 'released', settled: used }
  write(books, project, id, returned)
  return show(books, project, id, returned)
}
