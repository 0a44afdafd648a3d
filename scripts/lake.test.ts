import { spawnSync } from 'node:child_process'
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { readConfig } from '../shared/config.ts'
import { openDirectoryStore } from '../shared/lake/directory-store.ts'
import { createParquetFormat } from '../shared/lake/parquet-format.ts'
import { DAY, HOUR, hexId, testBatch, testSpan } from '../shared/lake/test-spans.ts'
import { createLakeWriter } from '../shared/lake/writer.ts'
import { lockDataDirectory } from '../shared/platform/data-lock.ts'
import { openDuckDbStore } from '../shared/warehouse/duckdb-store.ts'
import { runCompact } from './compact.ts'
import { rebuild } from './rebuild.ts'
import { runSql } from './sql.ts'

const root = await mkdtemp(join(tmpdir(), 'lake-'))
const lake = join(root, 'lake')
const store = openDirectoryStore(lake)
afterAll(() => rm(root, { recursive: true }))

const batches = [0, 1, 2].map((message) =>
  testBatch(
    `message ${message}`,
    [0, 1, 2, 3].map((n) =>
      testSpan({
        traceId: hexId(message + 1, 32),
        spanId: hexId(message * 10 + n + 1, 16),
        startTimeUnixNano: DAY + BigInt(n) * HOUR + 7n,
        statusCode: n === 3 ? 'ERROR' : 'OK',
        attributes: { text: 'a,"b"', 'gen_ai.usage.input_tokens': 'many', list: [1n, 2.5] },
        ledger: {
          operation: 'chat',
          model: 'gpt-4o',
          provider: 'openai',
          inputTokens: 100 * n,
          outputTokens: 5,
          costPicoUsd: 2n ** 60n + BigInt(n),
          costStatus: 'priced',
        },
      }),
    ),
  ),
)

beforeAll(async () => {
  const writer = createLakeWriter({ store, format: createParquetFormat() })
  expect(await writer.write(batches)).toStrictEqual([undefined, undefined, undefined])
})

const config = readConfig({ SPANLEDGER_DATA: root })
const sql = async (...args: string[]) => (await runSql(args, config)).text

test('sql answers as table, CSV and JSON, exactly', async () => {
  const select = 'SELECT GenAiModel, calls, errors, cost_pico_usd FROM daily_costs'
  const cost = String(3n * (4n * 2n ** 60n + 6n))
  expect(await sql('--format', 'csv', select)).toBe(`GenAiModel,calls,errors,cost_pico_usd\ngpt-4o,12,3,${cost}`)
  expect(JSON.parse(await sql('--format', 'json', select))).toStrictEqual([
    { GenAiModel: 'gpt-4o', calls: '12', errors: '3', cost_pico_usd: cost },
  ])
  expect((await sql(select)).split('\n')[0]).toMatch(/^GenAiModel {2}calls {2}errors {2}cost_pico_usd$/)
  expect(await sql('--format', 'csv', "SELECT SpanAttributes['text'] AS t, hr FROM errors LIMIT 1")).toBe(
    't,hr\n"a,""b""",3',
  )
  expect(
    await sql(
      '--format',
      'csv',
      '--from',
      '2026-02-05T01:00:00Z',
      '--to',
      '2026-02-05T02:00:00Z',
      'SELECT DISTINCT hr FROM llm_calls',
    ),
  ).toBe('hr\n1')
})

test('sql says what is wrong, and reads nothing but the lake', async () => {
  await expect(sql('SELECT nonsense FROM spans')).rejects.toMatchObject({ code: 'query/invalid' })
  await expect(sql("SELECT * FROM read_text('/etc/hostname')")).rejects.toThrow(/disabled/)
  await expect(sql('--from', 'yesterday', 'SELECT 1')).rejects.toThrow(/no time/)
  await expect(sql('--lake', join(root, 'none'), 'SELECT 1')).rejects.toMatchObject({
    code: 'lake/not-found',
  })
})

test('of several statements all but the first were dropped without a word', async () => {
  await expect(sql('SELECT 1 AS a; SELECT 2 AS b')).rejects.toThrow('query: give one statement, not 2')
  expect(await sql('--format', 'csv', 'SELECT 1 AS a; -- SELECT 2')).toBe('a\n1')
  await expect(sql('SELECT FROM WHERE')).rejects.toThrow(/^query: Parser Error/)
})

test('what a span said moved the cursor of whoever looked at the table', async () => {
  const table = await sql("SELECT 'a' || chr(27) || '[2J' || chr(155) || chr(10) AS t, 1 AS n")
  expect(table.split('\n').at(-1)).toBe('a\\u001b[2J\\u009b\\n  1')
})

test('an answer of many rows overflowed the stack when its columns were measured', async () => {
  const lines = (await sql('SELECT * FROM range(150_000)')).split('\n')
  expect([lines.length, lines[0], lines.at(-1)]).toStrictEqual([150_002, 'range', '149999'])
})

test('rebuild fills an empty warehouse with the same rows and sums, however often', async () => {
  expect(await rebuild(config)).toMatchObject({ stored: 12, duplicates: 0 })
  expect(await rebuild(config)).toMatchObject({ stored: 0, duplicates: 0 })
  const rebuilt = await openDuckDbStore({ path: join(root, 'warehouse.duckdb') })
  const original = await openDuckDbStore({ path: join(root, 'original.duckdb') })
  await original.write(batches)
  const usage = { filter: { project: 'default' }, groupBy: ['model'], maxRows: 10 } as const
  expect(await rebuilt.usage(usage)).toStrictEqual(await original.usage(usage))
  for (const trace of [1, 2, 3]) {
    const stored = await original.getTrace('default', hexId(trace, 32), { limit: 100 })
    expect(stored.spans).toHaveLength(4)
    expect(await rebuilt.getTrace('default', hexId(trace, 32), { limit: 100 })).toStrictEqual(stored)
  }
  await rebuilt.close()
  await original.close()
})

test('a rebuild beside a server that runs was told only that the store cannot be opened', async () => {
  const lock = lockDataDirectory(root)
  await expect(rebuild(config)).rejects.toThrow(/is in use by another process; stop it/)
  lock.release()
  expect(await rebuild(config)).toMatchObject({ stored: 0 })
})

test('what a killed sql or rebuild left behind is removed by the next', async () => {
  const temporary = await mkdtemp(join(root, 'tmp-'))
  vi.stubEnv('TMPDIR', temporary)
  const { pid: dead } = spawnSync(process.execPath, ['-e', '0'])
  for (const command of ['sql', 'rebuild'])
    await mkdir(join(temporary, `spanledger-${command}-${hostname()}-${dead}-abc`))
  try {
    await sql('SELECT 1')
    expect(await readdir(temporary)).toStrictEqual([`spanledger-rebuild-${hostname()}-${dead}-abc`])
    await rebuild(config)
    expect(await readdir(temporary)).toStrictEqual([])
  } finally {
    vi.unstubAllEnvs()
  }
})

test('a compaction that left an hour as it is ended as if all had been done', async () => {
  const data = join(root, 'broken')
  const name = 'traces/dt=2026-02-06/hr=00/spans_0001.parquet'
  await openDirectoryStore(join(data, 'lake')).putIfAbsent(name, Buffer.from('no parquet'))
  const env = { ...process.env, SPANLEDGER_DATA: data }
  const { status, stdout, stderr } = spawnSync(process.execPath, ['scripts/compact.ts'], { encoding: 'utf8', env })
  expect([status, stdout]).toStrictEqual([1, 'merged 0, shown 0, cleaned 0 partitions\n'])
  expect(stderr).toMatch(/^traces\/dt=2026-02-06\/hr=00\/: lake: \S+spans_0001\.parquet: .+\n$/)
})

test('compact merges, and deletes what has expired, which a dry run only names', async () => {
  let clock = Date.now()
  const compact = async (...args: string[]) =>
    (await runCompact(args, { store, config: readConfig({}), now: () => clock })).text
  const names = async () => (await Array.fromAsync(store.list('traces/'))).map(({ name }) => name)
  const before = await names()
  clock = Number((DAY + 10n * 24n * HOUR) / 1_000_000n)
  expect(await compact('--dry-run', '--project', 'default=0.1', '--days', '0')).toContain(
    'expire traces/dt=2026-02-05/hr=00/ default',
  )
  expect(await compact('--dry-run', '--project', 'default=0', '--days', '1')).toBe('nothing has expired')
  const config = readConfig({ SPANLEDGER_LAKE_RETENTION: '0,default=0.05' })
  expect((await runCompact(['--dry-run'], { store, config, now: () => clock })).text).toContain('hr=01/ default')
  expect(await names()).toStrictEqual(before)
  clock = Date.now() + 1000
  expect(await compact('--grace', '0')).toMatch(/merged 4/)
  expect(await names()).toHaveLength(4)
  expect(await sql('--format', 'csv', 'SELECT count(*) AS n FROM spans')).toBe('n\n12')
  await expect(compact('--days', 'x')).rejects.toThrow(/no number/)
})
