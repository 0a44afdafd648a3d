import { randomInt } from 'node:crypto'
import { runCommand, wholeNumber } from './command.ts'
import { fuzzIngest } from './fuzz/ingest.ts'

const USAGE = `npm run fuzz -- [COUNT] [SEED]     mutated payloads against the OTLP edge, 100000 unless given

Prints what came of them as one JSON object; the exit code is 1 where one crashed it or took too much.
`

const MAX_SEED = 2 ** 31

async function main([count = '100000', seed = String(randomInt(MAX_SEED))]: readonly string[]): Promise<string> {
  const report = await fuzzIngest({
    count: wholeNumber('COUNT', count, 1, 1_000_000_000),
    seed: wholeNumber('SEED', seed, 0, MAX_SEED),
  })
  process.exitCode = report.failures.length === 0 ? 0 : 1
  return JSON.stringify(report)
}

await runCommand(USAGE, main)
