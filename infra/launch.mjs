// Runs main.ts on the Node that the project pins, whatever Node runs the CDKTF command: plain JavaScript, for old ones too.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = fileURLToPath(new URL('.', import.meta.url))
const root = join(here, '..')

function run(command, args) {
  const { status, error } = spawnSync(command, args, { cwd: here, stdio: 'inherit' })
  if (error !== undefined) process.stderr.write(`spanledger: ${error.message}\n`)
  if (status !== 0) process.exit(status ?? 1)
}

if (!existsSync(join(here, 'node_modules', 'cdktf'))) {
  process.stderr.write(`spanledger: run npm ci in ${here} first\n`)
  process.exit(1)
}
run(process.execPath, [join(root, 'scripts', 'setup.mjs')])
run(join(root, 'node_modules', '.bin', 'node'), ['main.ts'])
