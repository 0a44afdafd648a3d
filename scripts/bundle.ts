import { mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { describeError } from '../shared/errors.ts'
import { FUNCTION_NAMES } from '../shared/platform/functions.ts'
import { bundleFunctions } from './bundle/functions.ts'

const USAGE = `npm run bundle [-- options]     makes what is deployed: one folder for each function

  --out FOLDER  where; dist unless given
  --measure     starts each bundle, and prints as JSON what that takes here
  --runs N      how often each is started for that; 20 unless given
`

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      out: { type: 'string' },
      measure: { type: 'boolean', default: false },
      runs: { type: 'string', default: '20' },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    process.stdout.write(USAGE)
    return
  }
  const runs = Number(values.runs)
  if (!Number.isInteger(runs) || runs < 1) throw new Error('--runs must be a whole number from 1 on')
  const folder = resolve(values.out ?? join(import.meta.dirname, '../dist'))
  mkdirSync(folder, { recursive: true })
  const manifest = await bundleFunctions(folder)
  if (values.measure) {
    const { measureColdStarts } = await import('./bundle/measure.ts')
    process.stdout.write(`${JSON.stringify(await measureColdStarts(folder, manifest, runs), undefined, 2)}\n`)
    return
  }
  const width = Math.max(...FUNCTION_NAMES.map(({ length }) => length))
  for (const [name, { bytes }] of Object.entries(manifest))
    process.stdout.write(`${name.padEnd(width)}  ${(bytes / 1e6).toFixed(2)} MB  ${join(folder, name)}\n`)
}

main().catch((error) => {
  process.stderr.write(`bundle: ${describeError(error)}\n\n${USAGE}`)
  process.exit(1)
})
