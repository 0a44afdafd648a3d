import type { DocumentReference } from '@google-cloud/firestore'
import { SpanledgerError } from '../../errors.ts'
import type { Amounts } from '../amount.ts'
import { budgetsFor } from '../charge.ts'
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
} from '../reservation.ts'
import { raiseAlerts } from './alerts.ts'
import {
  type BudgetState,
  balanceOf,
  bucketKey,
  budgetRef,
  decodeState,
  encodeState,
  nameOf,
  withBucket,
} from './documents.ts'
import { addEntry } from './entries.ts'
import { readRules, ruleOf, type Shelf } from './project.ts'
import type { Workspace } from './workspace.ts'

/** Open reservations of one budget: more would make its document slow. */
const MAX_HOLDS = 2_000
/** Reservations are deleted this long after they expire, by the time to live on `expireAt`. */
const KEEP_MS = 8 * 86_400_000

/** The documents that {@link reserve} surely reads. */
export function reserveReads(shelf: Shelf, { project, idempotencyKey }: ReserveRequest): DocumentReference[] {
  const { projects, reservations } = shelf.collections
  return [projects.doc(nameOf(project)), reservations.doc(reservationId(project, idempotencyKey))]
}

/** Reserves within a workspace. `rules` are read anew for every try, so that a budget just made is not missed. */
export async function reserve(workspace: Workspace, shelf: Shelf, request: ReserveRequest): Promise<ReserveResult> {
  const { project, subject, amounts } = request
  const now = shelf.now()
  const id = reservationId(project, request.idempotencyKey)
  const ref = shelf.collections.reservations.doc(id)
  const rules = await readRules(shelf, project, workspace)
  const applying = budgetsFor(rules, subject)
  const refs = applying.map((budget) => budgetRef(shelf.collections, project, budget.id))
  const [known, ...found] = await workspace.getAll([ref, ...refs])
  if (known !== undefined) {
    const kept = keptFromJson(String(known.body))
    refuseOtherSubject(kept, subject)
    return { kind: 'reserved', reservation: await show(workspace, shelf, project, id, kept), exceeded: [] }
  }
  const states = found
    .flatMap((fields) => (fields === undefined ? [] : [decodeState(fields)]))
    .filter(({ deleted }) => !deleted)
  const balances = states.map((state) => balanceOf(state, ruleOf(state), now))
  const unfit = balances.filter(({ budget, position }) => !fits(position, amounts[budget.unit]))
  const denying = unfit.filter(({ budget }) => budget.mode === 'hard')
  if (denying.length > 0) return { kind: 'denied', denying }

  const expiresAt = now + request.ttlMs
  const held = states.map((state) => withHold(state, id, { amount: amounts[state.budget.unit], expiresAt }, now))
  const budgets = states.map(({ budget }) => budget)
  const kept = newKept(request, budgets, { amounts, now, expiresAt })
  for (const state of held) save(workspace, shelf, state)
  saveKept(workspace, shelf, project, id, kept)
  const exceeded = unfit.filter(({ budget }) => budget.mode === 'soft')
  const after = held.map((state) => balanceOf(state, ruleOf(state), now))
  return { kind: 'reserved', reservation: toReservation(project, id, kept, now, after), exceeded }
}

export async function settle(
  workspace: Workspace,
  shelf: Shelf,
  project: string,
  {
    id,
    amounts: actual,
    actor = '',
  }: { readonly id: string; readonly amounts: Amounts; readonly actor?: string | undefined },
): Promise<Reservation> {
  refuseLease(id)
  const kept = await find(workspace, shelf, id, project)
  const amounts = settlement(kept, actual)
  if (amounts === null) return show(workspace, shelf, project, id, kept)
  const charged: { id: string; bucket: number; amount: bigint }[] = []
  for (const state of await stillThere(workspace, shelf, project, kept)) {
    let after = withoutHold(state, id)
    if (!haveSpansCome(kept, state.budget.id)) {
      const { budget, calendar } = ruleOf(state)
      const bucket = calendar.bucket(kept.createdAt)
      const amount = amounts[budget.unit]
      charged.push({ id: budget.id, bucket, amount })
      after = withBucket(after, bucketKey(budget.generation, bucket), (sums) => ({
        ...sums,
        spent: sums.spent + amount,
      }))
      addEntry(workspace, shelf, budget, { kind: 'settled', actor, note: id, bucket, amount })
      await raiseAlerts(workspace, shelf, { state: after, rule: ruleOf(after), start: bucket })
    }
    save(workspace, shelf, after)
  }
  const settled: Kept = { ...kept, state: 'settled', settled: amounts, charged }
  saveKept(workspace, shelf, project, id, settled)
  return show(workspace, shelf, project, id, settled)
}

export async function release(workspace: Workspace, shelf: Shelf, project: string, id: string): Promise<Reservation> {
  refuseLease(id)
  const kept = await find(workspace, shelf, id, project)
  if (kept.state === 'settled') throw new SpanledgerError('store/rejected', 'this reservation is settled already')
  for (const state of await stillThere(workspace, shelf, project, kept)) save(workspace, shelf, withoutHold(state, id))
  const released: Kept = { ...kept, state: 'released' }
  saveKept(workspace, shelf, project, id, released)
  return show(workspace, shelf, project, id, released)
}

/** The reservations and leases `ids`, without those that are not there. */
export async function readKept(
  workspace: Workspace,
  { collections }: Shelf,
  project: string,
  ids: readonly string[],
): Promise<ReadonlyMap<string, Kept>> {
  const known = ids.filter(isId)
  if (known.length === 0) return new Map()
  const found = await workspace.getAll(known.map((id) => collections.reservations.doc(id)))
  return new Map(
    found.flatMap((fields, i) =>
      fields?.project === nameOf(project) ? [[known[i] as string, keptFromJson(String(fields.body))]] : [],
    ),
  )
}

export function saveKept(workspace: Workspace, { collections }: Shelf, project: string, id: string, kept: Kept): void {
  workspace.put(collections.reservations.doc(id), {
    project: nameOf(project),
    body: keptToJson(kept),
    expireAt: new Date(kept.expiresAt + KEEP_MS),
  })
}

export async function show(
  workspace: Workspace,
  shelf: Shelf,
  project: string,
  id: string,
  kept: Kept,
): Promise<Reservation> {
  const now = shelf.now()
  const states = await stillThere(workspace, shelf, project, kept)
  const balances: Balance[] = states.map((state) => balanceOf(state, ruleOf(state), now))
  return toReservation(project, id, kept, now, balances)
}

export async function find(workspace: Workspace, { collections }: Shelf, id: string, project: string): Promise<Kept> {
  const fields = isId(id) ? await workspace.get(collections.reservations.doc(id)) : undefined
  if (fields === undefined || fields.project !== nameOf(project)) {
    throw new SpanledgerError('budget/not-found', `there is no reservation "${id}"`)
  }
  return keptFromJson(String(fields.body))
}

export async function reservation(
  workspace: Workspace,
  shelf: Shelf,
  project: string,
  id: string,
): Promise<Reservation> {
  return show(workspace, shelf, project, id, await find(workspace, shelf, id, project))
}

/** The reservation's budgets that have neither been deleted nor begun a new generation since. */
export async function stillThere(
  workspace: Workspace,
  shelf: Shelf,
  project: string,
  kept: Kept,
): Promise<BudgetState[]> {
  const refs = kept.budgets.map(({ id }) => budgetRef(shelf.collections, project, id))
  if (refs.length === 0) return []
  const found = await workspace.getAll(refs)
  return found.flatMap((fields, i) => {
    const state = fields === undefined ? undefined : decodeState(fields)
    const there = state !== undefined && !state.deleted && state.budget.generation === kept.budgets[i]?.generation
    return there ? [state] : []
  })
}

/**
 * `state` with a hold more, without those that have expired. Where it has too many a hard budget throws `budget/busy`;
 * one that refuses nobody holds no more.
 */
export function withHold(
  state: BudgetState,
  id: string,
  hold: { readonly amount: bigint; readonly expiresAt: number },
  now: number,
): BudgetState {
  const open = [...state.holds].filter(([, { expiresAt }]) => expiresAt > now)
  if (open.length >= MAX_HOLDS && !state.holds.has(id)) {
    if (state.budget.mode !== 'hard') return { ...state, holds: new Map(open) }
    throw new SpanledgerError(
      'budget/busy',
      `"${state.budget.id}" has ${MAX_HOLDS} open reservations; settle or release some, or let them expire sooner`,
    )
  }
  const takenOff = state.holds.get(id)?.takenOff ?? 0n
  return { ...state, holds: new Map([...open, [id, { ...hold, takenOff }]]) }
}

export function withoutHold(state: BudgetState, id: string): BudgetState {
  const holds = new Map(state.holds)
  holds.delete(id)
  return { ...state, holds }
}

export function save(workspace: Workspace, { collections }: Shelf, state: BudgetState): void {
  workspace.put(budgetRef(collections, state.budget.project, state.budget.id), encodeState(state))
}

function isId(id: string): boolean {
  return /^(res|lease)_[0-9a-f]{32}$/.test(id)
}
