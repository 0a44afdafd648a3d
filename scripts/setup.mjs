// Installs what package-lock.json names, when that is not what is installed. Runs before every npm script, on whatever
// Node the machine has, so it is plain JavaScript; all else then runs on the pinned Node that it installed.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'

const root = join(import.meta.dirname ?? new URL('.', import.meta.url).pathname, '..')
const marker = join(root, 'node_modules', '.setup')
const wanted = createHash('sha256')
  .update(readFileSync(join(root, 'package-lock.json')))
  .digest('hex')
const installed = existsSync(marker) ? readFileSync(marker, 'utf8') : ''

if (installed !== wanted || !existsSync(join(root, 'node_modules', '.bin', 'node'))) {
  console.error('spanledger: installing dependencies (once, a minute or so) …')
  // The install replaces node_modules, and the pinned Node in it: npm must run on the machine's own.
  const path = (process.env.PATH ?? '').split(delimiter).filter((folder) => !folder.includes('node_modules'))
  const result = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, PATH: path.join(delimiter) },
  })
  if (result.status !== 0) {
    console.error('spanledger: npm ci failed, see above; is the npm registry reachable?')
    process.exit(result.status ?? 1)
  }
  writeFileSync(marker, wanted)
}
