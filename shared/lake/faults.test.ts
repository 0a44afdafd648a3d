import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, describe, expect, test } from 'vitest'
import { SpanledgerError } from '../errors.ts'
import { createLog, type Log } from '../log.ts'
import type { SpanBatch } from '../warehouse/trace-store.ts'
import { createCompactor } from './compactor.ts'
import { createLakeCounter } from './counts.ts'
import { openDirectoryStore } from './directory-store.ts'
import { readLakeBatches } from './lake-batches.ts'
import { queryLake } from './lake-sql.ts'
import type { ObjectStore } from './object-store.ts'
import { createParquetFormat } from './parquet-format.ts'
import { openDirectoryLake } from './readable-lake.ts'
import { planRetention } from './retention.ts'
import { DAY, HOUR, hexId, testBatch, testSpan } from './test-spans.ts'
import { createMemoryStore } from './test-store.ts'
import { createLakeWriter } from './writer.ts'

const silent = createLog('lake', 'silent')
const format = createParquetFormat({ memory: 128 * 1024 * 1024 })
const HOUR_0 = 'traces/dt=2026-02-05/hr=00/'
const MINUTE = 60_000
const roots: string[] = []
const newRoot = async () => {
  const root = await mkdtemp(join(tmpdir(), 'lake-'))
  roots.push(root)
  return root
}
afterAll(async () => {
  for (const root of roots) await rm(root, { recursive: true })
})

const messages: SpanBatch[] = [0, 1, 2].map((message) =>
  testBatch(
    `message ${message}`,
    [0, 1].map((hour) =>
      testSpan({ spanId: hexId(message * 2 + hour + 1, 16), startTimeUnixNano: DAY + BigInt(hour) * HOUR }),
    ),
  ),
)

test('a disk that is full from any write on: the file is named, what was acknowledged is there, and the rest follows', async () => {
  for (let room = 0, filled = true; filled; room++) {
    filled = false
    let clock = Number(DAY / 1_000_000n) + 5 * 60 * MINUTE
    const now = () => clock
    const memory = createMemoryStore(now)
    let left = room
    const store: ObjectStore = {
      ...memory,
      async putIfAbsent(name, data) {
        if (left-- > 0) return memory.putIfAbsent(name, data)
        filled = true
        throw new SpanledgerError('lake/unavailable', `cannot write ${name}: the disk is full`)
      },
    }
    const stored = async () => Number((await createLakeCounter({ store, format })('default')).stored)
    const failures = await createLakeWriter({ store, format, log: silent, now }).write(messages)
    const written = [0, 1].filter((hour) => memory.objects.has(`traces/dt=2026-02-05/hr=0${hour}/spans_0001.parquet`))
    expect(failures).toStrictEqual(
      messages.map(() => (written.length === 2 ? undefined : expect.objectContaining({ code: 'lake/unavailable' }))),
    )
    if (written.length < 2) expect(String(failures[0])).toContain('/spans_0001.parquet: the disk is full')
    expect(await stored()).toBe(written.length * messages.length)

    const compact = async () => {
      const { failed } = await createCompactor({ store, format, log: silent, now }).run()
      clock += 20 * MINUTE
      return failed
    }
    for (let pass = 0; pass < 3; pass++) {
      for (const reason of Object.values(await compact())) expect(reason).toMatch(/cannot write \S+: the disk is full/)
      expect(await stored()).toBe(written.length * messages.length)
    }
    left = Number.POSITIVE_INFINITY
    expect(await createLakeWriter({ store, format, log: silent, now }).write(messages)).toStrictEqual(
      messages.map(() => undefined),
    )
    for (let pass = 0; pass < 4; pass++) {
      expect(await compact()).toStrictEqual({})
      clock += 7 * 60 * MINUTE
    }
    expect(await stored()).toBe(6)
    expect([...memory.objects.keys()].filter((name) => name.startsWith('traces/'))).toHaveLength(2)
  }
})

/** What the child processes have in common. */
const PRELUDE = `
const at = (path) => import(new URL(path, '${import.meta.url}'))
const [{ createCompactor }, { openDirectoryStore }, { queryLake }, { createParquetFormat }, { openDirectoryLake }] =
  await Promise.all(['./compactor.ts', './directory-store.ts', './lake-sql.ts', './parquet-format.ts', './readable-lake.ts'].map(at))
const [{ createLakeWriter }, { testSpan, testBatch, hexId, DAY, HOUR }, { createLog }] =
  await Promise.all(['./writer.ts', './test-spans.ts', '../log.ts'].map(at))
await import('@duckdb/node-api')
const { randomBytes } = await import('node:crypto')
const { execFileSync } = await import('node:child_process')
const { chmodSync, chownSync, mkdirSync, writeFileSync } = await import('node:fs')
const [root] = process.argv.slice(1)
const log = createLog('lake', 'silent')
const format = createParquetFormat({ scratch: root })
const store = openDirectoryStore(root + '/lake')
const write = async (...batches) => (await createLakeWriter({ store, format, log }).write(batches)).map((failure) => failure?.message ?? 'ok')
let clock = Date.now()
const compact = async () => {
  const report = await createCompactor({ store, format, log, now: () => clock }).run()
  clock += 20 * ${MINUTE}
  return Object.values(report.failed)
}
const count = async () => (await queryLake('SELECT count(*)::INT, count(DISTINCT SpanId)::INT FROM spans', { lake: openDirectoryLake(root + '/lake') })).rows[0]
let ids = 0
const message = (digest, hour, prompt = '') =>
  testBatch(digest, [testSpan({ spanId: hexId(++ids, 16), startTimeUnixNano: DAY + BigInt(hour) * HOUR, attributes: { prompt } })])
`

async function runChild(script: string, root: string, shell = 'exec "$0" --input-type=module -e "$1" "$2"') {
  const { stdout } = await promisify(execFile)('bash', ['-c', shell, process.execPath, PRELUDE + script, root])
  return JSON.parse(stdout)
}

test.runIf(process.platform === 'linux')(
  'a file system that takes no more bytes: nothing acknowledged is lost',
  async () => {
    const root = await newRoot()
    // Files may have 200 KiB: beyond, writes fail as they do on a full disk.
    const report = await runChild(
      `
    const prompt = () => randomBytes(60_000).toString('hex')
    const large = message('large', 0, prompt() + prompt() + prompt() + prompt() + prompt())
    const first = await write(message('a', 0, prompt()), message('b', 1))
    const failed = await write(large, message('c', 1))
    const more = [await write(message('d', 0, prompt())), await write(message('e', 0, prompt())), await write(message('f', 0, prompt()))].flat()
    const compacted = await compact()
    const between = await count()
    execFileSync('prlimit', ['--pid', String(process.pid), '--fsize=unlimited:'])
    const again = await write(large)
    const rest = [await compact(), await compact(), await compact()].flat()
    console.log(JSON.stringify({ first, failed, more, compacted, between, again, rest, after: await count() }))`,
      root,
      'ulimit -S -f 200; exec "$0" --input-type=module -e "$1" "$2"',
    )
    expect(report).toMatchObject({
      first: ['ok', 'ok'],
      failed: [expect.stringMatching(/cannot write .*hr=00\/spans_0002\.parquet: .*\(EFBIG\)/), 'ok'],
      more: ['ok', 'ok', 'ok'],
      compacted: [expect.stringMatching(/cannot write|merging failed/)],
      between: [6, 6],
      again: ['ok'],
      rest: [],
      after: [7, 7],
    })
  },
)

test('a directory and a file that are not this user’s: both are named, and all else goes on', async () => {
  const report = await runChild(
    `
    const first = await write(message('a', 0), message('b', 1), message('c', 2))
    if (process.getuid() === 0) {
      for (const path of execFileSync('find', [root]).toString().trim().split('\\n')) chownSync(path, 65534, 65534)
      chownSync(root + '/lake/traces/dt=2026-02-05/hr=01', 0, 0)
      chownSync(root + '/lake/traces/dt=2026-02-05/hr=02/spans_0001.parquet', 0, 0)
    }
    chmodSync(root + '/lake/traces/dt=2026-02-05/hr=01', 0o555)
    chmodSync(root + '/lake/traces/dt=2026-02-05/hr=02/spans_0001.parquet', 0)
    if (process.getuid() === 0) process.setuid(65534)
    const failed = await write(message('d', 0), message('e', 1), message('f', 2))
    const compacted = await compact()
    const { rows, unreadable } = await queryLake('SELECT count(*)::INT FROM spans', { lake: openDirectoryLake(root + '/lake') })
    console.log(JSON.stringify({ first, failed, compacted, rows, unreadable: [...unreadable.keys()] }))`,
    await newRoot(),
  )
  expect(report).toMatchObject({
    first: ['ok', 'ok', 'ok'],
    failed: [
      'ok',
      expect.stringMatching(/hr=01\/spans_0002\.parquet: permission denied/),
      expect.stringMatching(/hr=02\/spans_0001\.parquet: permission denied/),
    ],
    compacted: [expect.stringMatching(/hr=02\/spans_0001\.parquet: permission denied/)],
    rows: [[3]],
    unreadable: [expect.stringMatching(/hr=02\/spans_0001\.parquet$/)],
  })
})

const DAMAGES: readonly (readonly [string, (data: Buffer) => Buffer])[] = [
  ['empty', () => Buffer.alloc(0)],
  ['cut short', (data) => data.subarray(0, data.length - 100)],
  ['of zeros', (data) => Buffer.alloc(data.length)],
  [
    'of another format',
    (data) => Buffer.concat([Buffer.from('PK\x03\x04'), data.subarray(4, -4), Buffer.from('PK\x05\x06')]),
  ],
  [
    'with garbage for pages',
    (data) => Buffer.concat([data.subarray(0, 4), Buffer.alloc(1500, 7), data.subarray(1504)]),
  ],
  [
    'with a flipped footer',
    (data) =>
      Buffer.from(data.map((byte, at) => (at > data.length - 900 && at < data.length - 8 ? byte ^ 0x55 : byte))),
  ],
]

describe.each(DAMAGES)('a file that is %s', (_, damage) => {
  async function openDamaged() {
    const root = await newRoot()
    const store = openDirectoryStore(root)
    const write = (batches: readonly SpanBatch[], log: Log = silent) =>
      createLakeWriter({ store, format, log }).write(batches)
    await write(messages.slice(0, 1))
    await write(messages.slice(1, 2))
    const name = `${HOUR_0}spans_0001.parquet`
    const path = join(root, name)
    const data = damage(await readFile(path))
    await writeFile(path, data)
    return { root, store, write, name, path, data }
  }

  test('stops no writer, who names it where its footer is gone', async () => {
    const { store, write, name } = await openDamaged()
    const said: unknown[] = []
    const log: Log = { debug() {}, info() {}, warn() {}, error: (fields: unknown) => void said.push(fields) }
    expect(await write(messages.slice(1), log)).toStrictEqual([undefined, undefined])
    const hasFooter = await format.readFacts(store, { name, size: (await store.read(name)).length }).then(
      () => true,
      () => false,
    )
    expect(said).toStrictEqual(hasFooter ? [] : [{ err: expect.anything(), file: name }])
    expect((await createLakeCounter({ store, format })('default')).stored).toBe(hasFooter ? 6n : 5n)
  })

  test('is named by the compactor and by retention, stays where it is, and stops no other hour', async () => {
    const { store, name, path, data } = await openDamaged()
    const now = Date.now()
    const report = await createCompactor({ store, format, log: silent, now: () => now }).run()
    expect(report.failed).toStrictEqual({ [HOUR_0]: expect.stringContaining(name) })
    expect(report.merged).toStrictEqual(['traces/dt=2026-02-05/hr=01/'])
    expect(Buffer.compare(await readFile(path), data)).toBe(0)
    const { steps, failed } = await planRetention({ store, format, policy: { days: 0, projects: {} }, now })
    expect([...steps.map(({ prefix }) => prefix), ...Object.keys(failed)]).toContain(HOUR_0)
  })

  test('is left out and named by our reader, and by what rebuilds a warehouse', async () => {
    const { root, name, path } = await openDamaged()
    const { rows, unreadable } = await queryLake('SELECT count(*)::INT, max(TraceId), max(SpanName) FROM spans', {
      lake: openDirectoryLake(root),
    })
    expect([...unreadable.keys()]).toStrictEqual([name])
    expect(rows[0]?.[0]).toBe(3)
    const legible = join(root, HOUR_0, 'spans_0002.parquet')
    await expect(Array.fromAsync(readLakeBatches([path, legible], { scratch: root }))).rejects.toThrow()
  })
})

test('a compacted file that was damaged before it is shown takes nobody’s place: its hour is merged again', async () => {
  const root = await newRoot()
  const store = openDirectoryStore(root)
  await createLakeWriter({ store, format, log: silent }).write(messages)
  let clock = Date.now()
  const compact = async () => {
    const report = await createCompactor({ store, format, log: silent, now: () => clock }).run()
    clock += 20 * MINUTE
    return report
  }
  await compact()
  const staged = `compacting/${HOUR_0}spans_0001-0001_v1_1of1.parquet`
  const path = join(root, staged)
  await writeFile(path, (await readFile(path)).subarray(0, 1000))
  const count = async () =>
    queryLake('SELECT count(*)::INT, max(SpanName), max(TraceId) FROM spans', { lake: openDirectoryLake(root) })
  expect(await count()).toMatchObject({
    rows: [[6, 'chat', hexId(1, 32)]],
    unreadable: new Map([[staged, expect.anything()]]),
  })
  expect((await compact()).failed).toStrictEqual({ [HOUR_0]: expect.stringContaining(staged) })
  for (let pass = 0; pass < 3; pass++) expect((await compact()).failed).toStrictEqual({})
  expect((await count()).rows[0]?.[0]).toBe(6)
  expect((await Array.fromAsync(store.list('traces/'))).map(({ name }) => name)).toContain(
    `${HOUR_0}spans_0001-0001_v2_1of1.parquet`,
  )
})
