import type { Receipt } from '../../../shared/pricing/receipt.ts'
import type { Ledger } from '../../../shared/spans/ledger.ts'
import type { StoredSpan } from '../../../shared/warehouse/trace-store.ts'

/** What becomes of the cost of one model's spans, for one user and day (UTC). */
export interface RepriceChange {
  readonly day: string
  readonly model: string
  readonly user: string
  spans: number
  /** Sums in 1e-12 USD over the spans whose cost was, or is, known. */
  before: bigint
  after: bigint
  /** How many of them have no known cost. */
  unknownBefore: number
  unknownAfter: number
}

/** What repricing has found so far. */
export interface RepriceReport {
  spans: number
  /** Traces that are too large. */
  skipped: number
  readonly changes: Map<string, RepriceChange>
}

/** Whether two ledgers say the same of what a span costs, or of why that is not known. */
export function sameCost(a: Ledger, b: Ledger): boolean {
  return (
    a.costPicoUsd === b.costPicoUsd &&
    a.costStatus === b.costStatus &&
    a.costLowerPicoUsd === b.costLowerPicoUsd &&
    a.costUpperPicoUsd === b.costUpperPicoUsd &&
    (a.costStatus !== 'unpriced' || whyUnpriced(a) === whyUnpriced(b))
  )
}

/** What a list of models without a price shows of one. */
function whyUnpriced({ receipt }: Ledger): string {
  const { serviceTier, reason }: Partial<Receipt> = JSON.parse(receipt || '{}')
  return JSON.stringify([serviceTier, reason])
}

/** Adds what becomes of the cost of a span. */
export function note({ changes }: RepriceReport, { span, ledger: old }: StoredSpan, ledger: Ledger): void {
  const day = new Date(Number(span.startTimeUnixNano / 1_000_000n)).toISOString().slice(0, 10)
  const key = JSON.stringify([day, ledger.model, ledger.userId])
  let change = changes.get(key)
  if (change === undefined) {
    change = {
      day,
      model: ledger.model,
      user: ledger.userId,
      spans: 0,
      before: 0n,
      after: 0n,
      unknownBefore: 0,
      unknownAfter: 0,
    }
    changes.set(key, change)
  }
  change.spans++
  change.before += old.costPicoUsd ?? 0n
  change.after += ledger.costPicoUsd ?? 0n
  if (isUnknown(old)) change.unknownBefore++
  if (isUnknown(ledger)) change.unknownAfter++
}

function isUnknown({ costStatus }: Ledger): boolean {
  return costStatus === 'unpriced' || costStatus === 'ambiguous'
}
