import { isSpanledgerError } from '../errors.ts'
import { reservationOf } from '../spans/ledger.ts'
import type { StoredSpan } from '../warehouse/trace-store.ts'
import { chargesOf, type Rule } from './charge.ts'
import { spentBy } from './claim.ts'
import type { BudgetLedger } from './ledger.ts'
import { type StoredSpanReader, type StoredSpansOptions, storedSpans } from './stored-spans.ts'

export interface StoredSumSources {
  readonly ledger: Pick<BudgetLedger, 'reservation'>
  readonly reader: StoredSpanReader
}

/** What the stored spans of one bucket spend, in the budget's unit. */
export interface StoredSum {
  readonly amount: bigint
  /** The part of `amount` whose spans came in before {@link StoredSumOptions.settledAt}. */
  readonly settled: bigint
  /** Whether all of them did. */
  readonly isSettled: boolean
  /** Whether the budgets of a span are not known: the reservation that it names is forgotten, or which key sent it is not stored. */
  readonly isUnclear: boolean
}

export interface StoredSumOptions extends StoredSpansOptions {
  readonly rules: readonly Rule[]
  /** What came in before is settled; milliseconds since 1970. */
  readonly settledAt: number
  /** Given the spans of every page that count for a rule. */
  readonly visit?: (rule: Rule, spans: readonly StoredSpan[]) => Promise<void>
}

export const NOTHING_STORED: StoredSum = { amount: 0n, settled: 0n, isSettled: true, isUnclear: false }

const MAX_RESERVATIONS = 10_000

/** Sums what the stored spans of a time spend, by rule and start of bucket. */
export async function readStoredSums(
  sources: StoredSumSources,
  options: StoredSumOptions,
): Promise<ReadonlyMap<Rule, ReadonlyMap<number, StoredSum>>> {
  const { project, rules, settledAt, visit } = options
  const sums = new Map(rules.map((rule) => [rule, new Map<number, StoredSum>()]))
  const paying = createPayers(sources.ledger, project)
  for await (const page of storedSpans(sources.reader, options)) {
    for (const [rule, buckets] of sums) {
      const counted: StoredSpan[] = []
      for (const stored of page) {
        const whose = await belongs(stored, rule, paying)
        if (whose === 'no') continue
        const bucket = rule.calendar.bucket(startMillis(stored))
        const sum = buckets.get(bucket) ?? NOTHING_STORED
        if (whose === 'unclear') {
          buckets.set(bucket, { ...sum, isUnclear: true })
          continue
        }
        const settled = Number(stored.context.ingestedAt / 1_000_000n) < settledAt
        const amount = chargesOf({ rules: [{ ...rule, matchesSpan: () => true }] }, [stored]).charges.reduce(
          (total, { claimed }) => total + spentBy(claimed),
          0n,
        )
        counted.push(stored)
        buckets.set(bucket, {
          ...sum,
          amount: sum.amount + amount,
          settled: sum.settled + (settled ? amount : 0n),
          isSettled: sum.isSettled && settled,
        })
      }
      if (counted.length > 0) await visit?.(rule, counted)
    }
  }
  return sums
}

export function startMillis({ span }: Pick<StoredSpan, 'span'>): number {
  return Number(span.startTimeUnixNano / 1_000_000n)
}

type Payers = (reservation: string) => Promise<ReadonlySet<string> | undefined>

/** The budgets that a reservation or lease is for; undefined where that is not known any more. */
function createPayers(ledger: StoredSumSources['ledger'], project: string): Payers {
  const known = new Map<string, ReadonlySet<string> | undefined>()
  return async (reservation) => {
    if (known.has(reservation)) return known.get(reservation)
    if (known.size >= MAX_RESERVATIONS) known.clear()
    const found = await ledger.reservation(project, reservation).catch((error) => {
      if (isSpanledgerError(error, 'budget/not-found')) return undefined
      throw error
    })
    const budgets = found && new Set(found.balances.map(({ budget }) => budget.id))
    known.set(reservation, budgets)
    return budgets
  }
}

/** A span is charged to the budgets that it matches, and to those of the reservation that it names. */
async function belongs(stored: StoredSpan, rule: Rule, payers: Payers): Promise<'yes' | 'no' | 'unclear'> {
  const { keyId } = stored.context
  if (keyId === undefined && rule.budget.selector.key !== undefined) return 'unclear'
  if (rule.matchesSpan(stored, keyId ?? '')) return 'yes'
  const reservation = reservationOf(stored.span.attributes)
  if (reservation === undefined) return 'no'
  const budgets = await payers(reservation)
  if (budgets === undefined) return 'unclear'
  if (!budgets.has(rule.budget.id)) return 'no'
  if (rule.budget.unit !== 'usd') return 'yes'
  // Whether a corrected span's first price was known, and so came to the reservation's budgets, is not stored.
  if (stored.ledger.revision > 0) return 'unclear'
  return stored.ledger.costPicoUsd === null ? 'no' : 'yes'
}
