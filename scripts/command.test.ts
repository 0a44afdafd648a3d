import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test, vi } from 'vitest'
import { defaultServer } from './server-call.ts'

const ROOT = join(import.meta.dirname, '..')
const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: Record<string, string> }
/** What npm runs for those who use the product, by the name of the command. */
const COMMANDS = Object.entries(scripts).flatMap(([name, line]): [string, string][] => {
  const script = /^node (scripts\/\S+\.ts)$/.exec(line)?.[1]
  return script === undefined || name === 'docs' ? [] : [[name, script]]
})
const data = mkdtempSync(join(tmpdir(), 'command-'))
afterAll(() => rmSync(data, { recursive: true }))

interface Said {
  readonly code: number
  readonly out: string
  readonly err: string
}

function run(script: string, ...args: string[]): Promise<Said> {
  return runWith({ SPANLEDGER_DATA: join(data, 'none') }, script, ...args)
}

function runWith(settings: Record<string, string>, script: string, ...args: string[]): Promise<Said> {
  const env = { ...process.env, ...settings }
  return new Promise((resolve) => {
    execFile(process.execPath, [script, ...args], { cwd: ROOT, env, timeout: 20_000 }, (error, out, err) =>
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

test.concurrent.each(['keys', 'crash', 'fuzz', 'bench', 'simulate'])(
  'npm run %s: --help was no option',
  async (name) => {
    const { code, out, err } = await run(new Map(COMMANDS).get(name) ?? '', '--help')
    expect([code, err]).toStrictEqual([0, ''])
    expect(out).toContain(`npm run ${name}`)
  },
)

test.concurrent.each([
  ['sql', [' '], 'give one statement'],
  ['sql', ['--format', 'xml', 'SELECT 1'], '--format is table, json or csv'],
  ['sql', ['--from', 'x', 'SELECT 1'], '"x" is no time'],
  ['keys', ['create'], '--project NAME'],
  ['keys', ['create', '--project', 'a b'], 'a project is 1 to 63'],
  ['keys', ['create', '--project', 'a', '--scopes', 'root'], 'any of ingest, read, admin'],
  ['backtest', [], 'BUDGET.json'],
  ['demo', ['--traces', '0'], '--traces must be'],
  ['crash', ['many'], '"many"'],
  ['bench', ['--seconds', 'x'], '--seconds must be'],
  ['simulate', ['--schedules', 'x'], '--schedules must be'],
  ['simulate', ['--adapter', 'oracle'], '--adapter is sqlite or firestore'],
  ['sql', ['--from', '02/05/2026', 'SELECT 1'], '"02/05/2026" is no time'],
  ['sql', ['--from', '5', 'SELECT 1'], '"5" is no time'],
  ['sql', ['--from', '2026-02-06', '--to', '2026-02-05', 'SELECT 1'], 'nothing lies between'],
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
  ['backtest', ['nowhere.json', '--from', 'x', '--to', 'y'], 'name a file with a budget'],
])(
  'npm run %s %j: what failed was told without what to do, or under all of the usage',
  async (name, args, expected) => {
    const { code, err } = await run(`scripts/${name}.ts`, ...args)
    expect(code).toBe(1)
    expect(err).toContain(expected)
    expect(err).not.toContain(`npm run ${name} --`)
  },
)

test.concurrent.each(['smoke', 'demo', 'reprice', 'backtest'])(
  'npm run %s: asked another port than the server of this environment has, and sent an empty key for one',
  async (name) => {
    const range = ['--from', '2026-01-01T00:00:00Z', '--to', '2026-01-02T00:00:00Z']
    const args = { reprice: range, backtest: ['package.json', ...range] }[name] ?? []
    const { code, out, err } = await runWith({ PORT: '9', SPANLEDGER_KEY: '' }, `scripts/${name}.ts`, ...args)
    expect(out + err).toMatch(/http:\/\/localhost:9\b/)
    expect(code).toBe(1)
  },
)

test.concurrent.each([
  ['keys', ['list', '--project', 'acme']],
  ['compact', []],
  ['replay', []],
  ['rebuild', ['--from', 'lake', '--lake', '.']],
  ['sql', ['--lake', 'gs://some-bucket', 'SELECT 1']],
  ['upload', ['--lake', '.', '--to', 'gs://some-bucket']],
])(
  'npm run %s: without credentials for Google Cloud it ended in a stack, or said after half a minute that there was no answer',
  async (name, args) => {
    // Nobody is signed in there, and no machine of Google's is asked.
    const nowhere = {
      HOME: data,
      CLOUDSDK_CONFIG: data,
      GOOGLE_APPLICATION_CREDENTIALS: '',
      METADATA_SERVER_DETECTION: 'none',
    }
    const settings = {
      ...nowhere,
      SPANLEDGER_DATA: data,
      SPANLEDGER_PLATFORM: 'gcp',
      SPANLEDGER_GCP_PROJECT: 'my-project',
    }
    const { code, err } = await runWith(settings, `scripts/${name}.ts`, ...args)
    expect(err).toContain('gcloud auth application-default login')
    expect(err).not.toMatch(/^\s+at /m)
    expect(code).toBe(1)
  },
)

test.concurrent.each([
  ['keys', ['list', '--project', 'acme'], 'SPANLEDGER_GCP_PROJECT'],
  ['compact', [], 'SPANLEDGER_GCP_BUCKET'],
])('npm run %s %j: which setting was missing, Google said in words of its own', async (name, args, setting) => {
  const settings = { SPANLEDGER_PLATFORM: 'gcp', STORAGE_EMULATOR_HOST: 'http://127.0.0.1:9' }
  const project = setting === 'SPANLEDGER_GCP_PROJECT' ? '' : 'my-project'
  const { code, err } = await runWith({ ...settings, SPANLEDGER_GCP_PROJECT: project }, `scripts/${name}.ts`, ...args)
  expect([code, err]).toStrictEqual([1, expect.stringContaining(`set ${setting}`)])
})

test('what was printed to a pipe that its reader had closed ended in a stack', async () => {
  const text =
    "import { runCommand } from './scripts/command.ts'; await runCommand('', async () => 'x'.repeat(1_000_000))"
  const command = `"${process.execPath}" --input-type=module -e "$TEXT" | head -c 1`
  const said = await new Promise<string[]>((resolve) => {
    execFile('sh', ['-c', command], { cwd: ROOT, env: { ...process.env, TEXT: text } }, (_, ...all) => resolve(all))
  })
  expect(said).toStrictEqual(['x', ''])
})

test('a key that is empty is none', () => {
  vi.stubEnv('SPANLEDGER_KEY', '')
  expect(defaultServer()).toStrictEqual({ url: 'http://localhost:4318', key: undefined })
  vi.unstubAllEnvs()
})

const onLinux = test.runIf(existsSync('/proc'))
onLinux.each([
  ['local', []],
  ['keys', ['list', '--project', 'acme']],
])(
  'scripts/%s.ts: a data directory below one that takes none was tried for ever, since mkdir never comes back from there',
  async (name, args) => {
    const { code, err } = await runWith({ SPANLEDGER_DATA: '/proc/x' }, `scripts/${name}.ts`, ...args)
    expect(err).toContain('the data directory /proc/x cannot be used')
    expect(err).toContain('set SPANLEDGER_DATA to another directory')
    expect(code).toBe(1)
  },
)
