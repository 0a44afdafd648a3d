import type { Cursor, SpanReader } from '../warehouse/trace-store.ts'
import type { Budget } from './budget.ts'
import { chargesOf, compileRules } from './charge.ts'
import type { BudgetLedger } from './ledger.ts'
import { currentWindow, lookback } from './position.ts'

export interface BackfillOptions {
  readonly ledger: BudgetLedger
  readonly reader: Pick<SpanReader, 'listSpans' | 'counts'>
  readonly budget: Budget
  readonly now: () => number
}

/** Spans read at a time. */
const PAGE = 1_000

/**
 * Charges a new budget with the stored spans of its current period, so that a budget made at noon includes the morning. Spans
 * that are debited meanwhile are counted once. It is done only when the warehouse had stored all that the ledger had seen:
 * until then it may be run again.
 */
export async function backfillBudget({ ledger, reader, budget, now }: BackfillOptions): Promise<void> {
  const { project, id, generation } = budget
  const handled = await ledger.counts(project)
  const stored = await reader.counts(project)
  const complete = stored.stored + stored.duplicates >= handled.stored + handled.duplicates
  const rules = compileRules([budget], 0)
  const calendar = rules.rules[0]?.calendar
  if (calendar === undefined) return
  const from = Math.min(lookback(budget, calendar, now()), currentWindow(budget, calendar, now()).start)
  let after: Cursor | null = null
  do {
    const page: Awaited<ReturnType<SpanReader['listSpans']>> = await reader.listSpans({
      filter: { project, from: BigInt(Math.max(0, from)) * 1_000_000n },
      sort: 'startTime',
      order: 'asc',
      pageSize: PAGE,
      ...(after !== null && { after }),
    })
    const { charges } = chargesOf(rules, page.items)
    if (charges.length > 0) await ledger.backfill(project, id, charges)
    after = page.next
  } while (after !== null)
  if (complete) await ledger.backfilled(project, id, generation)
}
