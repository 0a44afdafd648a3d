import { expect, test } from 'vitest'
import { createCompactor } from '../../shared/lake/compactor.ts'
import { createLakeCounter } from '../../shared/lake/counts.ts'
import { createParquetFormat } from '../../shared/lake/parquet-format.ts'
import type { RetentionPolicy } from '../../shared/lake/retention.ts'
import { DAY, HOUR, hexId, testBatch, testSpan } from '../../shared/lake/test-spans.ts'
import { createMemoryStore } from '../../shared/lake/test-store.ts'
import { createLakeWriter } from '../../shared/lake/writer.ts'
import { createLog } from '../../shared/log.ts'
import { createLakeSchedule } from './schedule.ts'

const HOUR_MILLIS = 3_600_000
const log = createLog('lake', 'silent')
const format = createParquetFormat({ memory: 128 * 1024 * 1024 })
const subscriber = { handle: async () => [], close: async () => {} }
const bus = { publish: async () => {}, close: async () => {} }
const source = { drain: async () => ({ messages: 0, acknowledged: 0, returned: 0, dead: 0 }) }

/** A lake on 2026-02-05, and its schedule. */
function openSchedule(policy: RetentionPolicy = { projects: {} }) {
  let clock = Number(DAY / 1_000_000n)
  const now = () => clock
  const store = createMemoryStore(now)
  const compactor = createCompactor({ store, format, log, now })
  const retention = { store, format, policy }
  const app = createLakeSchedule({
    source: source as never,
    subscriber: subscriber as never,
    bus: bus as never,
    compactor,
    retention,
    maxBytes: 1,
    log,
    now,
  })
  /** Sets the clock to `hours` after the start and compacts; what that took. */
  const compactAt = async (hours: number, query = '') => {
    clock = Number(DAY / 1_000_000n) + hours * HOUR_MILLIS
    const before = { ...store.operations }
    const response = await app.request(`/compact${query}`, { method: 'POST' })
    const { put, read, list } = store.operations
    const took = { put: put - before.put, read: read - before.read, list: list - before.list }
    return { status: response.status, report: await response.json(), took }
  }
  const write = async (digest: string, start: bigint, project?: string) => {
    const span = testSpan({ spanId: hexId(Number(start / HOUR) % 100_000, 16), startTimeUnixNano: start })
    const { context, spans } = testBatch(digest, [span], project)
    const received = { context: { ...context, ingestedAt: start }, spans }
    expect(await createLakeWriter({ store, format, log, now }).write([received])).toStrictEqual([undefined])
  }
  return { store, compactAt, write, counts: createLakeCounter({ store, format }) }
}

test('a pass with nothing to do lists two pages, however much there is from other days', async () => {
  const { compactAt, write, took } = { ...openSchedule(), took: { put: 0, read: 0, list: 2 } }
  expect(await compactAt(12)).toMatchObject({ status: 200, took })
  for (let day = 3n; day < 8n; day++) await write(`old ${day}`, DAY - day * 24n * HOUR)
  expect(await compactAt(12)).toMatchObject({ took, report: { merged: 0 } })
  expect(await compactAt(12, '?all')).toMatchObject({ report: { merged: 5 } })
})

test('an hour is compacted by three passes, which put three objects and list two pages more than idle ones', async () => {
  const { compactAt, write } = openSchedule()
  for (let run = 0; run < 12; run++) await write(`message ${run}`, DAY + 10n * HOUR + BigInt(run))
  expect(await compactAt(11.4)).toMatchObject({ report: { merged: 1 }, took: { put: 2, list: 4 } })
  expect(await compactAt(12.4)).toMatchObject({ report: { published: 1 }, took: { put: 1, list: 2 } })
  expect(await compactAt(13.4)).toMatchObject({ report: { cleaned: 1 }, took: { put: 0, list: 2 } })
  expect(await compactAt(14.4)).toMatchObject({ took: { put: 0, read: 0, list: 2 } })
})

test('what was staged days ago is published, although only the last days are looked at', async () => {
  const { store, compactAt, write } = openSchedule()
  await write('a', DAY + HOUR)
  expect(await compactAt(3)).toMatchObject({ report: { merged: 1 } })
  expect(await compactAt(100)).toMatchObject({ report: { published: 1 } })
  expect([...store.objects.keys()].filter((name) => name.startsWith('traces/'))).toStrictEqual([
    'traces/dt=2026-02-05/hr=01/spans_0001-0001_v1_1of1.parquet',
  ])
})

test('in the hour after three what has expired goes, and late files of old hours are compacted', async () => {
  const { compactAt, write, counts } = openSchedule({ projects: { trial: 2 } })
  await write('a', DAY + HOUR, 'trial')
  await write('b', DAY + HOUR, 'default')
  await write('c', DAY + 4n * 24n * HOUR)
  expect(await compactAt(4 * 24 + 2)).toMatchObject({ report: { expired: 0, merged: 1 } })
  expect(await compactAt(4 * 24 + 3.4)).toMatchObject({ report: { expired: 1, failed: {} } })
  expect(await compactAt(4 * 24 + 4.4)).toMatchObject({ report: { published: 1 } })
  expect(await counts('trial')).toMatchObject({ stored: 0n, expired: 1n })
  expect(await counts('default')).toMatchObject({ stored: 2n, expired: 0n })
})

test('an hour that cannot be compacted is named in the answer, which says that the run failed; the others are done', async () => {
  const { store, compactAt, write } = openSchedule({ days: 400, projects: {} })
  await write('a', DAY + HOUR)
  await write('b', DAY + 2n * HOUR)
  await store.putIfAbsent('traces/dt=2026-02-05/hr=01/spans_0002.parquet', Buffer.from('no parquet'))
  const { status, report } = await compactAt(3.5)
  // It was 200, and nobody was told.
  expect(status).toBe(503)
  expect(report).toMatchObject({
    merged: 1,
    failed: { 'traces/dt=2026-02-05/hr=01/': expect.stringContaining('spans_0002.parquet') },
  })
})
