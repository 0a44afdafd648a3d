import { randomInt } from 'node:crypto'
import { fuzzIngest } from './fuzz/ingest.ts'

/** `node scripts/fuzz.ts [count] [seed]`: mutated payloads against the OTLP edge; prints what came of them as one JSON object. */
const [count = '100000', seed = String(randomInt(2 ** 31))] = process.argv.slice(2)
const report = await fuzzIngest({ count: Number(count), seed: Number(seed) })
process.stdout.write(`${JSON.stringify(report)}\n`)
process.exitCode = report.failures.length === 0 ? 0 : 1
