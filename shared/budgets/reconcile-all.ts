import { describeError } from '../errors.ts'
import type { Log } from '../log.ts'
import { amountText } from './amount.ts'
import { reconcile } from './reconcile.ts'
import type { ReconcileOptions, ReconcileSources } from './reconciliation.ts'

/** What a run over all projects did. */
export interface ReconcileSummary {
  readonly projects: number
  readonly budgets: number
  /** Buckets that were corrected. */
  readonly corrected: number
  /** Buckets and budgets that were left alone; the log says why. */
  readonly skipped: number
  /** Projects that could not be compared; the log says why. */
  readonly failed: number
}

export interface ReconcileAllOptions extends Omit<ReconcileOptions, 'project'> {
  readonly log: Log
  /** Begins no further project, and takes no failure for one any more: the stores are being closed. */
  readonly signal?: AbortSignal
}

/** Projects that are compared at once: each waits most of its time. */
const AT_ONCE = 4
const DAY_MS = 86_400_000

/**
 * Reconciles every project that has budgets. One that fails does not keep the others from it, and each day another one is first, so that
 * of runs that are cut short none always lacks the same.
 */
export async function reconcileAll(
  sources: ReconcileSources,
  { log, signal, ...options }: ReconcileAllOptions,
): Promise<ReconcileSummary> {
  const projects = await sources.ledger.projects()
  const summary = { projects: projects.length, budgets: 0, corrected: 0, skipped: 0, failed: 0 }
  const run = async (project: string) => {
    try {
      const { budgets, differences, skipped } = await reconcile(sources, { ...options, project })
      for (const { budget, period, ...sums } of differences) {
        const [ledger, warehouse] = [sums.ledger, sums.warehouse].map((sum) => amountText(budget.unit, sum))
        log.warn({ project, budget: budget.id, period, ledger, warehouse }, 'corrected what a budget has spent')
      }
      for (const { budgetId: budget, bucket, reason } of skipped)
        log.info({ project, budget, bucket, reason }, 'left what a budget has spent as it is')
      summary.budgets += budgets
      summary.corrected += differences.length
      summary.skipped += skipped.length
    } catch (error) {
      if (signal?.aborted) return
      summary.failed++
      log.error({ err: error, project }, `could not compare what budgets have spent: ${describeError(error)}`)
    }
  }
  const first = Math.floor(sources.now() / DAY_MS) % Math.max(1, projects.length)
  const waiting = [...projects.slice(first), ...projects.slice(0, first)]
  const work = async () => {
    for (let next = waiting.shift(); next !== undefined && !signal?.aborted; next = waiting.shift()) await run(next)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  return summary
}
