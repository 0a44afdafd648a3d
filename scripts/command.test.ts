import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'

const ROOT = join(import.meta.dirname, '..')
const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: Record<string, string> }
/** What npm runs for those who use the product, by the name of the command. */
const COMMANDS = Object.entries(scripts).flatMap(([name, line]): [string, string][] => {
  const script = /^node (scripts\/\S+\.ts)$/.exec(line)?.[1]
  return script === undefined || name === 'docs' || name === 'simulate' ? [] : [[name, script]]
})
const data = mkdtempSync(join(tmpdir(), 'command-'))
afterAll(() => rmSync(data, { recursive: true }))

interface Said {
  readonly code: number
  readonly out: string
  readonly err: string
}

function run(script: string, ...args: string[]): Promise<Said> {
  const env = { ...process.env, SPANLEDGER_DATA: join(data, 'none') }
  return new Promise((resolve) => {
    execFile(process.execPath, [script, ...args], { cwd: ROOT, env }, (error, out, err) =>
      resolve({ code: Number(error?.code ?? 0), out, err }),
    )
  })
}

test.concurrent.each(COMMANDS)(
  'npm run %s: arguments that mean nothing ended in a stack, were not explained, or were taken for good ones',
  async (name, script) => {
    const { code, out, err } = await run(script, '--nonsense')
    expect([code, out]).toStrictEqual([2, ''])
    expect(err).toContain(`npm run ${name}`)
    expect(err).toContain('--nonsense')
    expect(err).not.toMatch(/^\s+at /m)
    expect(err).not.toContain('TypeError')
  },
)

test.concurrent.each(['keys', 'crash', 'fuzz', 'bench'])('npm run %s: --help was no option', async (name) => {
  const { code, out, err } = await run(new Map(COMMANDS).get(name) ?? '', '--help')
  expect([code, err]).toStrictEqual([0, ''])
  expect(out).toContain(`npm run ${name}`)
})

test.concurrent.each([
  ['sql', [' '], 'give one statement'],
  ['sql', ['--format', 'xml', 'SELECT 1'], '--format is table, json or csv'],
  ['sql', ['--from', 'x', 'SELECT 1'], '"x" is no time'],
  ['keys', ['create'], '--project NAME'],
  ['backtest', [], 'BUDGET.json'],
  ['demo', ['--traces', '0'], '--traces must be'],
  ['crash', ['many'], '"many"'],
  ['bench', ['--seconds', 'x'], '--seconds must be'],
])('npm run %s %j was not told what it lacks', async (name, args, expected) => {
  const { code, err } = await run(new Map(COMMANDS).get(name) ?? '', ...args)
  expect(code).toBe(2)
  expect(err).toContain(expected)
  expect(err).toContain(`npm run ${name}`)
})

test.concurrent.each([
  ['sql', ['SELECT 1'], 'set SPANLEDGER_DATA'],
  ['rebuild', ['--from', 'lake'], 'set SPANLEDGER_DATA'],
  [
    'reprice',
    ['--from', '2026-01-01T00:00:00Z', '--to', '2026-01-02T00:00:00Z', '--url', 'http://127.0.0.1:9'],
    'no server',
  ],
  ['reprice', ['--from', '2026-01-01T00:00:00Z', '--to', '2026-01-02T00:00:00Z', '--url', 'nonsense'], '--url'],
  ['backtest', ['package.json', '--from', 'x', '--to', 'y', '--url', 'http://127.0.0.1:9'], 'no server'],
  ['backtest', ['README.md', '--from', 'x', '--to', 'y'], 'README.md'],
])(
  'npm run %s %j: what failed was told without what to do, or under all of the usage',
  async (name, args, expected) => {
    const { code, err } = await run(`scripts/${name}.ts`, ...args)
    expect(code).toBe(1)
    expect(err).toContain(expected)
    expect(err).not.toContain(`npm run ${name} --`)
  },
)
