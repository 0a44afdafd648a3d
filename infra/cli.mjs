// Runs the CDKTF command on the Node that installed it: its terminal library is built for that one, while npm puts the Node that
// the project pins first.
import { spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { delimiter } from 'node:path'

const cli = createRequire(import.meta.url).resolve('cdktf-cli/bundle/bin/cdktf')
const path = (process.env.PATH ?? '').split(delimiter).filter((folder) => !folder.includes('node_modules'))
const { status } = spawnSync(process.env.npm_node_execpath ?? process.execPath, [cli, ...process.argv.slice(2)], {
  stdio: 'inherit',
  env: { ...process.env, PATH: path.join(delimiter) },
})
process.exit(status ?? 1)
