import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { createLog } from '../log.ts'
import { createCompactor } from './compactor.ts'
import { createLakeCounter } from './counts.ts'
import { openDirectoryStore } from './directory-store.ts'
import { queryLake } from './lake-sql.ts'
import { createParquetFormat } from './parquet-format.ts'
import { openDirectoryLake } from './readable-lake.ts'
import { DAY, HOUR, hexId, testBatch, testSpan } from './test-spans.ts'
import { createLakeWriter } from './writer.ts'

const root = await mkdtemp(join(tmpdir(), 'lake-'))
afterAll(() => rm(root, { recursive: true }))
const store = openDirectoryStore(root)
const log = createLog('lake', 'silent')
const format = createParquetFormat()
const counts = () => createLakeCounter({ store, format })('default')
const lake = openDirectoryLake(root)
const span = (id: number, start: bigint) => testSpan({ spanId: hexId(id, 16), startTimeUnixNano: start })
const HOUR_MILLIS = 3_600_000
const OLD = DAY - 500n * 24n * HOUR

test('a span in quarantine can be looked at, and moved to its hour, where it is found, counted and compacted', async () => {
  const message = testBatch('a', [span(1, DAY), span(2, OLD)])
  await createLakeWriter({ store, format, log }).write([message])
  const openWide = () => createLakeWriter({ store, format, log, window: { pastDays: 1000, futureDays: 2 } })
  await openWide().write([testBatch('b', [span(3, OLD)])])
  expect(await counts()).toMatchObject({ stored: 2n, quarantined: 1n })
  const from = Number(DAY / 1_000_000n)
  const aside = await queryLake('SELECT SpanId, dt::VARCHAR FROM quarantine', { lake, from })
  expect(aside.rows).toStrictEqual([[hexId(2, 16), '2024-09-23']])
  expect((await queryLake('SELECT count(*)::INT FROM spans', { lake })).rows).toStrictEqual([[2]])

  // The number has to be free: the hour has a file of its own.
  const hour = 'traces/dt=2024-09-23/hr=00'
  await mkdir(dirname(join(root, hour)), { recursive: true })
  await rename(join(root, 'quarantine', hour, 'spans_0001.parquet'), join(root, hour, 'spans_1001.parquet'))
  expect(await counts()).toMatchObject({ stored: 3n, quarantined: 0n })
  // With a window that has room for it, a message that comes again is known.
  expect(await openWide().write([message])).toStrictEqual([undefined])
  expect(await counts()).toMatchObject({ stored: 3n, quarantined: 0n })

  let clock = Date.now()
  for (let pass = 0; pass < 3; pass++) {
    expect((await createCompactor({ store, format, log, now: () => clock }).run()).failed).toStrictEqual({})
    clock += HOUR_MILLIS
  }
  expect((await queryLake('SELECT SpanId FROM spans ORDER BY 1', { lake })).rows.flat()).toStrictEqual(
    [1, 2, 3].map((id) => hexId(id, 16)),
  )
  expect(await counts()).toMatchObject({ stored: 3n, duplicates: 0n, quarantined: 0n })
})
