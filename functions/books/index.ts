import { setTimeout as sleep } from 'node:timers/promises'
import { createLog } from '../../shared/log.ts'
import { serveFunction } from '../../shared/platform/function-server.ts'
import { readFunctionConfig } from '../../shared/platform/functions.ts'
import { openGcpBooks, openGcpBudgetLedger, openGcpSource, openGcpTraceStore } from '../../shared/platform/gcp.ts'
import { createBooksSchedule } from './handler.ts'
import { createReconciliation } from './reconciliation.ts'

/** Between two looks at a budget that differs from the stored spans: what is on its way is mostly there by then. */
const PAUSE_MS = 30_000

/** Of one project. For each day that is read BigQuery bills three: at two kilobytes a span these are 600 MB a night. */
const MAX_SPANS = 100_000

const config = readFunctionConfig('books')
const log = createLog('books')
const [books, ...sources] = await Promise.all([
  openGcpBooks(config),
  openGcpSource(config, 'intake'),
  openGcpSource(config, 'buried'),
])
const nightly = createReconciliation({
  async open() {
    const [ledger, reader] = await Promise.all([openGcpBudgetLedger(config), openGcpTraceStore(config)])
    const close = async () => void (await Promise.all([ledger.close(), reader.close()]))
    return { sources: { ledger, reader, now: Date.now, pause: () => sleep(PAUSE_MS) }, close }
  },
  maxSpans: MAX_SPANS,
  retentionDays: config.SPANLEDGER_WAREHOUSE_RETENTION_DAYS,
  log,
})
const prefix = config.SPANLEDGER_GCP_PREFIX

serveFunction('books', createBooksSchedule({ sources, books, prefix, nightly, log }))
