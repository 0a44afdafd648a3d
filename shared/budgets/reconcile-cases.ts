import { BACKFILL_MS } from './backfill.ts'
import type { Rule } from './charge.ts'
import type { SpanSum } from './ledger.ts'
import { FOREVER } from './period.ts'
import { currentWindow, lookback } from './position.ts'
import type { ReconcileOptions, ReconcileSources, Skipped } from './reconciliation.ts'
import { NOTHING_STORED, readStoredSums, type StoredSum } from './stored-sums.ts'
import type { Observation } from './verdict.ts'

/** Spans that came in this long ago are on their way no more, in milliseconds. */
export const SETTLE_MS = 3_600_000
const DAY_MS = 86_400_000

/** A bucket that seemed to differ. */
export interface Case {
  readonly rule: Rule
  /** As it was found. */
  readonly found: SpanSum
  readonly seen?: Observation
}

/** Compares all buckets at once; those that seem to differ are looked at one by one. */
export async function findCases(
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

/** A bucket of which the ledger knows nothing. */
export function none(bucket: number): SpanSum {
  return { bucket, amount: 0n, corrections: 0, debitedAt: 0 }
}

/** Says why a bucket was left alone. */
export function skip({ budget }: Rule, { bucket }: SpanSum, reason: string): Skipped {
  return { budgetId: budget.id, bucket, reason }
}

/** Before this neither debits nor the backfill have counted, or nobody asks any more; milliseconds since 1970. */
function firstCompared({ budget, calendar }: Rule, now: number): number {
  const counted = currentWindow(budget, calendar, budget.since).start
  const asked = lookback(budget, calendar, now)
  if (typeof budget.period === 'object') return Math.max(counted, asked)
  return Math.max(counted, Math.min(asked, calendar.window(now - BACKFILL_MS).start))
}

/** What came in before is on its way no more; milliseconds since 1970. */
export function settledAt(now: number, isIdle: boolean | undefined): number {
  return isIdle === true ? FOREVER : now - SETTLE_MS
}
