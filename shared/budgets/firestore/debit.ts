import type { DocumentReference } from '@google-cloud/firestore'
import { checkAmount } from '../amount.ts'
import { type Charge, chargeTo, inBucketOf, isOf, type Rules, tells } from '../charge.ts'
import { UNKNOWN } from '../claim.ts'
import { isLease } from '../lease.ts'
import type { DebitBatch, DebitResult } from '../ledger.ts'
import { lookback } from '../position.ts'
import { haveSpansCome, type Kept, withoutForgotten, withSpans } from '../reservation.ts'
import { raiseAlerts } from './alerts.ts'
import { type ClaimedCharge, otherCharges, putClaim, spanKey, targetKey } from './claims.ts'
import {
  type BudgetState,
  bucketKey,
  budgetRef,
  type Collections,
  decodeState,
  nameOf,
  withBucket,
} from './documents.ts'
import { addEntry } from './entries.ts'
import { gainsOf, leaveWhereCounted } from './gains.ts'
import { readRules, ruleOf, type Shelf } from './project.ts'
import { readKept, save, saveKept, withoutHold } from './reservations.ts'
import type { Workspace } from './workspace.ts'

/** Buckets of one budget above which old ones are let go. */
const MAX_BUCKETS = 600
const KEEP_BUCKETS_MS = 8 * 86_400_000
/** Charges made by one write of a backfill. */
const BACKFILLED_AT_ONCE = 2_000

/** The documents that {@link debit} reads unless the message was debited before. */
export function debitReads({ collections }: Shelf, { project, digest, charges }: DebitBatch): DocumentReference[] {
  const budgets = new Set(charges.map(({ budgetId }) => budgetId))
  return [
    collections.projects.doc(nameOf(project)),
    claimRef(collections, project, digest),
    ...Array.from(budgets, (id) => budgetRef(collections, project, id)),
  ]
}

function claimRef({ claims }: Collections, project: string, digest: string): DocumentReference {
  return claims.doc(nameOf(project, digest))
}

/**
 * Debits one message: its claim is created and each budget that it tells something new is written, all at once and on
 * the condition that none of them has changed since it was read. So a message is debited wholly or not at all, and
 * once. With a `reason` what it adds is a correction that says so.
 */
export async function debit(
  workspace: Workspace,
  shelf: Shelf,
  given: DebitBatch,
  reason?: string,
): Promise<DebitResult> {
  const { collections, now } = shelf
  const batch: DebitBatch = { ...given, reserved: withoutForgotten(given.reserved, now()) }
  const { project, digest, spans } = batch
  const claim = claimRef(collections, project, digest)
  if ((await workspace.get(claim)) !== undefined) return 'duplicate'
  const rules = await readRules(shelf, project, workspace)
  if (rules.revision !== batch.revision) return 'stale'
  const reservations = await readNamed(workspace, shelf, batch)
  const charges = [
    ...batch.charges.map((charge) => toClaimed(project, charge, reservationOf(batch, charge))),
    ...chargesByReservation(rules, batch, reservations),
  ]
  const names = [
    ...charges.map(({ budgetId }) => budgetId),
    ...Array.from(reservations.values()).flatMap(({ budgets }) => budgets.map(({ id }) => id)),
  ]
  const states = await readStates(workspace, shelf, project, names)
  if (charges.some(({ budgetId, generation }) => states.get(budgetId)?.budget.generation !== generation)) return 'stale'

  const change = createChange(states)
  const placed = await charge(workspace, shelf, project, { charges, change, reason })
  for (const [id, kept] of reservations) {
    if (isLease(id)) continue
    const came = new Set(charges.filter(({ reservation }) => reservation === id).map(({ budgetId }) => budgetId))
    const fresh = kept.budgets.map((of) => of.id).filter((of) => came.has(of) && !haveSpansCome(kept, of))
    if (fresh.length === 0) continue
    for (const budgetId of fresh) change.make(budgetId, (state) => withoutHold(state, id))
    for (const own of kept.charged) if (fresh.includes(own.id)) takeBack(workspace, shelf, { id, kept, own, change })
    const there = kept.budgets.filter((of) => states.get(of.id)?.budget.generation === of.generation)
    const all = there.every((of) => haveSpansCome(kept, of.id) || fresh.includes(of.id))
    saveKept(workspace, shelf, project, id, withSpans(kept, fresh, all))
  }

  const [counting] = change.made
  if (counting !== undefined) change.make(counting, (state) => ({ ...state, handled: state.handled + spans }))
  else if (spans > 0) workspace.increment(collections.counts.doc(`${nameOf(project)}_${shelf.shard}`), 'handled', spans)
  await write(workspace, shelf, change, placed)
  putClaim(workspace, collections, claim, { charges: placed, now: now() })
  return 'debited'
}

/** Charges spans outside any message, under claims of their own: those that are counted already change nothing. */
export function backfills(
  project: string,
  charges: readonly Charge[],
): ((workspace: Workspace, shelf: Shelf) => Promise<void>)[] {
  const parts = Array.from({ length: Math.ceil(charges.length / BACKFILLED_AT_ONCE) }, (_, i) =>
    charges.slice(i * BACKFILLED_AT_ONCE, (i + 1) * BACKFILLED_AT_ONCE),
  )
  return parts.map((part) => async (workspace, shelf) => {
    const spans = part.map((own) => targetKey(toClaimed(project, own, '')))
    const claim = shelf.collections.claims.doc(nameOf(project, 'backfill', JSON.stringify(spans)))
    if ((await workspace.get(claim)) !== undefined) return
    const names = part.map(({ budgetId }) => budgetId)
    const states = await readStates(workspace, shelf, project, names)
    const rules = new Map(Array.from(states, ([id, state]) => [id, ruleOf(state)]))
    const charges = part
      .filter(({ budgetId, generation }) => states.get(budgetId)?.budget.generation === generation)
      .map((own) => toClaimed(project, inBucketOf(own, rules.get(own.budgetId)), ''))
    const change = createChange(states)
    const placed = await charge(workspace, shelf, project, { charges, change })
    await write(workspace, shelf, change, placed)
    putClaim(workspace, shelf.collections, claim, { charges: placed, now: shelf.now() })
  })
}

/** Changes of budgets that were read, gathered so that each is written once. */
interface Change {
  make(id: string, to: (state: BudgetState) => BudgetState): void
  readonly made: ReadonlySet<string>
  readonly states: ReadonlyMap<string, BudgetState>
}

function createChange(states: Map<string, BudgetState>): Change {
  const made = new Set<string>()
  return {
    states,
    made,
    make(id, to) {
      const state = states.get(id)
      if (state === undefined) return
      states.set(id, to(state))
      made.add(id)
    },
  }
}

interface Charging {
  readonly charges: readonly ClaimedCharge[]
  readonly change: Change
  readonly reason?: string | undefined
}

/**
 * Adds what `charges` say anew: as brought by spans, or with a `reason` as corrections. Returns them in the buckets that count them, as
 * they are to be claimed.
 */
async function charge(
  workspace: Workspace,
  shelf: Shelf,
  project: string,
  { charges, change, reason }: Charging,
): Promise<readonly ClaimedCharge[]> {
  if (charges.length === 0) return charges
  const others = await otherCharges(workspace, shelf.collections, charges)
  const placed = leaveWhereCounted(charges, others, change.states)
  for (const { budgetId, generation, bucket, amount, unknown, spans, ofLeases } of gainsOf(placed, others)) {
    change.make(budgetId, (state) => {
      const after = withBucket(state, bucketKey(generation, bucket), (sums) => ({
        ...sums,
        spent: checkAmount(sums.spent + amount),
        unknown: sums.unknown + unknown,
        ...(reason === undefined
          ? { debited: sums.debited + amount, spans: sums.spans + spans, debitedAt: shelf.now() }
          : { corrected: sums.corrected + amount, corrections: sums.corrections + 1 }),
      }))
      return [...ofLeases].reduce((held, [lease, part]) => takenOff(held, lease, part), after)
    })
    if (reason === undefined) continue
    const line = { kind: 'corrected', actor: 'reconcile', note: reason, bucket, amount, spans } as const
    addEntry(workspace, shelf, { project, id: budgetId, generation }, line)
  }
  return placed
}

function takenOff(state: BudgetState, lease: string, amount: bigint): BudgetState {
  const hold = state.holds.get(lease)
  if (hold === undefined) return state
  return { ...state, holds: new Map(state.holds).set(lease, { ...hold, takenOff: hold.takenOff + amount }) }
}

/** Takes back what `settle` charged to one budget: the call's own spans have come. */
function takeBack(
  workspace: Workspace,
  shelf: Shelf,
  {
    id,
    kept,
    own,
    change,
  }: { readonly id: string; readonly kept: Kept; readonly own: Kept['charged'][number]; readonly change: Change },
): void {
  const { bucket, amount } = own
  const generation = kept.budgets.find((budget) => budget.id === own.id)?.generation ?? 0
  change.make(own.id, (state) => {
    const line = { kind: 'reversed', actor: 'spans', note: id, bucket, amount: -amount } as const
    addEntry(workspace, shelf, { ...state.budget, generation }, line)
    const key = bucketKey(generation, bucket)
    return withBucket(state, key, (sums) => ({ ...sums, spent: sums.spent - amount }))
  })
}

/** Writes the changed budgets, and the alerts that the charges give cause to. */
async function write(
  workspace: Workspace,
  shelf: Shelf,
  { states, made }: Change,
  charges: readonly ClaimedCharge[],
): Promise<void> {
  for (const id of made) {
    const state = states.get(id) as BudgetState
    const rule = ruleOf(state)
    save(workspace, shelf, trimmed(state, lookback(state.budget, rule.calendar, shelf.now())))
    const buckets = new Set(charges.filter(({ budgetId }) => budgetId === id).map(({ bucket }) => bucket))
    for (const bucket of buckets) await raiseAlerts(workspace, shelf, { state, rule, start: bucket })
  }
}

function toClaimed(project: string, charge: Charge, reservation: string): ClaimedCharge {
  const { budgetId, generation, bucket, claimed } = charge
  return { budgetId, generation, bucket, span: spanKey(project, charge), claimed, reservation }
}

function reservationOf({ reserved }: DebitBatch, { traceId, spanId, claimed }: Charge): string {
  if (reserved.length === 0) return ''
  const span = reserved.find((candidate) => candidate.spanId === spanId && candidate.traceId === traceId)
  if (span === undefined) return ''
  // What is not known settles no reservation; from a lease it takes nothing, whatever was known before.
  return claimed.value === UNKNOWN && !isLease(span.reservationId) ? '' : span.reservationId
}

/** The reservations that the spans of a message name, by id; without those that are not there. */
async function readNamed(
  workspace: Workspace,
  shelf: Shelf,
  { project, reserved }: DebitBatch,
): Promise<ReadonlyMap<string, Kept>> {
  return readKept(workspace, shelf, project, [...new Set(reserved.map(({ reservationId }) => reservationId))])
}

/** Charges to budgets that a span's reservation is for, though their selectors do not match the span. */
function chargesByReservation(
  { rules }: Rules,
  { project, charges, reserved }: DebitBatch,
  reservations: ReadonlyMap<string, Kept>,
): ClaimedCharge[] {
  return reserved.flatMap((span) => {
    const { reservationId } = span
    return (reservations.get(reservationId)?.budgets ?? []).flatMap(({ id, generation }) => {
      const rule = rules.find(({ budget }) => budget.id === id && budget.generation === generation)
      const charged = charges.some((charge) => charge.budgetId === id && isOf(charge, span))
      if (rule === undefined || charged || !tells(span, rule.budget.unit)) return []
      return [toClaimed(project, chargeTo(rule.budget, rule.calendar, span), reservationId)]
    })
  })
}

/** The named budgets that are still there, by id. */
async function readStates(
  workspace: Workspace,
  { collections }: Shelf,
  project: string,
  names: readonly string[],
): Promise<Map<string, BudgetState>> {
  const ids = [...new Set(names)]
  if (ids.length === 0) return new Map()
  const found = await workspace.getAll(ids.map((id) => budgetRef(collections, project, id)))
  return new Map(
    found.flatMap((fields, i) => {
      const state = fields === undefined ? undefined : decodeState(fields)
      return state === undefined || state.deleted ? [] : [[ids[i] as string, state]]
    }),
  )
}

/** `state` without the sums that bear on nothing any more, once there are many, so that its document stays small. */
function trimmed(state: BudgetState, from: number): BudgetState {
  if (state.buckets.size <= MAX_BUCKETS) return state
  const kept = [...state.buckets].filter(([key]) => {
    const [generation, start] = key.split('_').map(Number) as [number, number]
    return generation === state.budget.generation && start >= from - KEEP_BUCKETS_MS
  })
  return { ...state, buckets: new Map(kept) }
}
