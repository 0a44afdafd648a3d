import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type DuckDBConnection, DuckDBInstance, type DuckDBTimestampNanosecondsValue } from '@duckdb/node-api'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { END_TIME_SQL } from './end-time-sql.ts'
import { createParquetFormat } from './parquet-format.ts'
import type { SpanRow } from './span-columns.ts'
import { DAY, hexId, testSpan } from './test-spans.ts'

const format = createParquetFormat()
const directory = mkdtempSync(join(tmpdir(), 'lake-end-'))
let duckdb: DuckDBConnection
let written = 0
beforeAll(async () => {
  duckdb = await (await DuckDBInstance.create(':memory:')).connect()
})
afterAll(() => rmSync(directory, { recursive: true }))

function write(times: readonly (readonly [bigint, bigint])[]): string {
  const rows = times.map(
    ([startTimeUnixNano, endTimeUnixNano], index): SpanRow => ({
      priced: testSpan({ spanId: hexId(index, 16), startTimeUnixNano, endTimeUnixNano }),
      context: { project: 'default', digest: 'd', ingestedAt: DAY },
    }),
  )
  const path = join(directory, `${written++}.parquet`)
  writeFileSync(path, format.encode(rows, { digests: [], projects: {} }))
  return path
}

async function column(select: string): Promise<unknown[]> {
  const rows = (await duckdb.runAndReadAll(select)).getRows()
  return rows.map(([value]) => (value as DuckDBTimestampNanosecondsValue | null)?.nanos ?? null)
}

test('the end of every span is there, also of one that ends before it starts', async () => {
  const time = fc.oneof(
    fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }),
    fc.constantFrom(0n, 1n, DAY, DAY + 1n, 2n ** 63n - 1n),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(time, time), { minLength: 1, maxLength: 20 }), async (times) => {
      const ends = await column(`SELECT ${END_TIME_SQL} FROM read_parquet('${write(times)}')`)
      expect(ends).toStrictEqual(times.map(([, end]) => end))
    }),
    { numRuns: 40 },
  )
})

test('a file says when a span ended only where its duration does not', async () => {
  const path = write([
    [DAY, DAY + 5n],
    [DAY, DAY],
    [DAY, DAY - 1n],
  ])
  expect(await column(`SELECT EndTimestamp FROM read_parquet('${path}')`)).toStrictEqual([null, null, DAY - 1n])
})

test('files that have every end are read together with those that do not', async () => {
  const path = write([[DAY, DAY + 5n]])
  const full = join(directory, 'full.parquet')
  await duckdb.run(
    `COPY (SELECT * REPLACE (make_timestamp_ns(${DAY + 7n}) AS EndTimestamp, 7 AS Duration) FROM read_parquet('${path}'))
     TO '${full}' (FORMAT parquet)`,
  )
  const ends = await column(`SELECT ${END_TIME_SQL} FROM read_parquet(['${full}', '${path}']) ORDER BY Duration`)
  expect(ends).toStrictEqual([DAY + 5n, DAY + 7n])
})
