import { createHash } from 'node:crypto'
import { SpanledgerError } from '../errors.ts'
import type { Unit } from './amount.ts'
import { fromJson, toJson } from './json.ts'
import { inOrder, type Selector } from './selector.ts'

/** Calendar periods in the budget's time zone (weeks are ISO weeks), all of time, or the seconds that have just passed. */
export const CALENDAR_PERIODS = ['hour', 'day', 'week', 'month', 'total'] as const
export type CalendarPeriod = (typeof CALENDAR_PERIODS)[number]
export type Period = CalendarPeriod | { readonly rollingSeconds: number }

/**
 * What happens when a call does not fit. `hard`: it is refused. `soft`: it is let through and the answer says that the
 * budget is exceeded. `observe`: it is let through without a word. All three count and alert alike.
 */
export const MODES = ['hard', 'soft', 'observe'] as const
export type Mode = (typeof MODES)[number]

/** What a caller is told about this budget while the ledger cannot be reached. */
export const FAIL_MODES = ['failClosed', 'failOpen'] as const
export type FailMode = (typeof FAIL_MODES)[number]

/** Whether what a period leaves unspent is added to the next one: not, all of it, or up to `cap`. Overspending is not carried. */
export type CarryOver = 'none' | 'all' | { readonly cap: bigint }

/** Funds on top of the limit for spend in `[from, to)` (ms since 1970): used before it, the grant that expires first first. */
export interface Grant {
  readonly id: string
  readonly amount: bigint
  readonly from: number
  readonly to: number
  readonly note: string
  /** When it was ended before its time. Absent where it was not. */
  readonly revokedAt?: number
}

/** When a grant ends, or ended: milliseconds since 1970. */
export function endOf({ to, revokedAt }: Grant): number {
  return revokedAt ?? to
}

/** Of what began in `[from, at)` (ms since 1970) nothing counts any more: the budget was reset at `at`. */
export interface Reset {
  readonly from: number
  readonly at: number
}

/** Where the alerts of a budget go; the log gets them all. */
export interface AlertTarget {
  readonly kind: 'webhook' | 'slack'
  readonly url: string
  /** Signs a webhook's body with HMAC-SHA256; '' for none. Never shown again once set. */
  readonly secret: string
}

/** What people decide about a budget. */
export interface BudgetTerms {
  readonly name: string
  readonly selector: Selector
  readonly unit: Unit
  /** Per period. */
  readonly limit: bigint
  readonly period: Period
  /** IANA name. */
  readonly timeZone: string
  readonly mode: Mode
  readonly failMode: FailMode
  /** Fractions of the allowance at which an alert is sent, ascending. */
  readonly thresholds: readonly number[]
  readonly carryOver: CarryOver
  readonly alerts: readonly AlertTarget[]
}

/** A budget as kept. Times are milliseconds since 1970. */
export interface Budget extends BudgetTerms {
  readonly project: string
  readonly id: string
  /** Grows when selector, unit, period or time zone change: what was spent then is no answer to the new question. */
  readonly generation: number
  /** When this generation began. */
  readonly since: number
  /** Earlier limits of this generation, oldest first, each with the time it held until. */
  readonly formerLimits: readonly { readonly until: number; readonly limit: bigint }[]
  /** When carry-over was turned on, if that was after `since`: what was left before is not carried. */
  readonly carriesSince?: number
  /** What earlier generations counted, oldest first: up to and with generation `until`, in `unit`. Absent where it was always the same. */
  readonly formerUnits?: readonly { readonly until: number; readonly unit: Unit }[]
  readonly grants: readonly Grant[]
  /** Of this generation, oldest first. Absent where there was none. */
  readonly resets?: readonly Reset[]
  /** Whether the spend from before `since` has been added from the warehouse: see `backfill.ts`. */
  readonly backfill: 'pending' | 'done' | 'none'
  readonly createdAt: number
  readonly updatedAt: number
}

/** The terms of a budget of which only the limit is given. */
export const DEFAULT_TERMS: Omit<BudgetTerms, 'unit' | 'limit'> = {
  name: '',
  selector: {},
  period: 'month',
  timeZone: 'UTC',
  mode: 'hard',
  failMode: 'failClosed',
  thresholds: [0.5, 0.8, 0.9, 1],
  carryOver: 'none',
  alerts: [],
}

/** At most this many grants of one budget have not yet ended, and of those that have so many are remembered. */
export const MAX_GRANTS = 100

/** `budget` under new terms at `now`: the limit's history is kept, and a new question begins a new generation. */
export function withTerms(budget: Budget, terms: BudgetTerms, now: number): Budget {
  if (questionOf(budget) !== questionOf(terms)) {
    return {
      ...budget,
      ...terms,
      ...nextGeneration(budget, terms.unit),
      since: now,
      formerLimits: [],
      grants: budget.unit === terms.unit ? budget.grants : [],
      resets: [],
      backfill: 'pending',
      updatedAt: now,
    }
  }
  const formerLimits =
    budget.limit === terms.limit
      ? budget.formerLimits
      : [...budget.formerLimits, { until: now, limit: budget.limit }].slice(-MAX_GRANTS)
  const begins = budget.carryOver === 'none' && terms.carryOver !== 'none'
  return { ...budget, ...terms, formerLimits, ...(begins && { carriesSince: now }), updatedAt: now }
}

/** The id of the grant that a key always gives, a UUID, so that a retry finds what the first try gave. */
export function grantId(project: string, budgetId: string, idempotencyKey: string): string {
  const hash = createHash('sha256')
    .update(JSON.stringify([project, budgetId, idempotencyKey]))
    .digest('hex')
  return `${hash.slice(0, 8)}-${hash.slice(8, 12)}-8${hash.slice(13, 16)}-8${hash.slice(17, 20)}-${hash.slice(20, 32)}`
}

/**
 * `budget` with a grant more, or itself if it has one of that id; throws `budget/invalid` when it has {@link MAX_GRANTS} that have not
 * ended.
 */
export function withGrant(budget: Budget, grant: Grant, now: number): Budget {
  if (hasGrant(budget, grant.id)) return budget
  if (budget.grants.filter((open) => endOf(open) > now).length >= MAX_GRANTS)
    throw new SpanledgerError('budget/invalid', `a budget has at most ${MAX_GRANTS} grants; revoke one`)
  const ended = budget.grants.filter((known) => endOf(known) <= now).sort((a, b) => endOf(b) - endOf(a))
  const forgotten = new Set(ended.slice(MAX_GRANTS))
  const grants = [...budget.grants.filter((known) => !forgotten.has(known)), grant]
  return { ...budget, grants, updatedAt: now }
}

/** Whether `budget` was given the grant `id`, in force or not. */
export function hasGrant({ grants }: Budget, id: string): boolean {
  return grants.some((grant) => grant.id === id)
}

/**
 * `budget` with the grant `id` ending at `now`: what it has paid stays paid, and a retry does not give it again. Throws
 * `budget/not-found` where none is in force or to come.
 */
export function withoutGrant(budget: Budget, id: string, now: number): Budget {
  const grant = budget.grants.find((candidate) => candidate.id === id && endOf(candidate) > now)
  if (grant === undefined)
    throw new SpanledgerError('budget/not-found', `"${budget.id}" has no grant "${id}" that has not ended`)
  const others = budget.grants.filter((candidate) => candidate !== grant)
  return { ...budget, grants: [...others, { ...grant, revokedAt: now }], updatedAt: now }
}

/** What is counted, the same in whatever order and by whatever name of a zone it is said. */
function questionOf({ selector, unit, period, timeZone }: BudgetTerms): string {
  const zone = new Intl.DateTimeFormat('en', { timeZone }).resolvedOptions().timeZone
  return JSON.stringify([inOrder(selector), unit, period, zone])
}

/** A new budget; `former` is the last one of this id, which was deleted, if there was one. */
export function newBudget(project: string, id: string, terms: BudgetTerms, now: number, former?: Budget): Budget {
  return {
    ...terms,
    project,
    id,
    ...(former === undefined ? { generation: 1 } : nextGeneration(former, terms.unit)),
    since: now,
    formerLimits: [],
    grants: [],
    backfill: 'pending',
    createdAt: now,
    updatedAt: now,
  }
}

/** What `generation` of `budget` counted: its amounts are in that unit, whatever the budget counts now. */
export function unitOf({ formerUnits, unit }: Budget, generation: number): Unit {
  return formerUnits?.find(({ until }) => until >= generation)?.unit ?? unit
}

function nextGeneration({ generation, unit, formerUnits = [] }: Budget, next: Unit) {
  const units = unit === next ? formerUnits : [...formerUnits, { until: generation, unit }].slice(-MAX_GRANTS)
  return { generation: generation + 1, ...(units.length > 0 && { formerUnits: units }) }
}

/** A budget as text for a store. */
export function budgetToJson(budget: Budget): string {
  return toJson(budget)
}

/** The inverse of {@link budgetToJson}. */
export function budgetFromJson(text: string): Budget {
  return fromJson(text)
}

/** Tells one state of a budget's terms and grants from any other, and nothing of its secrets. */
export function budgetVersion(budget: Budget): string {
  const { resets: _, ...decided } = budget
  const shown = budgetToJson({ ...decided, backfill: 'none', alerts: [] })
  return createHash('sha256').update(shown).digest('hex').slice(0, 16)
}

/** Whether `budget` is of another version, but already as `terms` say: whoever sends them was not answered, and sends them again. */
export function isApplied(budget: Budget, terms: BudgetTerms, version: string | undefined): boolean {
  if (version === undefined || budgetVersion(budget) === version) return false
  return budgetToJson({ ...budget, ...terms }) === budgetToJson(budget)
}

/** Instead of a version: any, if there is a budget at all; and that there be none. */
export const ANY_VERSION = '*'
export const NO_VERSION = ''

/** Throws `budget/changed` unless `budget`, if there is one, is of `version`. */
export function checkVersion(budget: Budget | undefined, version: string | undefined): void {
  if (version === undefined) return
  if (version === NO_VERSION) {
    if (budget === undefined) return
    throw new SpanledgerError('budget/changed', 'there is such a budget already; read it')
  }
  if (budget !== undefined && (version === ANY_VERSION || budgetVersion(budget) === version)) return
  throw new SpanledgerError('budget/changed', 'the budget has been changed since; read it again')
}
