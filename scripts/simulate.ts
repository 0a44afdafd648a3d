import { parseArgs } from 'node:util'
import { ADAPTERS, type SimulationReport, simulate } from '../test/simulation/simulation.ts'

const USAGE = `Plays schedules of crashes, retries, duplicates, contention, resets, grants, skewed clocks, expiry, midnight and daylight saving against a budget
ledger and a model of it. Prints one JSON object every ten seconds, the last one when it is done. What a seed plays never changes on SQLite;
on Firestore the order of what happens at once does.

  npm run simulate -- [--adapter sqlite|firestore] [--schedules 1000] [--seed 1] [--from SEED] [--max-failures 1]

The schedules are those of the seeds from --seed on. A run that ended early goes on by the same command with --from at its last "next".`

const { values } = parseArgs({
  options: {
    adapter: { type: 'string', default: 'sqlite' },
    schedules: { type: 'string', default: '1000' },
    seed: { type: 'string', default: '1' },
    from: { type: 'string' },
    'max-failures': { type: 'string', default: '1' },
    help: { type: 'boolean', default: false },
  },
})
const numbers = [values.schedules, values.seed, values['max-failures'], values.from ?? values.seed].map(Number)
const [count = 0, seed = 0, maxFailures = 0, from = 0] = numbers
const schedules = seed + count - from
if (
  values.help ||
  !Object.hasOwn(ADAPTERS, values.adapter) ||
  ![...numbers, schedules].every((number) => number > 0 && Number.isSafeInteger(number))
) {
  console.error(USAGE)
  process.exit(values.help ? 0 : 1)
}
const print = (report: SimulationReport) => console.log(JSON.stringify({ ...report, next: report.from + report.done }))
const adapter = values.adapter as keyof typeof ADAPTERS
const report = await simulate({ adapter, schedules, from, maxFailures, onProgress: print })
print(report)
process.exit(report.failures.length === 0 ? 0 : 1)
