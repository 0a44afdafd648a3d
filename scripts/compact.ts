import { parseArgs } from 'node:util'
import { readConfig } from '../shared/config.ts'
import { describeError, SpanledgerError } from '../shared/errors.ts'
import { createCompactor } from '../shared/lake/compactor.ts'
import type { ObjectStore } from '../shared/lake/object-store.ts'
import { createParquetFormat } from '../shared/lake/parquet-format.ts'
import { planRetention, type RetentionPolicy, retain } from '../shared/lake/retention.ts'
import { openPlatform } from '../shared/platform/platform.ts'

const USAGE = `npm run compact -- [--grace MINUTES] [--days N] [--project NAME=N]… [--dry-run]
One pass over the lake; the server may be running. Closed hours become one sorted file each, which is staged first and shown
once it is older than the grace (default 15 minutes): run it again after that, by a timer say.
--days and --project delete spans so many days after their hour; --dry-run says which, and does nothing at all.`

const MINUTE_MILLIS = 60_000

/** Runs the command's arguments against `store` and returns what to print. */
export async function runCompact(args: readonly string[], store: ObjectStore, now: () => number): Promise<string> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      grace: { type: 'string', default: '15' },
      days: { type: 'string' },
      project: { type: 'string', multiple: true, default: [] },
      'dry-run': { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h' },
    },
  })
  if (values.help) return USAGE
  const policy: RetentionPolicy = {
    ...(values.days !== undefined && { days: number(values.days) }),
    projects: Object.fromEntries(values.project.map(readProject)),
  }
  const format = createParquetFormat({ codec: readConfig().SPANLEDGER_LAKE_CODEC })
  const compactor = createCompactor({ store, format, now, graceMs: number(values.grace) * MINUTE_MILLIS })
  const steps = await planRetention({ store, format, policy, now: now() })
  const plan = steps.map(({ prefix, kind, expired }) => `${kind} ${prefix} ${[...expired].join(' ')}`.trimEnd())
  if (values['dry-run']) return plan.length === 0 ? 'nothing has expired' : plan.join('\n')

  await retain(steps, { store, compactor })
  const { merged, published, cleaned, failed } = await compactor.run()
  const failures = Object.entries(failed).map(([prefix, reason]) => `${prefix}: ${reason}`)
  return [
    ...plan,
    `merged ${merged.length}, shown ${published.length}, cleaned ${cleaned.length} partitions`,
    ...failures,
  ].join('\n')
}

function number(text: string): number {
  const value = text.trim() === '' ? Number.NaN : Number(text)
  if (!(value >= 0))
    throw new SpanledgerError('query/invalid', `${JSON.stringify(text)} is no number of days or minutes`)
  return value
}

/** `NAME=DAYS`. */
function readProject(text: string): [string, number] {
  const at = text.lastIndexOf('=')
  if (at < 1) throw new SpanledgerError('query/invalid', `${JSON.stringify(text)} is not NAME=DAYS`)
  return [text.slice(0, at), number(text.slice(at + 1))]
}

if (import.meta.main) {
  try {
    const platform = await openPlatform(readConfig())
    console.log(await runCompact(process.argv.slice(2), await platform.openObjectStore(), Date.now))
  } catch (error) {
    console.error(`${describeError(error)}\n\n${USAGE}`)
    process.exitCode = 2
  }
}
