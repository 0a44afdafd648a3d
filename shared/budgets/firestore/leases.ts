import type { DocumentReference } from '@google-cloud/firestore'
import { type Amounts, checkAmount } from '../amount.ts'
import { budgetsFor } from '../charge.ts'
import { grantLease, unusedOf } from '../lease.ts'
import type { LeaseResult, Reservation, ReserveRequest } from '../ledger.ts'
import { type Kept, keptFromJson, newKept, refuseOtherSubject, reservationId, toReservation } from '../reservation.ts'
import { balanceOf, budgetRef, decodeState, nameOf } from './documents.ts'
import { readRules, ruleOf, type Shelf } from './project.ts'
import { find, save, saveKept, show, stillThere, withHold } from './reservations.ts'
import type { Workspace } from './workspace.ts'

/** The documents that {@link lease} surely reads. */
export function leaseReads(shelf: Shelf, { project, idempotencyKey }: ReserveRequest): DocumentReference[] {
  const { projects, reservations } = shelf.collections
  return [projects.doc(nameOf(project)), reservations.doc(reservationId(project, idempotencyKey, 'lease'))]
}

export async function lease(workspace: Workspace, shelf: Shelf, request: ReserveRequest): Promise<LeaseResult> {
  const { project, subject, amounts: wanted, ttlMs } = request
  const now = shelf.now()
  const id = reservationId(project, request.idempotencyKey, 'lease')
  const ref = shelf.collections.reservations.doc(id)
  const applying = budgetsFor(await readRules(shelf, project, workspace), subject)
  const refs = applying.map((budget) => budgetRef(shelf.collections, project, budget.id))
  const [fields, ...found] = await workspace.getAll([ref, ...refs])
  const known = fields === undefined ? undefined : keptFromJson(String(fields.body))
  if (known !== undefined) refuseOtherSubject(known, subject)
  if (known !== undefined && (known.state !== 'open' || known.expiresAt <= now))
    return { kind: 'leased', reservation: await show(workspace, shelf, project, id, known) }

  const states =
    known === undefined
      ? found.flatMap((own) => (own === undefined ? [] : [decodeState(own)])).filter(({ deleted }) => !deleted)
      : await stillThere(workspace, shelf, project, known)
  const balances = states.map((state) => balanceOf(state, ruleOf(state), now))
  const granted = grantLease(balances, wanted, { kept: known, now, ttlMs })
  if ('denying' in granted) return { kind: 'denied', denying: granted.denying }

  const { amounts, more, expiresAt } = granted
  const held = states.map((state) => {
    const before = state.holds.get(id)?.amount ?? 0n
    const amount = checkAmount(before + more[state.budget.unit])
    return withHold(state, id, { amount, expiresAt }, now)
  })
  const budgets = states.map(({ budget }) => budget)
  const kept: Kept = { ...(known ?? newKept(request, budgets, { amounts, now, expiresAt })), amounts, expiresAt }
  for (const state of held) save(workspace, shelf, state)
  saveKept(workspace, shelf, project, id, kept)
  const after = held.map((state) => balanceOf(state, ruleOf(state), now))
  return { kind: 'leased', reservation: toReservation(project, id, kept, now, after) }
}

export async function returnLease(
  workspace: Workspace,
  shelf: Shelf,
  { project, id, used }: { readonly project: string; readonly id: string; readonly used: Amounts },
): Promise<Reservation> {
  const kept = await find(workspace, shelf, id, project)
  if (kept.state !== 'open' || kept.expiresAt <= shelf.now()) return show(workspace, shelf, project, id, kept)
  const unused = unusedOf(kept, used)
  for (const state of await stillThere(workspace, shelf, project, kept)) {
    const hold = state.holds.get(id)
    if (hold === undefined) continue
    const holds = new Map(state.holds).set(id, { ...hold, amount: hold.amount - unused[state.budget.unit] })
    save(workspace, shelf, { ...state, holds })
  }
  const returned: Kept = { ...kept, state: 'released', settled: used }
  saveKept(workspace, shelf, project, id, returned)
  return show(workspace, shelf, project, id, returned)
}
