import { createHash } from 'node:crypto'
import type { SpanReader, StoredSpan } from '../warehouse/trace-store.ts'
import { amountText } from './amount.ts'
import { BACKFILL_MS, backfillBudget } from './backfill.ts'
import type { Budget } from './budget.ts'
import { chargesOf, compileRules, type Rule } from './charge.ts'
import type { Balance, BudgetLedger, LedgerPage, SpanSum } from './ledger.ts'
import { FOREVER, periodName } from './period.ts'
import { currentWindow, lookback } from './position.ts'
import { NOTHING_STORED, readStoredSums, type StoredSum, startMillis } from './stored-sums.ts'
import { judge, type Observation } from './verdict.ts'

export interface ReconcileSources {
  readonly ledger: BudgetLedger
  readonly reader: Pick<SpanReader, 'listSpans' | 'counts' | 'usage'>
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

/** Spans that came in this long ago are on their way no more, in milliseconds. */
export const SETTLE_MS = 3_600_000
/** How often what differs is looked at. */
const ROUNDS = 3
const MINUTE_MS = 60_000
const DAY_MS = 86_400_000

/** A bucket that seemed to differ. */
interface Case {
  readonly rule: Rule
  /** As it was found. */
  readonly found: SpanSum
  readonly seen?: Observation
}

/**
 * Compares what spans have brought to each budget and bucket with the stored spans, and corrects the ledger by the difference, with the
 * reason. What was settled without spans, taken back or reset is no spans' and stays.
 *
 * It may run at any time, again, and beside itself. Spans that are stored and were not debited are debited: a message that
 * brings them later adds nothing. Sums that differ all the same are corrected once, whoever finds it, unless spans on their way could
 * explain it (`verdict.ts`). What began before the oldest that the warehouse still has is left alone.
 */
export async function reconcile(sources: ReconcileSources, options: ReconcileOptions): Promise<ReconcileReport> {
  const skipped: Skipped[] = []
  const budgets = await budgetsOf(sources.ledger, options)
  const rules = await wholeRules(sources, options, budgets, skipped)
  const idle = async () => sources.isIdle?.(options.project)
  let cases = await findCases(sources, options, rules, { isIdle: await idle(), skipped })
  const differences: Difference[] = []
  for (let round = 1; cases.length > 0; round++) {
    const open: Case[] = []
    for (const one of cases) {
      const isIdle = await idle()
      const { before, stored, isAhead } = await look(sources, options, one, isIdle)
      const stillIdle = isIdle === true ? await idle() : isIdle
      const sum = await sumOf(sources.ledger, one)
      const isFresh = sum.debitedAt + MINUTE_MS > sources.now() - SETTLE_MS
      const seen = { before, stored, isAhead, isFresh, isIdle: stillIdle, after: sum.amount }
      const verdict = judge(seen, one.seen)
      if (verdict.kind === 'correct' && !(await correct(sources, options, one, { sum, amount: verdict.amount }))) {
        open.push({ ...one, seen })
      } else if (verdict.kind === 'correct' || (verdict.kind === 'equal' && sum.corrections > one.found.corrections)) {
        differences.push({ ...describe(one), ledger: one.found.amount, warehouse: stored.amount })
      } else if (verdict.kind === 'wait') {
        if (round < ROUNDS) open.push({ ...one, seen })
        else skipped.push(skip(one.rule, one.found, verdict.reason))
      }
    }
    cases = open
    if (cases.some(({ seen }) => seen?.isIdle !== true)) await sources.pause()
  }
  return { budgets: budgets.length, differences, skipped }
}

async function budgetsOf(ledger: BudgetLedger, { project, budgetId }: ReconcileOptions): Promise<Budget[]> {
  const budgets: Budget[] = []
  let after: string | null = null
  do {
    const page: LedgerPage<Balance> = await ledger.list(project, { pageSize: 100, ...(after !== null && { after }) })
    budgets.push(...page.items.map(({ budget }) => budget))
    after = page.next
  } while (after !== null)
  return budgetId === undefined ? budgets : budgets.filter(({ id }) => id === budgetId)
}

/** The budgets that have counted all of their time: backfills that were cut off are gone on with. */
async function wholeRules(
  sources: ReconcileSources,
  { dryRun }: ReconcileOptions,
  budgets: readonly Budget[],
  skipped: Skipped[],
): Promise<Rule[]> {
  const whole: Budget[] = []
  for (const budget of budgets) {
    if (budget.selector.key !== undefined) {
      skipped.push({ budgetId: budget.id, bucket: null, reason: 'which key sent a span is not stored' })
      continue
    }
    const isPending = budget.backfill === 'pending' && sources.now() - budget.since <= BACKFILL_MS
    if (!isPending || (!dryRun && (await backfillBudget(sources, budget)))) whole.push(budget)
    else skipped.push({ budgetId: budget.id, bucket: null, reason: 'its backfill is not done' })
  }
  return [...compileRules(whole, 0).rules]
}

/** Compares all buckets at once; those that seem to differ are looked at one by one. */
async function findCases(
  sources: ReconcileSources,
  options: ReconcileOptions,
  rules: readonly Rule[],
  { isIdle, skipped }: { readonly isIdle: boolean | undefined; readonly skipped: Skipped[] },
): Promise<Case[]> {
  if (rules.length === 0) return []
  const { ledger, now } = sources
  const { project, from = 0, retentionDays = 0 } = options
  const retained = retentionDays === 0 ? 0 : Math.floor(now() / DAY_MS - retentionDays + 1) * DAY_MS
  const all = rules.map((rule) => ({ rule, first: Math.max(firstCompared(rule, now()), from) }))
  const scopes = await withinBound(sources, options, { scopes: all, skipped })
  if (scopes.length === 0) return []
  const debited = new Map<Rule, Map<number, SpanSum>>()
  for (const { rule, first } of scopes) {
    const sums = (await ledger.spanSums(project, rule.budget.id)).filter(({ bucket }) => bucket >= first)
    debited.set(rule, new Map(sums.map((sum) => [sum.bucket, sum])))
  }
  const stored = await readStoredSums(sources, {
    ...{ project, rules: scopes.map(({ rule }) => rule), now: now(), settledAt: settledAt(now(), isIdle) },
    from: Math.max(retained, Math.min(...scopes.map(({ first }) => first))),
    to: FOREVER,
  })
  return scopes.flatMap(({ rule, first }) => {
    const [own, kept] = [debited.get(rule) ?? new Map<number, SpanSum>(), stored.get(rule) ?? new Map()]
    const compared = [...new Set([...own.keys(), ...kept.keys()])]
      .filter((bucket) => bucket >= first)
      .sort((a, b) => a - b)
      .map((bucket) => ({ found: own.get(bucket) ?? none(bucket), stored: kept.get(bucket) ?? NOTHING_STORED }))
    for (const { found } of compared) {
      if (found.bucket < retained) skipped.push(skip(rule, found, 'the warehouse keeps only a part of it'))
    }
    const whole = compared.filter(({ found }) => found.bucket >= retained)
    // A grant that came or went moves spans between the buckets of a period, which is no difference.
    return [...Map.groupBy(whole, ({ found }) => rule.calendar.window(found.bucket).start).values()]
      .filter((period) => differs(period))
      .flatMap((period) => period.filter((one) => differs([one])).map(({ found }): Case => ({ rule, found })))
  })
}

interface Scope {
  readonly rule: Rule
  readonly first: number
}

/** Those that can be compared without reading too much, the longest left out first. */
async function withinBound(
  { reader }: ReconcileSources,
  { project, maxSpans = Number.POSITIVE_INFINITY }: ReconcileOptions,
  { scopes, skipped }: { readonly scopes: readonly Scope[]; readonly skipped: Skipped[] },
): Promise<Scope[]> {
  const left = scopes.toSorted((a, b) => a.first - b.first)
  while (left[0] !== undefined && maxSpans < Number.POSITIVE_INFINITY) {
    const { first } = left[0]
    const filter = { project, from: BigInt(first) * 1_000_000n }
    const [row] = await reader.usage({ filter, groupBy: [], maxRows: 1 })
    if ((row?.spans ?? 0) <= maxSpans) break
    while (left[0]?.first === first) {
      const reason = `it has more than ${maxSpans} spans; npm run reconcile reads them all`
      skipped.push({ budgetId: left.shift()!.rule.budget.id, bucket: null, reason })
    }
  }
  return left
}

function differs(buckets: readonly { readonly found: SpanSum; readonly stored: StoredSum }[]): boolean {
  const sum = (amount: (of: (typeof buckets)[number]) => bigint) => buckets.reduce((all, one) => all + amount(one), 0n)
  const debited = sum(({ found }) => found.amount)
  const [settled, stored] = [sum((one) => one.stored.settled), sum((one) => one.stored.amount)]
  return debited < settled || debited > stored || buckets.some((one) => one.stored.isUnclear)
}

function none(bucket: number): SpanSum {
  return { bucket, amount: 0n, corrections: 0, debitedAt: 0 }
}

function skip({ budget }: Rule, { bucket }: SpanSum, reason: string): Skipped {
  return { budgetId: budget.id, bucket, reason }
}

/** Before this neither debits nor the backfill have counted, or nobody asks any more; milliseconds since 1970. */
function firstCompared({ budget, calendar }: Rule, now: number): number {
  const counted = currentWindow(budget, calendar, budget.since).start
  const asked = lookback(budget, calendar, now)
  if (typeof budget.period === 'object') return Math.max(counted, asked)
  return Math.max(counted, Math.min(asked, calendar.window(now - BACKFILL_MS).start))
}

function settledAt(now: number, isIdle: boolean | undefined): number {
  return isIdle === true ? FOREVER : now - SETTLE_MS
}

/** Reads one bucket, and charges what of it was never debited. */
async function look(
  sources: ReconcileSources,
  options: ReconcileOptions,
  one: Case,
  isIdle: boolean | undefined,
): Promise<Pick<Observation, 'before' | 'stored' | 'isAhead'>> {
  const { ledger, reader, now } = sources
  const { project, retentionDays = 0, dryRun } = options
  const { rule, found } = one
  const { bucket } = found
  const handled = await ledger.counts(project)
  const { amount: before } = await sumOf(ledger, one)
  const settled = settledAt(now(), isIdle)
  const sums = await readStoredSums(sources, {
    ...{ project, rules: [rule], now: now(), settledAt: settled },
    ...{ from: bucket, to: rule.calendar.window(bucket).end },
    visit: async (_, spans) => {
      // What is older the ledger may have forgotten to have counted.
      const isDue = (stored: StoredSpan) =>
        rule.calendar.bucket(startMillis(stored)) === bucket &&
        startMillis(stored) > now() - BACKFILL_MS &&
        Number(stored.context.ingestedAt / 1_000_000n) < settled
      if (!dryRun) await chargeAgain(ledger, project, rule, spans.filter(isDue))
    },
  })
  const held = await reader.counts(project)
  return {
    before,
    stored: sums.get(rule)?.get(bucket) ?? NOTHING_STORED,
    // Retention forgets what was counted, too.
    isAhead: retentionDays === 0 && handled.stored + handled.duplicates > held.stored + held.duplicates,
  }
}

/** Debits stored spans of a budget: those that were debited add nothing, and no message that brings them later will. */
async function chargeAgain(
  ledger: BudgetLedger,
  project: string,
  { budget }: Rule,
  spans: readonly StoredSpan[],
): Promise<void> {
  const { rules, revision } = await ledger.rules(project)
  const rule = rules.find(({ budget: { id, generation } }) => id === budget.id && generation === budget.generation)
  if (rule === undefined || spans.length === 0) return
  const { charges, reserved } = chargesOf({ rules: [{ ...rule, matchesSpan: () => true }] }, spans)
  const content = JSON.stringify(
    charges.map(({ claimed: { revision, value }, ...charge }) => [charge, revision, value.toString()]),
  )
  const digest = createHash('sha256').update(`reconcile ${project} ${content}`).digest('hex')
  const batch = { project, digest, spans: 0, revision, charges, reserved, samples: [] }
  await ledger.debit([batch], { reason: 'the warehouse has spans that were not debited' })
}

async function sumOf(ledger: BudgetLedger, { rule: { budget }, found }: Case): Promise<SpanSum> {
  const sums = await ledger.spanSums(budget.project, budget.id)
  return sums.find(({ bucket }) => bucket === found.bucket) ?? none(found.bucket)
}

async function correct(
  { ledger }: ReconcileSources,
  { project, dryRun }: ReconcileOptions,
  { rule: { budget } }: Case,
  { sum, amount }: { readonly sum: SpanSum; readonly amount: bigint },
): Promise<boolean> {
  if (dryRun) return true
  const say = (value: bigint) => amountText(budget.unit, value)
  return ledger.correct(project, budget.id, {
    ...{ generation: budget.generation, bucket: sum.bucket, amount, actor: 'reconcile', after: sum.corrections },
    note: `the warehouse has spans of ${say(sum.amount + amount)}, the ledger had ${say(sum.amount)}`,
  })
}

function describe({ rule: { budget }, found: { bucket } }: Case): Pick<Difference, 'budget' | 'period' | 'bucket'> {
  return { budget, period: periodName(budget.period, budget.timeZone, bucket), bucket }
}
