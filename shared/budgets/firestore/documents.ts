import { createHash } from 'node:crypto'
import type { CollectionReference, DocumentReference, Firestore } from '@google-cloud/firestore'
import { type Budget, budgetFromJson, budgetToJson } from '../budget.ts'
import type { Rule } from '../charge.ts'
import type { Balance } from '../ledger.ts'
import { type Bucket, lookback, positionOf } from '../position.ts'

/** The collections of the ledger. Names of documents are hashes: no id can be refused, cut or taken for a path. */
export interface Collections {
  readonly firestore: Firestore
  readonly projects: CollectionReference
  readonly budgets: CollectionReference
  readonly claims: CollectionReference
  readonly counts: CollectionReference
  readonly reservations: CollectionReference
  readonly models: CollectionReference
  readonly alerts: CollectionReference
}

export function openCollections(firestore: Firestore, prefix: string): Collections {
  const named = (name: string) => firestore.collection(`${prefix}${name}`)
  return {
    firestore,
    projects: named('Projects'),
    budgets: named('Budgets'),
    claims: named('Claims'),
    counts: named('Counts'),
    reservations: named('Reservations'),
    models: named('Models'),
    alerts: named('Alerts'),
  }
}

/** A name for a document: 32 hex digits of a hash over `parts`. */
export function nameOf(...parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 32)
}

export function budgetRef(collections: Collections, project: string, id: string): DocumentReference {
  return collections.budgets.doc(nameOf(project, id))
}

/** One bucket's sums. `debited` is the part that spans brought. */
export interface BucketSums {
  readonly spent: bigint
  readonly unknown: number
  readonly debited: bigint
  readonly spans: number
}

export const NO_SUMS: BucketSums = { spent: 0n, unknown: 0, debited: 0n, spans: 0 }

export interface Hold {
  readonly amount: bigint
  readonly expiresAt: number
  /** What spans have taken off it: a lease's, else 0. It may be more than `amount`. */
  readonly takenOff: bigint
}

/** A budget with all that it has counted and holds: one document, so that a decision is one read and a debit one write. */
export interface BudgetState {
  readonly budget: Budget
  readonly deleted: boolean
  /** By {@link bucketKey}. */
  readonly buckets: ReadonlyMap<string, BucketSums>
  readonly holds: ReadonlyMap<string, Hold>
}

export function bucketKey(generation: number, start: number): string {
  return `${generation}_${start}`
}

/**
 * Sums are kept in two parts, since an increment is a double: below and above 2^26. Neither part loses a unit before
 * 10^8 increments of a bucket.
 */
const PART = 2n ** 26n

export function toParts(amount: bigint): { readonly low: number; readonly high: number } {
  return { low: Number(amount % PART), high: Number(amount / PART) }
}

export function fromParts(low: unknown, high: unknown): bigint {
  return toBigInt(low) + toBigInt(high) * PART
}

function toBigInt(value: unknown): bigint {
  return typeof value === 'number' || typeof value === 'bigint' ? BigInt(value) : 0n
}

export function encodeState({ budget, deleted, buckets, holds }: BudgetState): Record<string, unknown> {
  return {
    project: nameOf(budget.project),
    body: budgetToJson(budget),
    deleted,
    b: Object.fromEntries(
      Array.from(buckets, ([key, { spent, unknown, debited, spans }]) => {
        const [own, spanned] = [toParts(spent), toParts(debited)]
        return [key, { l: own.low, g: own.high, u: unknown, dl: spanned.low, dg: spanned.high, n: spans }]
      }),
    ),
    h: Object.fromEntries(
      Array.from(holds, ([id, { amount, expiresAt, takenOff }]) => {
        const { low, high } = toParts(takenOff)
        return [id, { a: amount.toString(), e: expiresAt, ...(takenOff !== 0n && { l: low, g: high }) }]
      }),
    ),
  }
}

export function decodeState(fields: Record<string, unknown>): BudgetState {
  const buckets = Object.entries((fields.b ?? {}) as Record<string, Record<string, unknown>>)
  const holds = Object.entries((fields.h ?? {}) as Record<string, Record<string, unknown>>)
  return {
    budget: budgetFromJson(String(fields.body)),
    deleted: fields.deleted === true,
    buckets: new Map(
      buckets.map(([key, { l, g, u, dl, dg, n }]) => [
        key,
        { spent: fromParts(l, g), unknown: Number(u ?? 0), debited: fromParts(dl, dg), spans: Number(n ?? 0) },
      ]),
    ),
    // What is taken off a hold that is gone leaves a field without an amount.
    holds: new Map(
      holds
        .filter(([, { a }]) => a !== undefined)
        .map(([id, { a, e, l, g }]) => [
          id,
          { amount: BigInt(String(a)), expiresAt: Number(e), takenOff: fromParts(l, g) },
        ]),
    ),
  }
}

/** Where a budget stands at `at`; holds that have expired by `now` count no more. */
export function balanceOf(state: BudgetState, { calendar }: Pick<Rule, 'calendar'>, now: number, at = now): Balance {
  const { budget } = state
  const from = lookback(budget, calendar, at)
  const buckets: Bucket[] = Array.from(state.buckets, ([key, { spent, unknown }]) => {
    const [generation, start] = key.split('_').map(Number) as [number, number]
    return { generation, start, spent, unknown }
  })
    .filter(({ generation, start }) => generation === budget.generation && start >= from)
    .sort((a, b) => a.start - b.start)
  let reserved = 0n
  for (const { amount, takenOff, expiresAt } of state.holds.values()) {
    if (expiresAt > now && amount > takenOff) reserved += amount - takenOff
  }
  return { budget, position: positionOf(budget, calendar, at, buckets, reserved) }
}

/** `state` with `change` made to one bucket. */
export function withBucket(state: BudgetState, key: string, change: (sums: BucketSums) => BucketSums): BudgetState {
  const buckets = new Map(state.buckets)
  buckets.set(key, change(buckets.get(key) ?? NO_SUMS))
  return { ...state, buckets }
}
