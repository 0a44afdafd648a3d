// Installs what a package-lock.json names, when that is not what is installed: `node scripts/setup.mjs [FOLDER…]`, here and
// in each folder given. Runs before every npm script, on whatever Node the machine has, so it is plain JavaScript; all else
// then runs on the pinned Node that it installed.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
for (const folder of ['.', ...process.argv.slice(2)]) install(join(root, folder), folder)

function install(path, name) {
  const marker = join(path, 'node_modules', '.setup')
  const wanted = createHash('sha256')
    .update(readFileSync(join(path, 'package-lock.json')))
    .digest('hex')
  if (existsSync(marker) && readFileSync(marker, 'utf8') === wanted) return

  const what = name === '.' ? 'dependencies' : `dependencies of ${name}/`
  console.error(`spanledger: installing ${what} (once, a minute or so) …`)
  // The install replaces node_modules, and the pinned Node in it: npm must run on the machine's own.
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => !folder.includes('node_modules'))
  const result = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: path,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, PATH: folders.join(delimiter) },
  })
  if (result.status !== 0) {
    console.error(`spanledger: npm ci failed in ${path}, see above; is the npm registry reachable?`)
    process.exit(result.status ?? 1)
  }
  writeFileSync(marker, wanted)
}
