// Synthesises the deployment: what `cdktf deploy` runs, and `npm run synth`.
import { spawnSync } from 'node:child_process'
import { join, relative, resolve } from 'node:path'
import { readDeployment } from './deployment.ts'

const here = import.meta.dirname
const root = resolve(here, '..')

/** Runs one of the project's own scripts. */
function run(script: string): void {
  const { status } = spawnSync(process.execPath, [join(root, 'scripts', script)], {
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  if (status !== 0) process.exit(status ?? 1)
}

try {
  const deployment = readDeployment(resolve(process.env.SPANLEDGER_DEPLOYMENT ?? join(here, 'deployment.json')))
  // The functions' bundles are part of the deployment: they are made anew, from what is here.
  run('bundle.ts')
  const { App } = await import('cdktf')
  const { createStack } = await import('./stack.ts')
  const { readManifest } = await import('../scripts/bundle/manifest.ts')

  // The CDKTF command says where it looks for it.
  const output = resolve(process.env.CDKTF_OUTDIR ?? join(here, 'cdktf.out'))
  const app = new App({ outdir: output })
  const stackFolder = join(output, 'stacks', 'spanledger')
  const manifest = readManifest(join(root, 'dist'))
  const bundles = Object.fromEntries(
    Object.entries(manifest).map(([name, { path, sha256 }]) => [name, { path: relative(stackFolder, path), sha256 }]),
  ) as typeof manifest
  createStack(app, deployment, bundles)
  app.synth()
  process.stdout.write(`synthesised ${relative(process.cwd(), join(stackFolder, 'cdk.tf.json'))}\n`)
} catch (error) {
  process.stderr.write(`spanledger: ${error instanceof Error ? error.message : error}\n`)
  process.exitCode = 1
}
