import { parseArgs } from 'node:util'
import { amountText } from '../shared/budgets/amount.ts'
import { type ReconcileReport, reconcile } from '../shared/budgets/reconcile.ts'
import { type Config, readConfig } from '../shared/config.ts'
import { describeError, SpanledgerError } from '../shared/errors.ts'
import { lockDataDirectory } from '../shared/platform/data-lock.ts'
import { openPlatform } from '../shared/platform/platform.ts'

const USAGE = `npm run reconcile -- [--budget ID] [--project P] [--from TIME] [--dry-run]
Compares what spans have brought to each budget and period with the stored spans, and appends a correction to the budget's
history where they differ. With --dry-run it only says where. Nothing is corrected while spans are on their way. --from (RFC 3339)
leaves alone what began before, as where retention has deleted spans. The project is "default" unless given. On the
embedded platform the server must be stopped.`

/** What the command is told. */
export interface ReconcileRequest {
  readonly project: string
  readonly budgetId?: string | undefined
  readonly from?: number | undefined
  readonly dryRun: boolean
}

/** Reconciles the stores that `config` names. Throws `config/invalid` while a server has them. */
export async function runReconcile(config: Config, request: ReconcileRequest): Promise<ReconcileReport> {
  const lock = config.SPANLEDGER_PLATFORM === 'gcp' ? undefined : lockDataDirectory(config.SPANLEDGER_DATA)
  try {
    const platform = await openPlatform(config)
    const [ledger, reader] = await Promise.all([platform.openBudgetLedger(), platform.openTraceStore()])
    try {
      return await reconcile({ ledger, reader, now: Date.now }, request)
    } finally {
      await Promise.all([ledger.close(), reader.close()])
    }
  } finally {
    lock?.release()
  }
}

/** What was found, for people. */
export function describeReport({ inFlight, budgets, differences, skipped }: ReconcileReport, dryRun: boolean): string {
  if (inFlight)
    return 'nothing was changed: spans are on their way; run it again when ledger and warehouse have the same'
  const lines = differences.map(({ budget, period, bucket, ledger, warehouse }) => {
    const [had, has] = [amountText(budget.unit, ledger), amountText(budget.unit, warehouse)]
    return `${budget.id}  ${period}  from ${new Date(bucket).toISOString()}  ledger ${had}  warehouse ${has}`
  })
  for (const { budgetId, bucket, reason } of skipped) {
    const from = bucket === null ? '' : `  from ${new Date(bucket).toISOString()}`
    lines.push(`${budgetId}${from}  skipped: ${reason}`)
  }
  const what = dryRun ? 'nothing was changed: this was a dry run' : `${differences.length} corrections appended`
  return [...lines, `${budgets} budgets compared, ${differences.length} differences; ${what}`].join('\n')
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      budget: { type: 'string' },
      project: { type: 'string', default: 'default' },
      from: { type: 'string' },
      'dry-run': { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h' },
    },
  })
  if (values.help) return console.log(USAGE)
  const from = values.from === undefined ? undefined : Date.parse(values.from)
  if (Number.isNaN(from)) throw new SpanledgerError('query/invalid', '--from must be an RFC 3339 time')
  const dryRun = values['dry-run']
  const report = await runReconcile(readConfig(), { project: values.project, budgetId: values.budget, from, dryRun })
  console.log(describeReport(report, dryRun))
  if (report.inFlight) process.exitCode = 1
}

if (import.meta.main) {
  await main().catch((error) => {
    console.error(`${describeError(error)}\n\n${USAGE}`)
    process.exitCode = 2
  })
}
