import { isSpanledgerError } from '../errors.ts'
import { stringAttribute } from '../spans/attributes.ts'
import { RESERVATION_ATTRIBUTE } from '../spans/ledger.ts'
import type { Cursor, Page, SpanReader, StoredSpan } from '../warehouse/trace-store.ts'
import { amountText } from './amount.ts'
import type { Budget } from './budget.ts'
import { chargesOf, compileRules, type Rule } from './charge.ts'
import { spentBy } from './claim.ts'
import type { Balance, BudgetLedger, Entry, LedgerPage } from './ledger.ts'
import { periodName } from './period.ts'
import { currentWindow, lookback } from './position.ts'

export interface ReconcileSources {
  readonly ledger: Pick<BudgetLedger, 'list' | 'entries' | 'reservation' | 'counts' | 'correct'>
  readonly reader: Pick<SpanReader, 'listSpans' | 'counts'>
  /** Milliseconds since 1970. */
  readonly now: () => number
}

export interface ReconcileOptions {
  readonly project: string
  /** Only this budget. */
  readonly budgetId?: string | undefined
  /** Leaves alone what began before, in milliseconds since 1970: where retention may have deleted spans. */
  readonly from?: number | undefined
  /** Finds, and appends nothing. */
  readonly dryRun?: boolean | undefined
}

/** A bucket in which the ledger differs from the warehouse. Amounts in the budget's unit. */
export interface Difference {
  readonly budget: Budget
  readonly period: string
  /** Start of the bucket, in milliseconds since 1970. */
  readonly bucket: number
  /** What spans have brought to the ledger, with earlier corrections. */
  readonly ledger: bigint
  readonly warehouse: bigint
}

/**
 * `inFlight`: ledger and warehouse had not seen the same number of spans, so nothing was appended. `skipped`: budgets and buckets
 * that cannot be compared, and why.
 */
export interface ReconcileReport {
  readonly inFlight: boolean
  readonly budgets: number
  readonly differences: readonly Difference[]
  readonly skipped: readonly { readonly budgetId: string; readonly bucket: number | null; readonly reason: string }[]
}

const PAGE = 1_000
const ENTRIES = 500

/**
 * Compares what spans have brought to each budget and bucket with the stored spans, and corrects the ledger by the difference.
 * Settlements, what took them back and resets are no spans' and stay. Appends nothing unless ledger and warehouse have seen the same
 * number of spans, before and after they were read; so it may run at any time, and again: what is corrected is equal.
 */
export async function reconcile(sources: ReconcileSources, options: ReconcileOptions): Promise<ReconcileReport> {
  const { ledger } = sources
  const { project, budgetId, dryRun = false } = options
  const before = await spansSeen(sources, project)
  const budgets = before === null ? [] : await budgetsOf(ledger, project, budgetId)
  const differences: Difference[] = []
  const skipped: ReconcileReport['skipped'][number][] = []
  for (const budget of budgets) {
    if (budget.backfill === 'pending') {
      skipped.push({ budgetId: budget.id, bucket: null, reason: 'its backfill is not done' })
      continue
    }
    const compared = await compare(sources, options, budget)
    differences.push(...compared.differences)
    for (const bucket of compared.unclear)
      skipped.push({ budgetId: budget.id, bucket, reason: 'a span names a reservation that is forgotten' })
  }
  const inFlight = before === null || (await spansSeen(sources, project)) !== before
  if (inFlight) return { inFlight, budgets: budgets.length, differences: [], skipped }
  if (!dryRun) for (const difference of differences) await correct(ledger, project, difference)
  return { inFlight, budgets: budgets.length, differences, skipped }
}

/** How many spans ledger and warehouse have both seen; null if they differ. */
async function spansSeen({ ledger, reader }: ReconcileSources, project: string): Promise<bigint | null> {
  const [handled, stored] = await Promise.all([ledger.counts(project), reader.counts(project)])
  const seen = handled.stored + handled.duplicates
  return seen === stored.stored + stored.duplicates ? seen : null
}

async function budgetsOf(
  ledger: ReconcileSources['ledger'],
  project: string,
  budgetId: string | undefined,
): Promise<Budget[]> {
  const budgets: Budget[] = []
  let after: string | null = null
  do {
    const page: LedgerPage<Balance> = await ledger.list(project, { pageSize: 100, ...(after !== null && { after }) })
    budgets.push(...page.items.map(({ budget }) => budget))
    after = page.next
  } while (after !== null)
  return budgetId === undefined ? budgets : budgets.filter(({ id }) => id === budgetId)
}

async function compare(
  sources: ReconcileSources,
  { project, from: earliest = 0 }: ReconcileOptions,
  budget: Budget,
): Promise<{ readonly differences: Difference[]; readonly unclear: readonly number[] }> {
  const rule = compileRules([budget], 0).rules[0] as Rule
  const { calendar } = rule
  // Before that neither debits nor the backfill have counted.
  const counted = Math.max(
    lookback(budget, calendar, sources.now()),
    currentWindow(budget, calendar, budget.since).start,
  )
  const includes = (bucket: number) => bucket >= counted && bucket >= earliest
  const stored = await storedSums(sources, project, rule, Math.max(counted, earliest))
  const debited = await debitedSums(sources.ledger, budget)
  const differences = [...new Set([...stored.sums.keys(), ...debited.keys()])]
    .filter((bucket) => includes(bucket) && !stored.unclear.has(bucket))
    .sort((a, b) => a - b)
    .map((bucket) => ({
      budget,
      period: periodName(budget.period, budget.timeZone, bucket),
      bucket,
      ledger: debited.get(bucket) ?? 0n,
      warehouse: stored.sums.get(bucket) ?? 0n,
    }))
    .filter(({ ledger, warehouse }) => ledger !== warehouse)
  return { differences, unclear: [...stored.unclear].filter(includes) }
}

/** What the stored spans since `from` spend in each bucket. */
async function storedSums(
  { ledger, reader }: ReconcileSources,
  project: string,
  rule: Rule,
  from: number,
): Promise<{ readonly sums: ReadonlyMap<number, bigint>; readonly unclear: ReadonlySet<number> }> {
  const sums = new Map<number, bigint>()
  const unclear = new Set<number>()
  const paying = new Map<string, boolean | null>()
  let after: Cursor | null = null
  do {
    const page: Page<StoredSpan> = await reader.listSpans({
      filter: { project, from: BigInt(Math.max(0, from)) * 1_000_000n },
      sort: 'startTime',
      order: 'asc',
      pageSize: PAGE,
      ...(after !== null && { after }),
    })
    for (const span of page.items) {
      const named = stringAttribute(span.span.attributes, RESERVATION_ATTRIBUTE)
      let matched = rule.matchesSpan(span)
      if (!matched && named !== undefined) {
        if (!paying.has(named)) paying.set(named, await isPaidBy(ledger, project, { named, budget: rule.budget }))
        const paid = paying.get(named) ?? null
        // Whether a corrected span's first price was known, and so came to the reservation's budgets, is not stored.
        if (paid === null || (paid && span.ledger.revision > 0)) {
          unclear.add(rule.calendar.bucket(Number(span.span.startTimeUnixNano / 1_000_000n)))
          continue
        }
        matched = paid && span.ledger.costPicoUsd !== null
      }
      if (!matched) continue
      for (const { bucket, claimed } of chargesOf({ rules: [{ ...rule, matchesSpan: () => true }] }, [span]).charges)
        sums.set(bucket, (sums.get(bucket) ?? 0n) + spentBy(claimed))
    }
    after = page.next
  } while (after !== null)
  return { sums, unclear }
}

/** Whether the reservation that a span names is one of the budget's; null where that is not known any more. */
async function isPaidBy(
  ledger: ReconcileSources['ledger'],
  project: string,
  { named, budget }: { readonly named: string; readonly budget: Budget },
): Promise<boolean | null> {
  try {
    const { balances } = await ledger.reservation(project, named)
    return balances.some((balance) => balance.budget.id === budget.id)
  } catch (error) {
    if (isSpanledgerError(error, 'budget/not-found')) return null
    throw error
  }
}

/** What spans and earlier corrections have brought to each bucket. */
async function debitedSums(ledger: ReconcileSources['ledger'], budget: Budget): Promise<Map<number, bigint>> {
  const sums = new Map<number, bigint>()
  let after: string | null = null
  do {
    const page: LedgerPage<Entry> = await ledger.entries(budget.project, budget.id, {
      pageSize: ENTRIES,
      ...(after !== null && { after }),
    })
    for (const { kind, generation, bucket, amount } of page.items) {
      if (bucket === null || generation !== budget.generation) continue
      if (kind === 'debited' || kind === 'corrected') sums.set(bucket, (sums.get(bucket) ?? 0n) + amount)
    }
    after = page.next
  } while (after !== null)
  return sums
}

async function correct(
  ledger: ReconcileSources['ledger'],
  project: string,
  { budget, bucket, ledger: debited, warehouse }: Difference,
): Promise<void> {
  const say = (amount: bigint) => amountText(budget.unit, amount)
  const note = `the warehouse has spans of ${say(warehouse)}, the ledger had ${say(debited)}`
  await ledger.correct(project, budget.id, bucket, warehouse - debited, 'reconcile', note)
}
