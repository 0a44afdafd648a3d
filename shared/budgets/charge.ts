import { type Ledger, type PricedSpan, reservationOf } from '../spans/ledger.ts'
import type { Amounts, Unit } from './amount.ts'
import type { Budget } from './budget.ts'
import { type Claimed, UNKNOWN } from './claim.ts'
import type { Sample } from './estimate.ts'
import { isLease } from './lease.ts'
import { Calendar } from './period.ts'
import { createIndex } from './rule-index.ts'
import { compileSelector, type Subject } from './selector.ts'

/** What one span adds to one budget. */
export interface Charge {
  readonly budgetId: string
  readonly generation: number
  /** Start of the bucket it belongs to, by the span's own start time; milliseconds since 1970. */
  readonly bucket: number
  readonly traceId: string
  readonly spanId: string
  /** The span's start time, milliseconds since 1970. */
  readonly at: number
  readonly claimed: Claimed
}

/** A span that names the reservation which pays for it. */
export interface ReservedSpan {
  readonly reservationId: string
  readonly traceId: string
  readonly spanId: string
  readonly at: number
  readonly amounts: Amounts
  /** {@link Claimed.revision}. */
  readonly revision: number
}

/** Whether `span` says what its call took of `unit`: one of unknown cost says the rest. */
export function tells({ amounts }: Pick<ReservedSpan, 'amounts'>, unit: Unit): boolean {
  return unit !== 'usd' || amounts.usd !== undefined
}

const NOTHING: Required<Amounts> = { usd: 0n, tokens: 0n, requests: 0n }

/** Operations that call a model, and so are a request even where nothing is known of their usage. */
const CALLS: ReadonlySet<string> = new Set(['chat', 'text_completion', 'generate_content', 'embeddings'])

/**
 * What a span spends; undefined where it spends nothing and never did. A span that repeats the sum of its children (`rollup`)
 * spends nothing: they do; a correction that says so takes back what it was taken to spend.
 */
export function spanAmounts({ ledger }: PricedSpan): Amounts | undefined {
  const { costStatus } = ledger
  const spendsNothing = costStatus === 'rollup' || (costStatus === 'no_usage' && !CALLS.has(ledger.operation))
  if (spendsNothing) return ledger.revision === 0 ? undefined : NOTHING
  const tokens = ledger.totalTokens ?? (ledger.inputTokens ?? 0) + (ledger.outputTokens ?? 0)
  return {
    requests: 1n,
    tokens: BigInt(tokens),
    ...(ledger.costPicoUsd !== null && { usd: ledger.costPicoUsd }),
    ...(costStatus === 'no_usage' && { usd: 0n }),
    ...(costStatus === 'free' && { usd: ledger.costPicoUsd ?? 0n }),
  }
}

/** One budget, ready to judge. */
export interface Rule {
  readonly budget: Budget
  readonly calendar: Calendar
  readonly matchesSpan: (priced: PricedSpan, keyId: string) => boolean
  readonly matchesSubject: (subject: Subject) => boolean
}

/** The budgets of one project at one revision, ready to judge spans and subjects. */
export interface Rules {
  readonly revision: number
  readonly rules: readonly Rule[]
  /** Those that what is known of a span does not rule out: of a budget for each user, not all. Absent: all. */
  readonly candidates?: (ledger: Ledger) => readonly Rule[]
}

/** Prepares `budgets` (of one project, as of `revision`). */
export function compileRules(budgets: readonly Budget[], revision: number): Rules {
  return rulesOf(budgets.map(compileRule), revision)
}

/** Prepares one budget. */
export function compileRule(budget: Budget): Rule {
  return { budget, calendar: new Calendar(budget), ...compileSelector(budget.selector) }
}

/** The `rules` of one project, as of `revision`. */
export function rulesOf(rules: readonly Rule[], revision: number): Rules {
  return { revision, rules, candidates: createIndex(rules) }
}

/**
 * What `spans`, sent with the API key `keyId`, add to the budgets of their project: one charge for each span and budget that
 * applies to it. A correction carries none of its span's attributes but its reservation: it goes to every budget that
 * is not for another user or session, and counts where the span does.
 */
export function chargesOf(
  { rules, candidates = () => rules }: Pick<Rules, 'rules' | 'candidates'>,
  spans: readonly PricedSpan[],
  keyId = '',
): { readonly charges: Charge[]; readonly reserved: ReservedSpan[]; readonly samples: Sample[] } {
  const charges: Charge[] = []
  const samples: Sample[] = []
  const reserved: ReservedSpan[] = []
  for (const priced of spans) {
    const { revision, model, costStatus } = priced.ledger
    const { traceId, spanId, startTimeUnixNano, attributes } = priced.span
    const reservationId = reservationOf(attributes)
    const amounts = spanAmounts(priced)
    const span = { traceId, spanId, at: Number(startTimeUnixNano / 1_000_000n), revision }
    // The children of a rollup have come, and say what the call that was reserved for took. From a lease it takes nothing.
    const settles = amounts !== undefined || (costStatus === 'rollup' && !isLease(reservationId ?? ''))
    if (reservationId !== undefined && settles) reserved.push({ ...span, amounts: amounts ?? NOTHING, reservationId })
    if (amounts === undefined) continue
    if (revision === 0 && model !== '' && amounts.usd !== undefined)
      samples.push({ model, usd: amounts.usd, tokens: amounts.tokens ?? 0n })
    for (const { budget, calendar, matchesSpan } of candidates(priced.ledger)) {
      const matched = matchesSpan(priced, keyId)
      if (matched || revision > 0) charges.push(chargeTo(budget, calendar, { ...span, amounts }, matched))
    }
  }
  return { charges, reserved, samples }
}

/** What a span adds to one budget. */
export function chargeTo(
  budget: Budget,
  calendar: Calendar,
  { traceId, spanId, at, amounts, revision }: Omit<ReservedSpan, 'reservationId'>,
  matched = true,
): Charge {
  const { id: budgetId, generation, unit } = budget
  const claimed = { revision, value: amounts[unit] ?? UNKNOWN, matched }
  return { budgetId, generation, bucket: calendar.bucket(at), traceId, spanId, at, claimed }
}

/** `charge` in the bucket that its span falls in by `rule`: a grant or a reset may have come since it was made. */
export function inBucketOf(charge: Charge, rule: Rule | undefined): Charge {
  return rule === undefined ? charge : { ...charge, bucket: rule.calendar.bucket(charge.at) }
}

/** The budgets that apply to a call for `subject`. */
export function budgetsFor({ rules }: Rules, subject: Subject): Budget[] {
  return rules.filter(({ matchesSubject }) => matchesSubject(subject)).map(({ budget }) => budget)
}

/** Whether `charge` is of `span`, and counts by itself. */
export function isOf(charge: Charge, span: Pick<ReservedSpan, 'traceId' | 'spanId'>): boolean {
  return charge.spanId === span.spanId && charge.traceId === span.traceId && charge.claimed.matched
}
