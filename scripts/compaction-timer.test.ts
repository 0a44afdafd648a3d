import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { openDirectoryStore } from '../shared/lake/directory-store.ts'
import { createParquetFormat } from '../shared/lake/parquet-format.ts'
import { DAY, HOUR, hexId, testBatch, testSpan } from '../shared/lake/test-spans.ts'
import { createLakeWriter } from '../shared/lake/writer.ts'
import { startCompactionTimer } from './compaction-timer.ts'

const root = await mkdtemp(join(tmpdir(), 'lake-'))
afterAll(() => rm(root, { recursive: true }))

test('compacts the lake of the environment and deletes what has expired, again and again, until it is stopped', async () => {
  const store = openDirectoryStore(join(root, 'lake'))
  const newest = testSpan({ spanId: hexId(2, 16), startTimeUnixNano: DAY + 30n * HOUR })
  await createLakeWriter({ store, format: createParquetFormat() }).write([testBatch('a', [testSpan(), newest])])
  const said: unknown[] = []
  const ran = Promise.withResolvers<void>()
  const note = (fields: unknown) => {
    said.push(fields)
    if (said.length === 2) ran.resolve()
  }
  const log = { debug: note, info: note, warn: note, error: note }
  const env = { ...process.env, SPANLEDGER_DATA: root, SPANLEDGER_LAKE_RETENTION: '1' }
  const timer = startCompactionTimer({ log, everyMs: 10, env })
  await ran.promise
  await timer.stop()
  expect(said.slice(0, 2)).toStrictEqual([
    { said: 'expire traces/dt=2026-02-05/hr=00/ default\nmerged 1, shown 0, cleaned 0 partitions' },
    { said: 'merged 0, shown 0, cleaned 0 partitions' },
  ])
  expect((await Array.fromAsync(store.list('compacting/'))).length).toBe(2)
})
