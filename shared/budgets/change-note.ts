import { shownUrl } from './alert-target.ts'
import { amountText, type Unit } from './amount.ts'
import { type Budget, type BudgetTerms, DEFAULT_TERMS, type Grant } from './budget.ts'

/**
 * What a new budget is, where it is not as usual, or what has become other of `former`; for its history, so without what lets anyone
 * post to a target.
 */
export function changeNote(budget: Budget, former?: Budget): string {
  const terms = textOf(budget)
  const before = former === undefined ? textOf({ ...budget, ...DEFAULT_TERMS, limit: -1n }) : textOf(former)
  const changes = Object.entries(terms).filter(([name, text]) => before[name] !== text)
  const secrets = former !== undefined && secretsOf(budget) !== secretsOf(former) ? ['a secret of its alerts'] : []
  const lines = changes.map(([name, text]) => `${name} ${former === undefined ? '' : `${before[name]} -> `}${text}`)
  return [...lines, ...secrets].join('; ') || 'nothing changed'
}

/** What a grant adds, and for which time. */
export function grantNote(unit: Unit, { id, amount, from, to, note }: Grant): string {
  const [begins, ends] = [from, to].map((at) => new Date(at).toISOString())
  return `${id}: ${amountText(unit, amount)} from ${begins} to ${ends}${note === '' ? '' : `: ${note}`}`
}

function textOf(terms: BudgetTerms): Record<string, string> {
  const { name, unit, limit, selector, period, carryOver, thresholds, alerts, timeZone, mode, failMode } = terms
  const amount = (of: bigint) => amountText(unit, of)
  return {
    name: JSON.stringify(name),
    selector: JSON.stringify(selector),
    limit: amount(limit),
    period: typeof period === 'string' ? period : `${period.rollingSeconds} s, rolling`,
    timeZone,
    mode,
    failMode,
    thresholds: JSON.stringify(thresholds),
    carryOver: typeof carryOver === 'string' ? carryOver : `up to ${amount(carryOver.cap)}`,
    alerts: JSON.stringify(alerts.map(({ kind, url }) => `${kind} ${shownUrl(url)}`)),
  }
}

function secretsOf({ alerts }: BudgetTerms): string {
  return JSON.stringify(alerts.map(({ url, secret }) => [url, secret]))
}
