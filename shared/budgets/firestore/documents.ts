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

/** One bucket's sums. */
export interface BucketSums {
  readonly spent: bigint
  readonly unknown: number
  /** The part of `spent` that spans brought, how many, and when the last: milliseconds since 1970. */
  readonly debited: bigint
  readonly spans: number
  readonly debitedAt: number
  /** The part of `spent` that corrections brought, and how many. */
  readonly corrected: bigint
  readonly corrections: number
}

export const NO_SUMS: BucketSums = {
  ...{ spent: 0n, unknown: 0 },
  ...{ debited: 0n, spans: 0, debitedAt: 0 },
  ...{ corrected: 0n, corrections: 0 },
}

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
  /** Spans of the messages that were counted here: of those charged to several budgets the first counts them. */
  readonly handled: number
  /** By {@link bucketKey}. */
  readonly buckets: ReadonlyMap<string, BucketSums>
  readonly holds: ReadonlyMap<string, Hold>
}

export function bucketKey(generation: number, start: number): string {
  return `${generation}_${start}`
}

export function encodeState({ budget, deleted, handled, buckets, holds }: BudgetState): Record<string, unknown> {
  return {
    project: nameOf(budget.project),
    body: budgetToJson(budget),
    deleted,
    handled,
    b: Object.fromEntries(
      Array.from(buckets, ([key, { spent, unknown, debited, spans, debitedAt, corrected, corrections }]) => [
        key,
        {
          ...{ s: spent.toString(), u: unknown, d: debited.toString(), n: spans, t: debitedAt },
          ...(corrections > 0 && { c: corrected.toString(), m: corrections }),
        },
      ]),
    ),
    h: Object.fromEntries(
      Array.from(holds, ([id, { amount, expiresAt, takenOff }]) => [
        id,
        { a: amount.toString(), e: expiresAt, ...(takenOff !== 0n && { t: takenOff.toString() }) },
      ]),
    ),
  }
}

export function decodeState(fields: Record<string, unknown>): BudgetState {
  const buckets = Object.entries((fields.b ?? {}) as Record<string, Record<string, string | number>>)
  const holds = Object.entries((fields.h ?? {}) as Record<string, Record<string, string | number>>)
  return {
    budget: budgetFromJson(String(fields.body)),
    deleted: fields.deleted === true,
    handled: Number(fields.handled ?? 0),
    buckets: new Map(
      buckets.map(([key, { s = 0, u = 0, d = 0, n = 0, t = 0, c = 0, m = 0 }]) => [
        key,
        {
          ...{ spent: BigInt(s), unknown: Number(u) },
          ...{ debited: BigInt(d), spans: Number(n), debitedAt: Number(t) },
          ...{ corrected: BigInt(c), corrections: Number(m) },
        },
      ]),
    ),
    holds: new Map(
      holds.map(([id, { a = 0, e = 0, t = 0 }]) => [
        id,
        { amount: BigInt(a), expiresAt: Number(e), takenOff: BigInt(t) },
      ]),
    ),
  }
}

/** All buckets that bear on where a budget stands at `at`, in order of start. */
export function bucketsOf(
  { budget, buckets }: BudgetState,
  { calendar }: Pick<Rule, 'calendar'>,
  at: number,
): Bucket[] {
  const from = lookback(budget, calendar, at)
  return Array.from(buckets, ([key, { spent, unknown }]) => {
    const [generation, start] = key.split('_').map(Number) as [number, number]
    return { generation, start, spent, unknown }
  })
    .filter(({ generation, start }) => generation === budget.generation && start >= from)
    .sort((a, b) => a.start - b.start)
}

/** Where a budget stands at `at`; holds that have expired by `now` count no more. */
export function balanceOf(state: BudgetState, rule: Pick<Rule, 'calendar'>, now: number, at = now): Balance {
  const { budget } = state
  const { calendar } = rule
  const buckets = bucketsOf(state, rule, at)
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
