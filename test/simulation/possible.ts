import { createAlert } from '../../shared/budgets/alert.ts'
import type { Budget } from '../../shared/budgets/budget.ts'
import { type Position, reachedThresholds } from '../../shared/budgets/position.ts'
import { type Facts, standing } from './facts.ts'

/** What ledger and model must agree on. */
const SUMS = ['spent', 'reserved', 'remaining', 'carried', 'unknown'] as const

/** Each of `all` once, whichever order of operations has led to it; of what may exceed a limit the most. */
export function distinct(all: readonly Facts[]): readonly Facts[] {
  if (all.length < 2) return all
  const found = new Map<string, Facts>()
  for (const facts of all) {
    const key = textOf(facts)
    const same = found.get(key)
    if (same === undefined) found.set(key, facts)
    else for (const [id, amount] of facts.excess) if (amount > (same.excess.get(id) ?? 0n)) same.excess.set(id, amount)
  }
  return [...found.values()]
}

/** What of `positions`, by id of budget, is not as `facts` have it at `now`, or beyond the documented bound; undefined where all is. */
export function disagreement(facts: Facts, positions: ReadonlyMap<string, Position>, now: number): string | undefined {
  for (const budget of facts.budgets) {
    const found = positions.get(budget.id) as Position
    const own = standing(facts, budget, now)
    for (const sum of SUMS)
      if (found[sum] !== own[sum]) return `${sum} of ${budget.id}: the ledger says ${found[sum]}, the model ${own[sum]}`
    const bound = boundOf(facts, budget)
    if (bound !== undefined && found.spent > bound)
      return `${budget.id} spent ${found.spent}, beyond the bound of ${bound}`
  }
  return undefined
}

/** Ids of the alerts that somebody must have been told of by `now`, where spending alone reaches a threshold. */
export function alertsOf(facts: Facts, now: number): string[] {
  return facts.budgets
    .filter(
      ({ period, grants, carryOver }) => typeof period !== 'object' && grants.length === 0 && carryOver === 'none',
    )
    .flatMap((budget) => {
      const position = standing(facts, budget, now)
      return reachedThresholds(budget.thresholds, position).map(
        (threshold) => createAlert(budget, position, threshold, now).id,
      )
    })
}

/** What a period may have spent at most; undefined where grants or what was carried over were part of what it was allowed. */
function boundOf({ excess }: Facts, { id, limit, grants, carryOver }: Budget): bigint | undefined {
  return grants.length > 0 || carryOver !== 'none' ? undefined : limit + (excess.get(id) ?? 0n)
}

function textOf({ excess: _, ...facts }: Facts): string {
  return JSON.stringify(facts, (_key, value) => {
    if (value instanceof Map) return [...value].sort(([a], [b]) => (a < b ? -1 : 1))
    if (value instanceof Set) return [...value].sort()
    return typeof value === 'bigint' ? `${value}n` : value
  })
}
