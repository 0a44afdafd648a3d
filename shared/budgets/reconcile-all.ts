import { describeError } from '../errors.ts'
import type { Log } from '../log.ts'
import { amountText } from './amount.ts'
import { type ReconcileOptions, type ReconcileSources, reconcile } from './reconcile.ts'

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

/** Reconciles every project that has budgets, one after the other. One that fails does not keep the others from it. */
export async function reconcileAll(
  sources: ReconcileSources,
  { log, ...options }: Omit<ReconcileOptions, 'project'> & { readonly log: Log },
): Promise<ReconcileSummary> {
  const projects = await sources.ledger.projects()
  const summary = { projects: projects.length, budgets: 0, corrected: 0, skipped: 0, failed: 0 }
  for (const project of projects) {
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
      summary.failed++
      log.error({ err: error, project }, `could not compare what budgets have spent: ${describeError(error)}`)
    }
  }
  return summary
}
