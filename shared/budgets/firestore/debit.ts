import { FieldPath, FieldValue, type WriteBatch } from '@google-cloud/firestore'
import { checkAmount, MAX_AMOUNT } from '../amount.ts'
import { type Charge, chargeTo, isOf, type Rules } from '../charge.ts'
import { type Claimed, joinClaims, sameClaim, spentBy, UNKNOWN, unknownBy } from '../claim.ts'
import { isLease } from '../lease.ts'
import type { DebitBatch, DebitResult } from '../ledger.ts'
import { lookback } from '../position.ts'
import { raiseAlerts } from './alerts.ts'
import { type Claim, type ClaimedCharge, claim, olderCharges, spanKey, targetKey } from './claims.ts'
import { type BudgetState, bucketKey, budgetRef, decodeState, nameOf, toParts } from './documents.ts'
import { entryOf } from './entries.ts'
import { readRules, ruleOf, type Shelf } from './project.ts'
import { budgetsOfReservation, type Kept, readKept, spanCame } from './reservations.ts'
import { isConflict } from './workspace.ts'

/** Counters of handled spans a project: each takes one write a second. */
export const COUNT_SHARDS = 16
/** A claim holds at most this many charges: a larger message has several. */
const MAX_CHARGES = 2_000
/** Gains above which a sum might leave the range, so that it is read before. */
const LARGE_GAIN = MAX_AMOUNT / 8n
/** Buckets of one budget above which old ones are let go. */
const MAX_BUCKETS = 600
const KEEP_BUCKETS_MS = 8 * 86_400_000
const TRIES = 10

/** Debits one message: its claim is created, then compared with older claims, then finished together with what it adds. */
export async function debitMessage(shelf: Shelf, batch: DebitBatch): Promise<DebitResult> {
  const { project, digest, spans, revision } = batch
  const rules = await readRules(shelf, project)
  if (rules.revision !== revision) return 'stale'
  const charges = [
    ...batch.charges.map((charge) => toClaimed(project, charge, reservationOf(batch, charge))),
    ...(await chargesByReservation(shelf, rules, batch)),
  ]
  const parts = Math.max(1, Math.ceil(charges.length / MAX_CHARGES))
  let debited = false
  for (let part = 0; part < parts; part++) {
    const own = charges.slice(part * MAX_CHARGES, (part + 1) * MAX_CHARGES)
    const name = nameOf(project, digest, String(part))
    const made = await claim(shelf.collections, name, { spans: part === 0 ? spans : 0, charges: own, now: shelf.now() })
    if (await finish(shelf, project, made)) debited = true
  }
  return debited ? 'debited' : 'duplicate'
}

/** Charges spans outside any message, under claims of their own: those that are counted already change nothing. */
export async function backfill(shelf: Shelf, project: string, charges: readonly Charge[]): Promise<void> {
  for (let at = 0; at < charges.length; at += MAX_CHARGES) {
    const own = charges.slice(at, at + MAX_CHARGES).map((charge) => toClaimed(project, charge, ''))
    const name = nameOf(project, 'backfill', JSON.stringify(own.map(targetKey)))
    await finish(shelf, project, await claim(shelf.collections, name, { spans: 0, charges: own, now: shelf.now() }))
  }
}

/** Writes what a claim adds, once; returns whether it was this call that did. Its alerts are looked after in any case. */
async function finish(shelf: Shelf, project: string, made: Claim): Promise<boolean> {
  const { collections } = shelf
  const added = made.done ? false : await add(shelf, project, made)
  const buckets = new Map(made.charges.map((charge) => [`${charge.budgetId}/${charge.bucket}`, charge]))
  const states = new Map<string, BudgetState>()
  for (const { budgetId, bucket } of buckets.values()) {
    let state = states.get(budgetId)
    if (state === undefined) {
      const fields = (await budgetRef(collections, project, budgetId).get()).data()
      if (fields === undefined) continue
      state = decodeState(fields)
      states.set(budgetId, state)
      await trim(shelf, project, state)
    }
    await raiseAlerts(shelf, state, ruleOf(state), bucket)
  }
  return added
}

async function add(shelf: Shelf, project: string, made: Claim): Promise<boolean> {
  const { collections } = shelf
  const gains = gainsOf(made, made.charges.length === 0 ? new Map() : await olderCharges(collections, made))
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const writes = collections.firestore.batch()
    writes.update(made.ref, { done: true }, { lastUpdateTime: made.updated })
    if (made.spans > 0) {
      const shard = Number.parseInt(made.ref.id.slice(0, 4), 16) % COUNT_SHARDS
      const count = collections.counts.doc(`${nameOf(project)}_${shard}`)
      writes.set(count, { handled: FieldValue.increment(made.spans) }, { merge: true })
    }
    const changes = new BudgetChanges(shelf, project)
    for (const gain of gains) {
      changes.add(gain.budgetId, gain.generation, gain.bucket, gain)
      for (const [lease, amount] of gain.ofLeases) changes.takeOff(gain.budgetId, lease, amount)
    }
    const came = new Set(
      made.charges.filter(({ claimed }) => claimed.value !== UNKNOWN).map(({ reservation }) => reservation),
    )
    for (const id of came) if (id !== '') await spanCame(shelf, project, id, writes, changes)
    await changes.writeTo(writes)
    try {
      await writes.commit()
      return true
    } catch (error) {
      if (!isConflict(error)) throw error
      // Either another has finished this claim, or a reservation has changed under it.
      if ((await made.ref.get()).get('done') === true) return false
    }
  }
  throw new Error('a claim could not be finished')
}

interface Gain {
  readonly budgetId: string
  readonly generation: number
  readonly bucket: number
  readonly amount: bigint
  readonly unknown: number
  readonly spans: number
  /** The part of `amount` that comes off leases. */
  readonly ofLeases: Map<string, bigint>
}

/** What a claim adds to each bucket beyond what older claims say of the same spans. */
function gainsOf({ charges }: Claim, said: Map<string, Claimed>): Gain[] {
  const gains = new Map<string, Gain>()
  for (const charge of charges) {
    const { budgetId, generation, bucket, claimed, reservation } = charge
    const span = targetKey(charge)
    const earlier = said.get(span)
    const joined = joinClaims(earlier, claimed)
    if (sameClaim(earlier, joined)) continue
    said.set(span, joined)
    const key = `${budgetId}/${generation}/${bucket}`
    const gain = gains.get(key)
    const amount = spentBy(joined) - spentBy(earlier)
    const ofLeases = gain?.ofLeases ?? new Map<string, bigint>()
    if (isLease(reservation)) ofLeases.set(reservation, (ofLeases.get(reservation) ?? 0n) + amount)
    gains.set(key, {
      budgetId,
      generation,
      bucket,
      amount: (gain?.amount ?? 0n) + amount,
      unknown: (gain?.unknown ?? 0) + unknownBy(joined) - unknownBy(earlier),
      spans: (gain?.spans ?? 0) + 1,
      ofLeases,
    })
  }
  return [...gains.values()]
}

/** Increments of budgets' documents, gathered so that each is written once. */
export class BudgetChanges {
  readonly #shelf: Shelf
  readonly #project: string
  readonly #fields = new Map<string, [FieldPath, unknown][]>()
  readonly #sums = new Map<string, bigint>()
  readonly #entries: ReturnType<typeof entryOf>[] = []

  constructor(shelf: Shelf, project: string) {
    this.#shelf = shelf
    this.#project = project
  }

  /** Adds to what a bucket has spent; `spans` is 0 for what no span brought. */
  add(
    budgetId: string,
    generation: number,
    bucket: number,
    { amount, unknown, spans }: Pick<Gain, 'amount' | 'unknown' | 'spans'>,
  ): void {
    const key = `${budgetId}/${bucketKey(generation, bucket)}`
    const sum = this.#sums.get(key) ?? 0n
    this.#sums.set(key, sum + amount)
    const { low, high } = toParts(amount)
    const fields = this.#of(budgetId)
    const path = (field: string) => new FieldPath('b', bucketKey(generation, bucket), field)
    fields.push([path('l'), low], [path('g'), high])
    if (unknown !== 0) fields.push([path('u'), unknown])
    if (spans !== 0) fields.push([path('dl'), low], [path('dg'), high], [path('n'), spans])
  }

  /** Takes back what `settle` charged, with the line that says so. */
  reverse(budgetId: string, generation: number, bucket: number, amount: bigint, reservation: string): void {
    this.add(budgetId, generation, bucket, { amount: -amount, unknown: 0, spans: 0 })
    const line = { kind: 'reversed', actor: 'spans', note: reservation, bucket, amount: -amount } as const
    this.#entries.push(entryOf(this.#shelf, { project: this.#project, id: budgetId, generation }, line))
  }

  takeOff(budgetId: string, lease: string, amount: bigint): void {
    const { low, high } = toParts(amount)
    this.#of(budgetId).push([new FieldPath('h', lease, 'l'), low], [new FieldPath('h', lease, 'g'), high])
  }

  dropHold(budgetId: string, reservation: string): void {
    this.#of(budgetId).push([new FieldPath('h', reservation), FieldValue.delete()])
  }

  async writeTo(writes: WriteBatch): Promise<void> {
    const { collections } = this.#shelf
    for (const { ref, fields } of this.#entries) writes.create(ref, fields)
    for (const [key, sum] of this.#sums) {
      if (sum < LARGE_GAIN) continue
      const [budgetId = '', bucket = ''] = key.split('/')
      const fields = (await budgetRef(collections, this.#project, budgetId).get()).data()
      if (fields !== undefined) checkAmount((decodeState(fields).buckets.get(bucket)?.spent ?? 0n) + sum)
    }
    for (const [budgetId, fields] of this.#fields) {
      const merged = new Map<string, { path: FieldPath; value: unknown }>()
      for (const [path, value] of fields) {
        const before = merged.get(path.toString())?.value
        merged.set(path.toString(), {
          path,
          value: typeof value === 'number' && typeof before === 'number' ? before + value : value,
        })
      }
      const args = Array.from(merged.values(), ({ path, value }) => [
        path,
        typeof value === 'number' ? FieldValue.increment(value) : value,
      ]).flat()
      const [first, ...rest] = args as [FieldPath, ...unknown[]]
      writes.update(budgetRef(collections, this.#project, budgetId), first, ...(rest as [unknown, ...unknown[]]))
    }
  }

  #of(budgetId: string): [FieldPath, unknown][] {
    let fields = this.#fields.get(budgetId)
    if (fields === undefined) {
      fields = []
      this.#fields.set(budgetId, fields)
    }
    return fields
  }
}

function toClaimed(project: string, charge: Charge, reservation: string): ClaimedCharge {
  const { budgetId, generation, bucket, claimed } = charge
  return { budgetId, generation, bucket, span: spanKey(project, charge), claimed, reservation }
}

function reservationOf({ reserved }: DebitBatch, { traceId, spanId }: Charge): string {
  if (reserved.length === 0) return ''
  const span = reserved.find((candidate) => candidate.spanId === spanId && candidate.traceId === traceId)
  return span?.amounts.usd === undefined ? '' : span.reservationId
}

/** Charges to budgets that a span's reservation is for, though their selectors do not match the span. */
async function chargesByReservation(shelf: Shelf, rules: Rules, batch: DebitBatch): Promise<ClaimedCharge[]> {
  const { project, charges, reserved } = batch
  const kept = new Map<string, Kept | undefined>()
  const missing: ClaimedCharge[] = []
  for (const span of reserved) {
    const { reservationId } = span
    if (span.amounts.usd === undefined) continue
    if (!kept.has(reservationId)) kept.set(reservationId, await readKept(shelf, project, reservationId))
    for (const { id, generation } of budgetsOfReservation(kept.get(reservationId))) {
      const rule = rules.rules.find(({ budget }) => budget.id === id && budget.generation === generation)
      const charged = charges.some((charge) => charge.budgetId === id && isOf(charge, span))
      if (rule === undefined || charged) continue
      missing.push(toClaimed(project, chargeTo(rule.budget, rule.calendar, span), reservationId))
    }
  }
  return missing
}

/** Lets go of the sums that bear on nothing any more, so that the document stays small. */
async function trim({ collections, now }: Shelf, project: string, state: BudgetState): Promise<void> {
  if (state.buckets.size <= MAX_BUCKETS) return
  const { budget } = state
  const oldest = lookback(budget, ruleOf(state).calendar, now()) - KEEP_BUCKETS_MS
  const old = [...state.buckets.keys()].filter((key) => {
    const [generation, start] = key.split('_').map(Number) as [number, number]
    return generation !== budget.generation || start < oldest
  })
  const fields = old.flatMap((key) => [new FieldPath('b', key), FieldValue.delete()])
  const [first, ...rest] = fields as [FieldPath, ...unknown[]]
  if (first !== undefined) await budgetRef(collections, project, budget.id).update(first, ...(rest as [unknown]))
}
