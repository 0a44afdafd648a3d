import { execFile } from 'node:child_process'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { DuckDBInstance } from '@duckdb/node-api'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { PricedSpan } from '../spans/ledger.ts'
import { type DuckDbStoreOptions, openDuckDbStore } from './duckdb-store.ts'
import { pricedSpan } from './trace-store.arbitraries.ts'
import type { SpanBatch } from './trace-store.ts'

let directory: string
let path: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "spanledger's-"))
  path = join(directory, 'warehouse.duckdb')
})
afterEach(() => rm(directory, { recursive: true }))

const samples = fc.sample(pricedSpan, { numRuns: 8, seed: 7 })

/** `count` spans with ids of their own. */
function spans(count: number, traceId = 'a'.repeat(32)): PricedSpan[] {
  return Array.from({ length: count }, (_, index) => {
    const { span, ledger } = samples[index % samples.length] as PricedSpan
    return { ledger, span: { ...span, traceId, spanId: (index + 1).toString(16).padStart(16, '0') } }
  })
}

function batch(digest: string, list: readonly PricedSpan[]): SpanBatch {
  return { context: { project: 'p', digest, ingestedAt: 1n }, spans: list }
}

test('what a write acknowledged is there when the file is opened again, and known as stored', async () => {
  const list = spans(5000)
  const first = await openDuckDbStore({ path, checkpointBytes: 1 })
  await first.write([batch('a', list.slice(0, 2000)), batch('b', list.slice(2000))])
  await first.close()
  const second = await openDuckDbStore({ path })
  expect(await second.write([batch('a', list.slice(0, 2000)), batch('c', list)])).toStrictEqual([
    { stored: 0, duplicates: 0 },
    { stored: 0, duplicates: 5000 },
  ])
  const { spans: found } = await second.getTrace('p', 'a'.repeat(32), { limit: 10_000 })
  const bySpanId = (a: PricedSpan, b: PricedSpan) => (a.span.spanId < b.span.spanId ? -1 : 1)
  expect(found.map(({ span, ledger }) => ({ ledger, span })).sort(bySpanId)).toStrictEqual(list)
  await second.close()
})

test('checkpoints leave few rows in a row group that is not full', async () => {
  /** What the log grows by with each of some writes of 100 spans, and after which of them it is empty. */
  const checkpoints = async (count: number, options: Partial<DuckDbStoreOptions>) => {
    const file = join(directory, `${options.rowGroupRows}.duckdb`)
    const store = await openDuckDbStore({ path: file, checkpointIdleMs: 60_000, ...options })
    const sizes: number[] = []
    for (let write = 0; write < count; write++) {
      await store.write([batch(`${write}`, spans(100, write.toString(16).padStart(32, 'a')))])
      sizes.push((await stat(`${file}.wal`).catch(() => ({ size: 0 }))).size)
    }
    await store.close()
    const growth = sizes.slice(1).map((size, index) => size - (sizes[index] ?? 0))
    const each = growth.reduce((sum, bytes) => sum + bytes, 0) / growth.length
    return { each, after: sizes.flatMap((size, write) => (size === 0 ? [write] : [])) }
  }
  const { each, after } = await checkpoints(12, { rowGroupRows: 4096 })
  expect(after).toStrictEqual([])
  // With the 21st write a row group is full.
  expect((await checkpoints(24, { rowGroupRows: 2048, checkpointBytes: 15 * each })).after).toStrictEqual([20])
  const late = (await checkpoints(36, { rowGroupRows: 61_440, checkpointBytes: 15 * each })).after
  expect(late).toHaveLength(1)
  // Of twice 15 writes, give or take what they differ in.
  expect(late[0]).toBeGreaterThan(20)
})

test('a row that cannot be stored is refused with its whole write, and the next write succeeds', async () => {
  const store = await openDuckDbStore({ path })
  const [good, bad] = spans(2) as [PricedSpan, PricedSpan]
  const broken = { ...bad, span: { ...bad.span, name: 5 as unknown as string } }
  await expect(store.write([batch('a', [good]), batch('b', [broken])])).rejects.toMatchObject({
    code: 'store/rejected',
  })
  expect(await store.write([batch('a', [good])])).toStrictEqual([{ stored: 1, duplicates: 0 }])
  expect(await store.counts('p')).toStrictEqual({ stored: 1n, duplicates: 0n })
  await store.close()
})

test('another process is refused while the file is open, and may open it after', async () => {
  const store = await openDuckDbStore({ path })
  await store.write([batch('a', spans(3))])
  const script = `import { DuckDBInstance } from '@duckdb/node-api'
    const connection = await (await DuckDBInstance.create(process.argv[1])).connect()
    console.log(String((await connection.runAndReadAll('SELECT count(*) FROM spans_unique')).getRows()[0][0]))`
  const run = () => promisify(execFile)(process.execPath, ['--input-type=module', '-e', script, path])
  await expect(run()).rejects.toThrow(/lock/)
  await store.close()
  expect((await run()).stdout.trim()).toBe('3')
})

test('a file of an older schema gets the columns it lacks, at the end, and keeps its rows', async () => {
  const store = await openDuckDbStore({ path })
  await store.write([batch('a', spans(1))])
  await store.close()
  const instance = await DuckDBInstance.create(path)
  const connection = await instance.connect()
  await connection.run('DROP VIEW daily_costs')
  await connection.run('DROP VIEW model_costs')
  await connection.run('DROP VIEW spans_unique')
  await connection.run('ALTER TABLE spans DROP COLUMN trace_state')
  await connection.run('ALTER TABLE spans ADD COLUMN from_a_newer_version VARCHAR')
  connection.closeSync()
  instance.closeSync()
  const again = await openDuckDbStore({ path })
  const [, added] = spans(2) as [PricedSpan, PricedSpan]
  await again.write([batch('b', [{ ...added, span: { ...added.span, traceState: 'a=b' } }])])
  const found = await again.getTrace('p', 'a'.repeat(32), { limit: 10 })
  const states = found.spans.map(({ span }) => [span.spanId, span.traceState])
  expect(new Map(states as [string, string][])).toStrictEqual(
    new Map([
      ['0000000000000001', ''],
      ['0000000000000002', 'a=b'],
    ]),
  )
  await again.close()
})

test('a closed store, and one whose file cannot be opened, say that they are unavailable', async () => {
  const store = await openDuckDbStore({ path })
  await store.close()
  await store.close()
  await expect(store.write([])).rejects.toMatchObject({ code: 'store/unavailable' })
  await expect(store.counts('p')).rejects.toMatchObject({ code: 'store/unavailable' })
  await expect(openDuckDbStore({ path: directory })).rejects.toMatchObject({ code: 'store/unavailable' })
})
