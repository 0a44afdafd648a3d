import { afterEach, beforeEach, expect, test } from 'vitest'
import { NOON, termsOf } from '../../shared/budgets/ledger.fixtures.ts'
import type { BudgetLedger } from '../../shared/budgets/ledger.ts'
import { openSqliteLedger } from '../../shared/budgets/sqlite-ledger.ts'
import { createLog } from '../../shared/log.ts'
import { EMPTY_LEDGER } from '../../shared/spans/ledger.ts'
import { openSqliteStore } from '../../shared/warehouse/sqlite-store.ts'
import type { TraceStore } from '../../shared/warehouse/trace-store.ts'
import { buildSpan } from '../../test/support/span.ts'
import { createReconciliation } from './reconciliation.ts'

let ledger: BudgetLedger
let reader: TraceStore
let said: unknown[]
let closed: boolean

beforeEach(async () => {
  said = []
  closed = false
  ledger = openSqliteLedger({ path: ':memory:', now: () => NOON })
  reader = await openSqliteStore({ path: ':memory:' })
})
afterEach(() => Promise.all([ledger.close(), reader.close()]))

/** A budget, and a span of two hours ago that never came to it. */
async function loseSpan(project: string): Promise<void> {
  const { balance } = await ledger.put(project, 'b', termsOf({ limit: 100_000n, thresholds: [] }), '')
  await ledger.backfilled(project, 'b', balance.budget.generation)
  const span = { ...buildSpan({}), startTimeUnixNano: BigInt(NOON - 7_200_000) * 1_000_000n }
  const spans = [
    { span, ledger: { ...EMPTY_LEDGER, operation: 'chat', costStatus: 'priced', costPicoUsd: 7n } as const },
  ]
  const context = { project, digest: `d${project}`, ingestedAt: BigInt(NOON - 7_200_000) * 1_000_000n }
  await reader.write([{ context, spans }])
}

function run(): Promise<void> {
  const log = { ...createLog('books', 'silent'), info: (fields: unknown) => said.push(fields) }
  const sources = { ledger, reader, now: () => NOON, pause: async () => undefined }
  const close = async () => {
    closed = true
  }
  return createReconciliation({ open: async () => ({ sources, close }), maxSpans: 1_000, retentionDays: 0, log })()
}

test('every project is compared, and a second run finds nothing', async () => {
  await loseSpan('p')
  await loseSpan('q')
  await run()
  await run()
  const summary = { projects: 2, budgets: 2, corrected: 2, skipped: 0, failed: 0 }
  expect(said).toEqual([summary, { ...summary, corrected: 0 }])
  expect((await ledger.get('q', 'b')).position.spent).toBe(7n)
})

test('a project that cannot be read keeps no other from it, and the run fails', async () => {
  await loseSpan('p')
  await loseSpan('q')
  const { scanSpans } = reader
  reader.scanSpans = (query) => {
    if (query.filter.project === 'p') throw new Error('down')
    return scanSpans(query)
  }
  await expect(run()).rejects.toMatchObject({ code: 'store/unavailable' })
  expect(said).toMatchObject([{ corrected: 1, failed: 1 }])
  expect((await ledger.get('q', 'b')).position.spent).toBe(7n)
  expect(closed).toBe(true)
})
