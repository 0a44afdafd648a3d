import { describeError } from '../errors.ts'
import type { Log } from '../log.ts'
import type { SpanReader } from '../warehouse/trace-store.ts'
import type { Budget } from './budget.ts'
import { chargesOf, compileRules } from './charge.ts'
import type { BudgetLedger } from './ledger.ts'
import { FOREVER } from './period.ts'
import { currentWindow, lookback } from './position.ts'
import { storedCondition } from './selector.ts'
import { type StoredSpanReader, storedSpans } from './stored-spans.ts'

export type BackfillReader = StoredSpanReader & Pick<SpanReader, 'counts'>

export interface BackfillSources {
  readonly ledger: BudgetLedger
  readonly reader: BackfillReader
  /** Milliseconds since 1970. */
  readonly now: () => number
}

/**
 * How long after a budget was made its backfill may still run, in milliseconds: as long as the ledger surely remembers which spans
 * it has counted.
 */
export const BACKFILL_MS = 7 * 86_400_000

/** Pauses before it is tried again, in milliseconds: the warehouse is seconds behind, rarely minutes. */
const PAUSES_MS = [1_000, 3_000, 10_000, 30_000, 60_000]

/**
 * Charges a new budget with the stored spans of its current period, so that a budget made at noon includes the morning. Spans
 * that are debited meanwhile are counted once. Returns whether it is done: whether the warehouse had stored all that the ledger
 * had seen. Until then it may be run again.
 */
export async function backfillBudget({ ledger, reader, now }: BackfillSources, budget: Budget): Promise<boolean> {
  const { project, id, generation } = budget
  if (now() - budget.since > BACKFILL_MS) return true
  const handled = await ledger.counts(project)
  const stored = await reader.counts(project)
  const complete = stored.stored + stored.duplicates >= handled.stored + handled.duplicates
  const rules = compileRules([budget], 0)
  const calendar = rules.rules[0]?.calendar
  if (calendar === undefined) return true
  const only = storedCondition(budget.selector)
  const from = Math.min(lookback(budget, calendar, now()), currentWindow(budget, calendar, now()).start)
  for await (const page of storedSpans(reader, { project, from, to: FOREVER, now: now(), only })) {
    const byKey = Map.groupBy(page, ({ context }) => context.keyId ?? '')
    const charges = [...byKey].flatMap(([keyId, spans]) => chargesOf(rules, spans, keyId).charges)
    if (charges.length > 0) await ledger.backfill(project, id, charges)
  }
  if (complete) await ledger.backfilled(project, id, generation)
  return complete
}

/** Runs backfills, each budget's one at a time, again after a while until it is done. */
export interface Backfills {
  /** Resolves after the first try; never rejects. */
  run(budget: Budget): Promise<void>
}

export function createBackfills(
  options: Omit<BackfillSources, 'reader'> & {
    readonly reader: BackfillReader | undefined
    readonly log: Log | undefined
  },
): Backfills {
  const { reader, log } = options
  const running = new Set<string>()

  async function attempt(sources: BackfillSources, budget: Budget, key: string, tries: number): Promise<void> {
    let done = false
    try {
      done = await backfillBudget(sources, budget)
    } catch (error) {
      log?.warn({ err: error, budget: budget.id }, `backfill waits: ${describeError(error)}`)
    }
    const pause = PAUSES_MS[tries]
    if (done || pause === undefined) running.delete(key)
    else setTimeout(() => void attempt(sources, budget, key, tries + 1), pause).unref()
  }

  return {
    async run(budget) {
      const key = JSON.stringify([budget.project, budget.id, budget.generation])
      if (budget.backfill !== 'pending' || reader === undefined || running.has(key)) return
      running.add(key)
      await attempt({ ...options, reader }, budget, key, 0)
    },
  }
}
