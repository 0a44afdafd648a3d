import { createHash } from 'node:crypto'
import type { StoredSpan } from '../warehouse/trace-store.ts'
import { amountText } from './amount.ts'
import { BACKFILL_MS, backfillBudget } from './backfill.ts'
import type { Budget } from './budget.ts'
import { chargesOf, compileRules, type Rule } from './charge.ts'
import type { Balance, BudgetLedger, LedgerPage, SpanSum } from './ledger.ts'
import { periodName } from './period.ts'
import { type Case, findCases, none, SETTLE_MS, settledAt, skip } from './reconcile-cases.ts'
import type { Difference, ReconcileOptions, ReconcileReport, ReconcileSources, Skipped } from './reconciliation.ts'
import { NOTHING_STORED, readStoredSums, startMillis } from './stored-sums.ts'
import { judge, type Observation } from './verdict.ts'

/** How often what differs is looked at. */
const ROUNDS = 3
const MINUTE_MS = 60_000

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
      const isCorrected =
        verdict.kind === 'correct'
          ? await correct(sources, options, one, { sum, amount: verdict.amount })
          : verdict.kind === 'equal' && sum.corrections > one.found.corrections
      if (isCorrected) differences.push({ ...describe(one), ledger: one.found.amount, warehouse: stored.amount })
      else if (verdict.kind === 'equal') continue
      else if (round < ROUNDS) open.push({ ...one, seen })
      else
        skipped.push(skip(one.rule, one.found, verdict.kind === 'wait' ? verdict.reason : 'it has changed meanwhile'))
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
    const isPending = budget.backfill === 'pending' && sources.now() - budget.since <= BACKFILL_MS
    if (!isPending || (!dryRun && (await backfillBudget(sources, budget)))) whole.push(budget)
    else skipped.push({ budgetId: budget.id, bucket: null, reason: 'its backfill is not done' })
  }
  return [...compileRules(whole, 0).rules]
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
