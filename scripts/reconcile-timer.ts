import { reconcileAll } from '../shared/budgets/reconcile-all.ts'
import type { ReconcileSources } from '../shared/budgets/reconciliation.ts'
import { describeError } from '../shared/errors.ts'
import type { Log } from '../shared/log.ts'

export interface ReconcileTimerOptions {
  readonly sources: ReconcileSources
  readonly log: Log
  /** Milliseconds from the end of one run to the start of the next; 0 for never. */
  readonly everyMs: number
  /** Milliseconds to the first run, if `everyMs` is not sooner: a server that is started every morning is to be compared, too. @defaultValue 10 minutes */
  readonly firstMs?: number
  readonly retentionDays?: number
}

/** Runs in the background until it is stopped. */
export interface ReconcileTimer {
  /** A run that is under way says no more; every write of it is whole. */
  stop(): void
}

/** The longest that a timer waits: longer ones fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1

/** Compares all budgets with the stored spans every so often. */
export function startReconcileTimer(options: ReconcileTimerOptions): ReconcileTimer {
  const { sources, log, everyMs, firstMs = 10 * 60_000, retentionDays = 0 } = options
  const stopping = new AbortController()
  const { signal } = stopping
  let timer: NodeJS.Timeout | undefined
  const wait = (ms: number) => {
    timer = setTimeout(() => void run(), Math.min(ms, MAX_TIMER_MS)).unref()
  }

  async function run(): Promise<void> {
    try {
      const summary = await reconcileAll(sources, { log, retentionDays, signal })
      if (!signal.aborted) log.info(summary, 'compared what budgets have spent')
    } catch (error) {
      if (!signal.aborted)
        log.error({ err: error }, `could not compare what budgets have spent: ${describeError(error)}`)
    }
    if (!signal.aborted) wait(everyMs)
  }

  if (everyMs > 0) wait(Math.min(everyMs, firstMs))
  return {
    stop() {
      stopping.abort()
      clearTimeout(timer)
    },
  }
}
