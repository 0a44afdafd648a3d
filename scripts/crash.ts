import { killUnderLoad } from '../test/crash/sigkill.ts'
import { runCommand, wholeNumber } from './command.ts'

const USAGE = `npm run crash -- [KILLS]     kills a server of its own under load, 200 times unless given; the long run of test/crash

Prints what was lost, repeated or miscounted as one JSON object; the exit code is 1 where anything was.
`

async function main([kills = '200']: readonly string[]): Promise<string> {
  const report = await killUnderLoad({ kills: wholeNumber('KILLS', kills, 1, 1_000_000) })
  const { missing, repeated, missingInLake, tokensOff, budgetOff } = report
  process.exitCode = missing || repeated || missingInLake || tokensOff || budgetOff ? 1 : 0
  return JSON.stringify(report, (_, value) => (typeof value === 'bigint' ? Number(value) : value))
}

await runCommand(USAGE, main)
