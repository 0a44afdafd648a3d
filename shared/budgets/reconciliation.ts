import type { BackfillReader } from './backfill.ts'
import type { Budget } from './budget.ts'
import type { BudgetLedger } from './ledger.ts'

export interface ReconcileSources {
  readonly ledger: BudgetLedger
  readonly reader: BackfillReader
  /** Milliseconds since 1970. */
  readonly now: () => number
  /** Whether no message waits for ledger or warehouse, and none is dead to the warehouse; absent where nobody can tell. */
  readonly isIdle?: ((project: string) => Promise<boolean>) | undefined
  /** Lets some time pass before what was seen once is looked at again. */
  readonly pause: () => Promise<unknown>
}

export interface ReconcileOptions {
  readonly project: string
  /** Only this budget. */
  readonly budgetId?: string | undefined
  /** Leaves alone what began before, in milliseconds since 1970. */
  readonly from?: number | undefined
  /** After how many days the warehouse forgets spans. @defaultValue 0, never */
  readonly retentionDays?: number
  /** Budgets are left alone whose time has more stored spans, since each is read. @defaultValue no bound */
  readonly maxSpans?: number
  /** Finds, and appends nothing. */
  readonly dryRun?: boolean | undefined
}

/** A bucket in which the ledger differs from the warehouse. Amounts in the budget's unit. */
export interface Difference {
  readonly budget: Budget
  readonly period: string
  /** Start of the bucket, in milliseconds since 1970. */
  readonly bucket: number
  /** What spans and earlier corrections had brought to the ledger. */
  readonly ledger: bigint
  readonly warehouse: bigint
}

/** A budget, or one bucket of it, that was left alone, and why. */
export interface Skipped {
  readonly budgetId: string
  readonly bucket: number | null
  readonly reason: string
}

/** `differences` have been corrected; in a dry run they would have been. */
export interface ReconcileReport {
  readonly budgets: number
  readonly differences: readonly Difference[]
  readonly skipped: readonly Skipped[]
}
