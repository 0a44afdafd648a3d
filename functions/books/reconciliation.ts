import { reconcileAll } from '../../shared/budgets/reconcile-all.ts'
import type { ReconcileSources } from '../../shared/budgets/reconciliation.ts'
import { SpanledgerError } from '../../shared/errors.ts'
import type { Log } from '../../shared/log.ts'

export interface ReconciliationOptions {
  /** Opened for a run, and closed after it: most runs of the books need none. */
  readonly open: () => Promise<{ readonly sources: ReconcileSources; close(): Promise<void> }>
  /** As `reconcile` has it. */
  readonly maxSpans: number
  /** After how many days the warehouse forgets spans; 0 for never. */
  readonly retentionDays: number
  readonly log: Log
}

/**
 * Compares the budgets of all projects with the stored spans, and corrects them. Rejects with `store/unavailable` when a project could
 * not be compared; running it again does no harm.
 */
export function createReconciliation({
  open,
  maxSpans,
  retentionDays,
  log,
}: ReconciliationOptions): () => Promise<void> {
  return async () => {
    const { sources, close } = await open()
    try {
      const summary = await reconcileAll(sources, { log, maxSpans, retentionDays })
      log.info(summary, 'compared what budgets have spent')
      if (summary.failed > 0)
        throw new SpanledgerError(
          'store/unavailable',
          `the budgets of ${summary.failed} projects could not be compared`,
        )
    } finally {
      await close()
    }
  }
}
