import { mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { FUNCTION_NAMES } from '../shared/platform/functions.ts'
import { bundleFunctions } from './bundle/functions.ts'

/**
 * `npm run bundle [-- --out FOLDER] [--measure --runs 20]`: what is deployed, below `dist/`. Measured, it prints as JSON what each bundle
 * takes to start here.
 */
const { values } = parseArgs({
  options: {
    out: { type: 'string' },
    measure: { type: 'boolean', default: false },
    runs: { type: 'string', default: '20' },
  },
})
const folder = resolve(values.out ?? join(import.meta.dirname, '../dist'))
mkdirSync(folder, { recursive: true })
const manifest = await bundleFunctions(folder)
if (values.measure) {
  const { measureColdStarts } = await import('./bundle/measure.ts')
  const coldStarts = await measureColdStarts(folder, manifest, Number(values.runs))
  process.stdout.write(`${JSON.stringify(coldStarts, undefined, 2)}\n`)
} else {
  const width = Math.max(...FUNCTION_NAMES.map(({ length }) => length))
  for (const [name, { bytes }] of Object.entries(manifest))
    process.stdout.write(`${name.padEnd(width)}  ${(bytes / 1e6).toFixed(2)} MB  ${join(folder, name)}\n`)
}
