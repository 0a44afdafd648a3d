import { existsSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { amountText } from '../shared/budgets/amount.ts'
import { reconcile } from '../shared/budgets/reconcile.ts'
import type { ReconcileReport, ReconcileSources } from '../shared/budgets/reconciliation.ts'
import { type Config, readConfig } from '../shared/config.ts'
import { lockDataDirectory } from '../shared/platform/data-lock.ts'
import { createIdleCheck } from '../shared/platform/idle.ts'
import { createLocalPlatform, localPaths } from '../shared/platform/local.ts'
import { openPlatform } from '../shared/platform/platform.ts'
import { misuse, runCommand } from './command.ts'

const USAGE = `npm run reconcile -- [--project P] [--budget ID] [--from TIME] [--dry-run]
Compares what spans have brought to each budget and period with the stored spans, and appends a correction to the budget's
history where they differ. With --dry-run it only says where. What spans on their way could explain is left alone. --from (RFC 3339)
leaves alone what began before. All projects, unless one is given. On the embedded platform the server must be stopped; it
does the same by itself once a day.`

/** Before what was seen once is seen again, where nobody can tell what is on its way. */
const PAUSE_MS = 10_000

/** What the command is told. */
export interface ReconcileRequest {
  /** All projects if absent. */
  readonly project?: string | undefined
  readonly budgetId?: string | undefined
  readonly from?: number | undefined
  readonly dryRun: boolean
}

/** Reconciles the stores that `config` names; reports by project. Throws `config/invalid` while a server has them. */
async function runReconcile(
  config: Config,
  { project, ...options }: ReconcileRequest,
): Promise<ReadonlyMap<string, ReconcileReport>> {
  const { sources, close } = await openSources(config)
  try {
    const reports = new Map<string, ReconcileReport>()
    const { SPANLEDGER_WAREHOUSE_RETENTION_DAYS: retentionDays } = config
    for (const name of project === undefined ? await sources.ledger.projects() : [project])
      reports.set(name, await reconcile(sources, { project: name, retentionDays, ...options }))
    return reports
  } finally {
    await close()
  }
}

async function openSources(config: Config): Promise<{ sources: ReconcileSources; close(): Promise<void> }> {
  const isLocal = config.SPANLEDGER_PLATFORM === 'local'
  const lock = isLocal ? lockDataDirectory(config.SPANLEDGER_DATA) : undefined
  const platform = isLocal ? createLocalPlatform(config) : undefined
  const admin = existsSync(localPaths(config).queue) ? platform?.openQueueAdmin() : undefined
  const opened = platform ?? (await openPlatform(config))
  const [ledger, reader] = await Promise.all([opened.openBudgetLedger(), opened.openTraceStore()])
  return {
    sources: { ledger, reader, now: Date.now, pause: () => sleep(PAUSE_MS), isIdle: admin && createIdleCheck(admin) },
    async close() {
      admin?.close()
      await Promise.all([ledger.close(), reader.close()])
      lock?.release()
    },
  }
}

/** What was found, for people. */
export function describeReport({ budgets, differences, skipped }: ReconcileReport, dryRun: boolean): string {
  const lines = differences.map(({ budget, period, bucket, ledger, warehouse }) => {
    const [had, has] = [amountText(budget.unit, ledger), amountText(budget.unit, warehouse)]
    return `${budget.id}  ${period}  from ${new Date(bucket).toISOString()}  ledger ${had}  warehouse ${has}`
  })
  for (const { budgetId, bucket, reason } of skipped) {
    const from = bucket === null ? '' : `  from ${new Date(bucket).toISOString()}`
    lines.push(`${budgetId}${from}  left as it is: ${reason}`)
  }
  const what = dryRun ? '; nothing was changed: this was a dry run' : '; each is corrected in the history of its budget'
  const found = `${budgets} budgets compared, ${differences.length} differences${differences.length === 0 ? '' : what}`
  return [...lines, found].join('\n')
}

async function main(args: readonly string[]): Promise<string> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      budget: { type: 'string' },
      project: { type: 'string' },
      from: { type: 'string' },
      'dry-run': { type: 'boolean', default: false },
    },
  })
  const from = values.from === undefined ? undefined : Date.parse(values.from)
  if (Number.isNaN(from)) throw misuse('--from must be an RFC 3339 time')
  const { budget: budgetId, project, 'dry-run': dryRun } = values
  const reports = await runReconcile(readConfig(), { project, budgetId, from, dryRun })
  if (reports.size === 0) return 'there is no budget'
  return Array.from(reports, ([name, report]) => `project ${name}\n${describeReport(report, dryRun)}`).join('\n')
}

if (import.meta.main) await runCommand(USAGE, main)
