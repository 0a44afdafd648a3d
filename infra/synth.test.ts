import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'

const here = import.meta.dirname
const folder = mkdtempSync(join(tmpdir(), 'spanledger-synth-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** Runs a command on this very Node, and returns the stack that it left in a folder of its own. */
function synthesise(name: string, args: readonly string[]): string {
  const output = join(folder, name)
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: here,
    encoding: 'utf8',
    env: {
      ...process.env,
      CDKTF_OUTDIR: output,
      SPANLEDGER_DEPLOYMENT: join(here, 'deployment.example.json'),
      CHECKPOINT_DISABLE: '1',
    },
  })
  if (status !== 0) throw new Error(`${args.join(' ')} ended with ${status}:\n${stdout}\n${stderr}`)
  return readFileSync(join(output, 'stacks', 'spanledger', 'cdk.tf.json'), 'utf8')
}

// Its terminal library was once built for the Node that installed it, and not found by the one that ran it.
test('the CDKTF command runs on the pinned Node and gives what main.ts gives, byte for byte', () => {
  const cli = createRequire(import.meta.url).resolve('cdktf-cli/bundle/bin/cdktf')
  const command = synthesise('command', [cli, 'synth', '--output', join(folder, 'command')])
  expect(command).toContain('google_cloudfunctions2_function')
  expect(synthesise('script', ['main.ts'])).toBe(command)
}, 180_000)

test('a deployment.json that is missing or broken was told after all functions had been bundled, and of which file was not', () => {
  const broken = join(folder, 'broken.json')
  writeFileSync(broken, '{"project": "my-project",}')
  for (const [path, why] of [
    [broken, `${broken} is no JSON`],
    [join(folder, 'none.json'), 'copy deployment.example.json there'],
  ] as const) {
    const env = { ...process.env, CDKTF_OUTDIR: join(folder, 'none'), SPANLEDGER_DEPLOYMENT: path }
    const { status, stdout, stderr } = spawnSync(process.execPath, ['main.ts'], { cwd: here, encoding: 'utf8', env })
    expect([status, stdout]).toStrictEqual([1, ''])
    expect(stderr).toContain(why)
    expect(stderr).not.toContain('MB')
  }
})
