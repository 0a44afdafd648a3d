import { SpanledgerError } from '../../errors.ts'
import type { Amounts } from '../amount.ts'
import type { Budget } from '../budget.ts'
import { budgetsFor, type ReservedSpan, type Rule, tells } from '../charge.ts'
import type { Balance, Reservation, ReserveRequest, ReserveResult } from '../ledger.ts'
import { fits } from '../position.ts'
import {
  haveSpansCome,
  type Kept,
  keptFromJson,
  keptToJson,
  newKept,
  refuseLease,
  refuseOtherSubject,
  reservationId,
  settlement,
  toReservation,
  withSpans,
} from '../reservation.ts'
import type { Subject } from '../selector.ts'
import { raiseAlerts } from './alerts.ts'
import { type Books, post, readBalance, readProject } from './books.ts'
import { addHold, dropHold, dropHolds } from './holds.ts'

export function reserve(books: Books, request: ReserveRequest): ReserveResult {
  const { project, subject, amounts } = request
  const now = books.now()
  const id = reservationId(project, request.idempotencyKey)
  const known = read(books, project, id)
  if (known !== undefined) {
    refuseOtherSubject(known, subject)
    return { kind: 'reserved', reservation: show(books, project, id, known), exceeded: [] }
  }

  const { rules, refs } = readProject(books, project)
  const found = budgetsFor(rules, subject).map((budget) => {
    const { ref, rule } = refs.get(budget.id) as { ref: bigint; rule: Rule }
    dropHolds(books, ref, now)
    return { ref, balance: readBalance(books, ref, rule) }
  })
  const unfit = found
    .map(({ balance }) => balance)
    .filter(({ budget, position }) => !fits(position, amounts[budget.unit]))
  const denying = unfit.filter(({ budget }) => budget.mode === 'hard')
  if (denying.length > 0) return { kind: 'denied', denying }

  const expiresAt = now + request.ttlMs
  for (const { ref, balance } of found) {
    addHold(books, ref, { id, expiresAt }, amounts[balance.budget.unit])
  }
  const budgets = found.map(({ balance: { budget } }) => budget)
  const kept = newKept(request, budgets, { amounts, now, expiresAt })
  write(books, project, id, kept)
  const exceeded = unfit.filter(({ budget }) => budget.mode === 'soft')
  return { kind: 'reserved', reservation: show(books, project, id, kept), exceeded }
}

export function settle(
  books: Books,
  project: string,
  id: string,
  { amounts: actual, actor = '' }: { readonly amounts: Amounts; readonly actor?: string | undefined },
): Reservation {
  refuseLease(id)
  const kept = find(books, project, id)
  const amounts = settlement(kept, actual)
  if (amounts === null) return show(books, project, id, kept)
  letGo(books, project, id, kept)
  const charged: { id: string; bucket: number; amount: bigint }[] = []
  for (const { id: budgetId, ref, rule } of stillThere(books, project, kept)) {
    if (haveSpansCome(kept, budgetId)) continue
    const { budget, calendar } = rule
    const bucket = calendar.bucket(kept.createdAt)
    const amount = amounts[budget.unit]
    charged.push({ id: budgetId, bucket, amount })
    const { generation } = budget
    post(books, { budget: ref, generation, kind: 'settled', actor, note: id, bucket, amount })
    raiseAlerts(books, ref, rule, bucket)
  }
  const settled: Kept = { ...kept, state: 'settled', settled: amounts, charged }
  write(books, project, id, settled)
  return show(books, project, id, settled)
}

export function release(books: Books, project: string, id: string): Reservation {
  refuseLease(id)
  const kept = find(books, project, id)
  if (kept.state === 'settled') throw new SpanledgerError('store/rejected', 'this reservation is settled already')
  letGo(books, project, id, kept)
  const released: Kept = { ...kept, state: 'released' }
  write(books, project, id, released)
  return show(books, project, id, released)
}

/**
 * A span has come that names its reservation: what was held is let go and what `settle` charged is taken back, for the span
 * itself is charged. Returns the ids of the budgets that the reservation was for, which the span is charged to whatever it
 * says of itself. A span whose cost is not known leaves what is held and charged in USD as it is.
 */
export function spanOfReservation(books: Books, project: string, span: ReservedSpan): readonly string[] {
  const kept = read(books, project, span.reservationId)
  if (kept === undefined) return []
  const there = stillThere(books, project, kept)
  const told = there.filter(({ rule }) => tells(span, rule.budget.unit))
  const fresh = told.filter(({ id }) => !haveSpansCome(kept, id))
  for (const { id, ref, rule } of fresh) {
    const note = span.reservationId
    dropHold(books, ref, { id: note, expiresAt: kept.expiresAt })
    const { generation } = rule.budget
    for (const own of kept.charged.filter((charge) => charge.id === id)) {
      const { bucket, amount } = own
      post(books, { budget: ref, generation, kind: 'reversed', actor: 'spans', note, bucket, amount: -amount })
    }
  }
  if (fresh.length > 0) {
    const ids = fresh.map(({ id }) => id)
    const all = there.every(({ id }) => haveSpansCome(kept, id) || ids.includes(id))
    write(books, project, span.reservationId, withSpans(kept, ids, all))
  }
  return told.map(({ id }) => id)
}

/** The budgets of a lease, and until when it holds; undefined where there is none. */
export function leaseOf(
  books: Books,
  project: string,
  id: string,
): { readonly budgets: readonly Budget[]; readonly expiresAt: number } | undefined {
  const kept = read(books, project, id)
  if (kept === undefined) return undefined
  return { budgets: stillThere(books, project, kept).map(({ rule }) => rule.budget), expiresAt: kept.expiresAt }
}

export function reservation(books: Books, project: string, id: string): Reservation {
  return show(books, project, id, find(books, project, id))
}

/** The budgets that apply to `subject`, and where they stand. */
export function balancesFor(books: Books, project: string, subject: Subject): Balance[] {
  const { rules, refs } = readProject(books, project)
  return budgetsFor(rules, subject).map(({ id }) => {
    const { ref, rule } = refs.get(id) as { ref: bigint; rule: Rule }
    return readBalance(books, ref, rule)
  })
}

/** The reservation's budgets that have neither been deleted nor begun a new generation since. */
export function stillThere(books: Books, project: string, kept: Kept): { id: string; ref: bigint; rule: Rule }[] {
  const { refs } = readProject(books, project)
  return kept.budgets.flatMap(({ id, generation }) => {
    const found = refs.get(id)
    return found !== undefined && found.rule.budget.generation === generation ? [{ id, ...found }] : []
  })
}

function letGo(books: Books, project: string, id: string, kept: Kept): void {
  const { refs } = readProject(books, project)
  for (const budget of kept.budgets) {
    const ref = refs.get(budget.id)?.ref
    if (ref !== undefined) dropHold(books, ref, { id, expiresAt: kept.expiresAt })
  }
}

export function show(books: Books, project: string, id: string, kept: Kept): Reservation {
  const balances = stillThere(books, project, kept).map(({ ref, rule }) => readBalance(books, ref, rule))
  return toReservation(project, id, kept, books.now(), balances)
}

export function find(books: Books, project: string, id: string): Kept {
  const kept = read(books, project, id)
  if (kept === undefined) throw new SpanledgerError('budget/not-found', `there is no reservation "${id}"`)
  return kept
}

export function read({ db }: Books, project: string, id: string): Kept | undefined {
  const row = db.get('SELECT body FROM reservations WHERE project = ? AND id = ?', project, id)
  if (row === undefined) return undefined
  return keptFromJson(String(row.body))
}

export function write({ db }: Books, project: string, id: string, kept: Kept): void {
  const sql = 'INSERT OR REPLACE INTO reservations VALUES (?, ?, ?, ?, ?)'
  db.run(sql, project, id, keptToJson(kept), kept.state, kept.createdAt)
}
