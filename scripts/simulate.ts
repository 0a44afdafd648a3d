import { parseArgs } from 'node:util'
import type { SimulationReport } from '../test/simulation/simulation.ts'
import { misuse, runCommand, wholeNumber } from './command.ts'

const USAGE = `npm run simulate -- [--adapter sqlite|firestore] [--schedules 1000] [--seed 1] [--from SEED] [--max-failures 1]

Plays schedules of crashes, retries, duplicates, contention, resets, grants, skewed clocks, expiry, midnight and daylight saving against a budget
ledger and a model of it. Prints one JSON object every ten seconds, the last one when it is done; the exit code is 1 where one
failed. What a seed plays never changes on SQLite; on Firestore the order of what happens at once does.

The schedules are those of the seeds from --seed on. A run that ended early goes on by the same command with --from at its last "next".
`

const ADAPTERS = ['sqlite', 'firestore'] as const
const MOST = 1_000_000_000

async function main(args: readonly string[]): Promise<string> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      adapter: { type: 'string', default: 'sqlite' },
      schedules: { type: 'string', default: '1000' },
      seed: { type: 'string', default: '1' },
      from: { type: 'string' },
      'max-failures': { type: 'string', default: '1' },
    },
  })
  const adapter = ADAPTERS.find((name) => name === values.adapter)
  if (adapter === undefined) throw misuse('--adapter is sqlite or firestore')
  const seed = wholeNumber('--seed', values.seed, 1, MOST)
  const end = seed + wholeNumber('--schedules', values.schedules, 1, MOST)
  const from = wholeNumber('--from', values.from ?? values.seed, seed, end - 1)
  const maxFailures = wholeNumber('--max-failures', values['max-failures'], 1, MOST)
  const { simulate } = await import('../test/simulation/simulation.ts')
  const line = (report: SimulationReport) => JSON.stringify({ ...report, next: report.from + report.done })
  const onProgress = (report: SimulationReport) => console.log(line(report))
  const report = await simulate({ adapter, schedules: end - from, from, maxFailures, onProgress })
  if (report.failures.length > 0) process.exitCode = 1
  return line(report)
}

await runCommand(USAGE, main)
