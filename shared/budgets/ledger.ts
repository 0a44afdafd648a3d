import type { StoreCounts } from '../warehouse/trace-store.ts'
import type { Amounts } from './amount.ts'
import type { Budget, BudgetTerms, Grant } from './budget.ts'
import type { Charge, ReservedSpan, Rules } from './charge.ts'
import type { Sample } from './estimate.ts'
import type { Position } from './position.ts'
import type { Subject } from './selector.ts'

/** A budget and where it stands. */
export interface Balance {
  readonly budget: Budget
  readonly position: Position
}

export const ENTRY_KINDS = [
  'created',
  'updated',
  'deleted',
  'granted',
  'revoked',
  'reset',
  'corrected',
  'debited',
  'settled',
  'reversed',
] as const
export type EntryKind = (typeof ENTRY_KINDS)[number]

/** One line of a budget's history; lines are only ever added. The amounts of a bucket's lines add up to what it has counted. */
export interface Entry {
  /** Orders the entries of a budget. */
  readonly id: string
  /** Milliseconds since 1970. */
  readonly at: number
  readonly kind: EntryKind
  /** Who did it: an API key's id, '' where none was needed, `spans` for what spans spent. */
  readonly actor: string
  readonly generation: number
  /** The bucket it changed; null where it changed none. */
  readonly bucket: number | null
  /** What it added to what is spent. */
  readonly amount: bigint
  /** What the budget counted then. */
  readonly unit: Budget['unit']
  /** How many spans it stands for. */
  readonly spans: number
  /** Why, or what changed. */
  readonly note: string
}

/** What is written in a history about a change. */
export interface EntryLine extends Pick<Entry, 'kind' | 'actor' | 'note'> {
  readonly bucket?: number
  readonly amount?: bigint
  readonly spans?: number
}

/** What one message spends. `revision` is that of the {@link Rules} the charges were made by. */
export interface DebitBatch {
  readonly project: string
  /** Hex SHA-256: a digest is debited once. */
  readonly digest: string
  readonly spans: number
  readonly revision: number
  readonly charges: readonly Charge[]
  readonly reserved: readonly ReservedSpan[]
  /** What its calls took, for {@link BudgetLedger.estimate}. */
  readonly samples: readonly Sample[]
}

/** What spans and corrections have brought to one bucket, in the budget's unit. */
export interface SpanSum {
  /** Start of the bucket, in milliseconds since 1970. */
  readonly bucket: number
  readonly amount: bigint
  /** How many corrections are among it. */
  readonly corrections: number
  /** When a message last brought something, in milliseconds since 1970, not more than a minute early; 0 for never. */
  readonly debitedAt: number
}

/** A bucket's spend set right by `amount`. */
export interface Correction {
  readonly generation: number
  readonly bucket: number
  readonly amount: bigint
  readonly actor: string
  /** Why. */
  readonly note: string
  /** {@link SpanSum.corrections} as it was when `amount` was found: where there are more by now, nothing is done. */
  readonly after: number
}

/** `stale`: the project's budgets have changed since `revision`; nothing was done: make the charges anew. */
export type DebitResult = 'debited' | 'duplicate' | 'stale'

/** An alert that is due, or has been sent. `id` is the SHA-256 of what makes it unique: budget, generation, period, threshold. */
export interface Alert {
  readonly id: string
  readonly project: string
  readonly budgetId: string
  readonly period: string
  readonly threshold: number
  readonly unit: Budget['unit']
  readonly spent: bigint
  readonly allowance: bigint
  /** Milliseconds since 1970. */
  readonly at: number
  readonly resetsAt: number | null
}

/** What is asked for before a call. */
export interface ReserveRequest {
  readonly project: string
  /** A request with the same key again gets the same answer, whatever else it says. */
  readonly idempotencyKey: string
  readonly subject: Subject
  /** For every unit that a budget which applies counts in. */
  readonly amounts: Required<Amounts>
  readonly ttlMs: number
}

export interface Reservation {
  readonly id: string
  readonly project: string
  readonly subject: Subject
  readonly amounts: Required<Amounts>
  readonly createdAt: number
  readonly expiresAt: number
  /** `expired` holds nothing any more, and can still be settled. */
  readonly state: 'open' | 'settled' | 'released' | 'expired'
  /** What it was settled at; null while it is not. */
  readonly settled: Amounts | null
  /** The budgets that apply, with where they stand. */
  readonly balances: readonly Balance[]
}

/** Granted with what it holds, or refused by the first of `denying`. */
export type ReserveResult =
  | { readonly kind: 'reserved'; readonly reservation: Reservation; readonly exceeded: readonly Balance[] }
  | { readonly kind: 'denied'; readonly denying: readonly Balance[] }

/** A lease with what it was granted in all, which may be less than was asked for; or refused by budgets that have nothing left. */
export type LeaseResult =
  | { readonly kind: 'leased'; readonly reservation: Reservation }
  | { readonly kind: 'denied'; readonly denying: readonly Balance[] }

/** One page of a list; `next` is null on the last. */
export interface LedgerPage<T> {
  readonly items: readonly T[]
  readonly next: string | null
}

/**
 * Budgets and what has been spent of them. Every method rejects with `store/unavailable` when the store does not answer,
 * and with `budget/not-found` where it names a budget or reservation that is not there.
 *
 * What a budget has spent in a bucket is the sum over a set of spans, each counted once at the highest amount it came
 * with: so neither order nor repetition can change it.
 */
export interface BudgetLedger {
  /** The budgets of a project, prepared for {@link BudgetLedger.debit}. */
  rules(project: string): Promise<Rules>
  /**
   * Makes or changes a budget; what it has spent stays. With the `version` that it was read in (`budgetVersion`) it rejects with
   * `budget/changed` if it is another by now, or gone; with `ANY_VERSION` if there is none, with `NO_VERSION` if there is one.
   */
  put(
    project: string,
    id: string,
    terms: BudgetTerms,
    actor: string,
    version?: string,
  ): Promise<{ balance: Balance; created: boolean }>
  get(project: string, id: string): Promise<Balance>
  /** In order of id, those after `after`. */
  list(project: string, options: { after?: string; pageSize: number }): Promise<LedgerPage<Balance>>
  delete(project: string, id: string, actor: string): Promise<void>
  /** Adds funds. With the `grantId` of a grant that the budget was given before it changes nothing. */
  grant(project: string, id: string, grant: Omit<Grant, 'id'>, actor: string, grantId?: string): Promise<Balance>
  /** Ends a grant now: what it has paid stays paid. Rejects with `budget/not-found` where it has ended or never was. */
  revokeGrant(project: string, id: string, grantId: string, actor: string): Promise<Balance>
  /** The current period begins anew with nothing spent: what began before counts no more, whatever is said of it later. */
  reset(project: string, id: string, actor: string, note: string): Promise<Balance>
  /**
   * Sets right what the ledger was found to differ by from the warehouse. Of several who found the same difference one does it;
   * returns whether it was this one.
   */
  correct(project: string, id: string, correction: Correction): Promise<boolean>
  /** The history of a budget, latest first; also of one that was deleted. */
  entries(project: string, id: string, options: { after?: string; pageSize: number }): Promise<LedgerPage<Entry>>

  /** Projects that have, or had, a budget. */
  projects(): Promise<readonly string[]>
  /** What spans and corrections have brought to each bucket of the budget's generation. */
  spanSums(project: string, id: string): Promise<readonly SpanSum[]>

  /**
   * Debits messages in one transaction: all, or none when it rejects. With a `reason` what they add is a correction that says so,
   * for spans that no message brought.
   */
  debit(batches: readonly DebitBatch[], options?: { readonly reason: string }): Promise<readonly DebitResult[]>
  /** Charges spans of the past to one budget; those it has counted already change nothing. */
  backfill(project: string, id: string, charges: readonly Charge[]): Promise<void>
  backfilled(project: string, id: string, generation: number): Promise<void>

  /** Holds the amounts in every budget that applies, or in none. */
  reserve(request: ReserveRequest): Promise<ReserveResult>
  /** Lets go of what is held and charges `amounts` (what is absent: as reserved) until the call's own spans arrive. */
  settle(project: string, reservationId: string, amounts: Amounts, actor?: string): Promise<Reservation>
  release(project: string, reservationId: string): Promise<Reservation>
  /**
   * Holds a slice of every budget that applies, for many calls: spans that name it take what they cost off the hold. Asked again
   * with the same key it grows to the amounts asked for, as far as they fit, and lives `ttlMs` longer; one that has
   * ended is answered as it is.
   */
  lease(request: ReserveRequest): Promise<LeaseResult>
  /** Lets go of what was not used. What was stays held until its spans have come, or the lease expires. */
  returnLease(project: string, leaseId: string, used: Amounts): Promise<Reservation>
  /** The reservation or lease `id`. */
  reservation(project: string, id: string): Promise<Reservation>
  /** The budgets that apply to a call for `subject`, with where they stand. */
  balances(project: string, subject: Subject): Promise<readonly Balance[]>

  /** What a call of `model` is taken to need when its caller does not say: the 95th percentile of recent calls. */
  estimate(project: string, model: string): Promise<Required<Amounts>>

  /** Alerts that have not been published yet, oldest first. */
  dueAlerts(limit: number): Promise<readonly Alert[]>
  alertsPublished(ids: readonly string[]): Promise<void>

  /** Spans handled (all of every distinct digest), whether or not they spent anything. */
  counts(project: string): Promise<StoreCounts>
  close(): Promise<void>
}
