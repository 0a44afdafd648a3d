import { mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { FUNCTION_NAMES } from '../shared/platform/functions.ts'
import { bundleFunctions } from './bundle/functions.ts'
import { runCommand, wholeNumber } from './command.ts'

const USAGE = `npm run bundle [-- options]     makes what is deployed: one folder for each function

  --out FOLDER  where; dist unless given
  --measure     starts each bundle, and prints as JSON what that takes here
  --runs N      how often each is started for that; 20 unless given
`

async function main(args: readonly string[]): Promise<string> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      out: { type: 'string' },
      measure: { type: 'boolean', default: false },
      runs: { type: 'string', default: '20' },
    },
  })
  const runs = wholeNumber('--runs', values.runs, 1, 1_000)
  const folder = resolve(values.out ?? join(import.meta.dirname, '../dist'))
  mkdirSync(folder, { recursive: true })
  const manifest = await bundleFunctions(folder)
  if (values.measure) {
    const { measureColdStarts } = await import('./bundle/measure.ts')
    return JSON.stringify(await measureColdStarts(folder, manifest, runs), undefined, 2)
  }
  const width = Math.max(...FUNCTION_NAMES.map(({ length }) => length))
  return Object.entries(manifest)
    .map(([name, { bytes }]) => `${name.padEnd(width)}  ${(bytes / 1e6).toFixed(2)} MB  ${join(folder, name)}`)
    .join('\n')
}

await runCommand(USAGE, main)
