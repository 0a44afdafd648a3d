import { createHash } from 'node:crypto'
import type { Budget } from './budget.ts'
import type { Alert } from './ledger.ts'
import { sliceMillis } from './period.ts'
import { endOrNull, type Position } from './position.ts'

/** The alert that `budget` has reached `threshold` of its allowance. The same one however often and wherever it is noticed. */
export function createAlert(budget: Budget, position: Position, threshold: number, at: number): Alert {
  const { project, id: budgetId, generation, unit } = budget
  const period = alertPeriod(budget, position, at)
  const key = JSON.stringify([project, budgetId, generation, period, threshold])
  return {
    id: createHash('sha256').update(key).digest('hex'),
    project,
    budgetId,
    period,
    threshold,
    unit,
    spent: position.spent,
    allowance: position.allowance,
    at,
    resetsAt: endOrNull(position.end),
  }
}

/** A rolling window has no periods: a threshold is told once in each stretch of its length. */
function alertPeriod({ period }: Budget, position: Position, at: number): string {
  if (typeof period !== 'object') return position.period
  const length = sliceMillis(period.rollingSeconds) * 60
  return new Date(Math.floor(at / length) * length).toISOString()
}
