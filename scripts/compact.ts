import { parseArgs } from 'node:util'
import { keepDays, retentionPolicy } from '../functions/lake/settings.ts'
import { type Config, readConfig } from '../shared/config.ts'
import { createCompactor } from '../shared/lake/compactor.ts'
import type { ObjectStore } from '../shared/lake/object-store.ts'
import { createParquetFormat } from '../shared/lake/parquet-format.ts'
import { planRetention, type RetentionPolicy, type RetentionStep, retain } from '../shared/lake/retention.ts'
import { createLog } from '../shared/log.ts'
import { openPlatform } from '../shared/platform/platform.ts'
import { misuse, runCommand } from './command.ts'

const USAGE = `npm run compact -- [--grace MINUTES] [--days N] [--project NAME=N]… [--dry-run]
One pass over the lake; the server may be running. Closed hours become one sorted file each, which is staged first and shown
once it is older than the grace: run it again after that, by a timer say. Spans are deleted so many days after their hour: by
the setting SPANLEDGER_LAKE_RETENTION, or by --days and --project instead; 0 days keep them forever. --dry-run says of which hours, and does nothing at all.
An hour that cannot be compacted is named and left as it is, and the exit code is 1.`

const MINUTE_MILLIS = 60_000

export interface CompactOptions {
  readonly store: ObjectStore
  /** The settings that hold unless an argument says otherwise. */
  readonly config: Config
  /** Milliseconds since 1970. */
  readonly now: () => number
}

/** What the command says: what was done, and on standard error which partitions are left as they are, with the reason. */
export interface CompactOutput {
  readonly text: string
  readonly problems: readonly string[]
}

/** Runs the command's arguments and returns what to print. */
export async function runCompact(
  args: readonly string[],
  { store, config, now }: CompactOptions,
): Promise<CompactOutput> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      grace: { type: 'string' },
      days: { type: 'string' },
      project: { type: 'string', multiple: true },
      'dry-run': { type: 'boolean', default: false },
    },
  })
  const set = retentionPolicy(config)
  const policy: RetentionPolicy = {
    ...set,
    ...(values.days !== undefined && { days: keepDays(number(values.days)) }),
    ...(values.project !== undefined && { projects: Object.fromEntries(values.project.map(readProject)) }),
  }
  const graceMs = values.grace === undefined ? config.SPANLEDGER_LAKE_GRACE_MS : number(values.grace) * MINUTE_MILLIS
  const format = createParquetFormat({ codec: config.SPANLEDGER_LAKE_CODEC })
  const compactor = createCompactor({ store, format, now, graceMs, log: createLog('lake', 'silent') })
  const plan = await planRetention({ store, format, policy, now: now() })
  const planned = plan.steps.map(describeStep)
  if (values['dry-run'])
    return { text: planned.join('\n') || 'nothing has expired', problems: describeProblems(plan.failed) }

  const unexpired = await retain(plan.steps, { store, compactor })
  const { merged, published, cleaned, failed } = await compactor.run()
  const done = `merged ${merged.length}, shown ${published.length}, cleaned ${cleaned.length} partitions`
  return {
    text: [...planned, done].join('\n'),
    problems: describeProblems({ ...plan.failed, ...unexpired, ...failed }),
  }
}

function describeStep(step: RetentionStep): string {
  if (step.kind === 'expire') return `expire ${step.prefix} ${[...step.expired].join(' ')}`
  return `delete ${[...step.files.map(({ name }) => name), ...step.beside].join(' ')}`
}

function describeProblems(failed: Readonly<Record<string, string>>): string[] {
  return Object.entries(failed).map(([prefix, reason]) => `${prefix}: ${reason}`)
}

function number(text: string): number {
  const value = text.trim() === '' ? Number.NaN : Number(text)
  if (!(value >= 0)) throw misuse(`${JSON.stringify(text)} is no number of days or minutes`)
  return value
}

/** `NAME=DAYS`. */
function readProject(text: string): [string, number] {
  const at = text.lastIndexOf('=')
  if (at < 1) throw misuse(`${JSON.stringify(text)} is not NAME=DAYS`)
  return [text.slice(0, at), keepDays(number(text.slice(at + 1)))]
}

async function main(args: readonly string[]): Promise<string> {
  const config = readConfig()
  const store = await (await openPlatform(config)).openObjectStore()
  const { text, problems } = await runCompact(args, { store, config, now: Date.now })
  for (const problem of problems) console.error(problem)
  if (problems.length > 0) process.exitCode = 1
  return text
}

if (import.meta.main) await runCommand(USAGE, main)
