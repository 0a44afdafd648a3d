import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { afterAll, expect, test } from 'vitest'
import { createLog } from '../log.ts'
import { openDuckDbStore } from '../warehouse/duckdb-store.ts'
import { createCompactor } from './compactor.ts'
import { openDirectoryStore } from './directory-store.ts'
import { queryLake } from './lake-sql.ts'
import { createParquetFormat } from './parquet-format.ts'
import { openDirectoryLake } from './readable-lake.ts'
import { HOUR, hexId, testSpan } from './test-spans.ts'
import { createLakeWriter } from './writer.ts'

const root = await mkdtemp(join(tmpdir(), 'lake-'))
afterAll(() => rm(root, { recursive: true }))

/** Both as they are published, but for the path. */
const ERRORS_TODAY = `
SELECT
    SpanName,
    ServiceName,
    Duration / 1e6 as duration_ms,
    StatusMessage
FROM read_parquet('${root}/lake/traces/**/*.parquet', hive_partitioning=true)
WHERE dt = strftime(today(), '%Y-%m-%d')
  AND StatusCode = 'ERROR';`
const TOKENS = `
SELECT
    dt,
    hr,
    sum(cast(SpanAttributes['gen_ai.usage.input_tokens'] as int)) as total_input,
    sum(cast(SpanAttributes['gen_ai.usage.output_tokens'] as int)) as total_output
FROM read_parquet('${root}/lake/traces/**/*.parquet', hive_partitioning=true)
WHERE dt >= '2026-02-01'
GROUP BY 1, 2
ORDER BY 1 DESC, 2 DESC;`

test('the published queries run verbatim and answer what the warehouse answers', async () => {
  const instance = await DuckDBInstance.create(':memory:')
  const duckdb = await instance.connect()
  const rows = async (sql: string) => (await duckdb.runAndReadAll(sql)).getRowsJson()
  await duckdb.run("SET TimeZone = 'UTC'")
  const [[midnight]] = (await rows('SELECT epoch_ns(today()::TIMESTAMP)::VARCHAR')) as [[string]]

  const store = openDirectoryStore(join(root, 'lake'))
  const format = createParquetFormat()
  const log = createLog('lake', 'silent')
  const writer = createLakeWriter({ store, format, log })
  const path = join(root, 'warehouse.duckdb')
  const warehouse = await openDuckDbStore({ path })
  let id = 0
  const start = BigInt(midnight)
  const spans = Array.from({ length: 24 * 10 }, (_, index) => {
    id++
    const tokens = index % 5 === 0 ? null : { input: (id * 37) % 4000, output: (id * 11) % 900 }
    const hostile = index % 7 === 0
    return testSpan({
      traceId: hexId(id >> 2, 32),
      spanId: hexId(id, 16),
      name: `span ${index % 3}`,
      startTimeUnixNano: start + BigInt(index % 24) * HOUR + BigInt(id),
      statusCode: index % 11 === 0 ? 'ERROR' : 'OK',
      statusMessage: index % 11 === 0 ? `failed ${id}` : '',
      attributes: {
        'user.id': `user-${index % 4}`,
        ...(tokens && { 'gen_ai.usage.input_tokens': BigInt(tokens.input) }),
        // What an emitter may send as well, and what would fail the whole query as a number.
        ...(tokens && { 'gen_ai.usage.output_tokens': hostile ? String(tokens.output) : BigInt(tokens.output) }),
        ...(!tokens && { 'gen_ai.usage.input_tokens': ['abc', 12.5, 2n ** 31n, null, ' 7', ''][index % 6] ?? null }),
      },
      ledger: { inputTokens: tokens?.input ?? null, outputTokens: tokens?.output ?? null },
    })
  })
  for (let from = 0; from < spans.length; from += 60) {
    const context = { project: 'default', digest: `from ${from}`, ingestedAt: start + 24n * HOUR }
    const batch = { context, spans: spans.slice(from, from + 60) }
    expect(await writer.write([batch])).toStrictEqual([undefined])
    await warehouse.write([batch])
  }
  await warehouse.close()
  await duckdb.run(`ATTACH '${path}' AS warehouse (READ_ONLY)`)
  const errors = await rows(
    `SELECT name, service_name, duration_ns / 1e6, status_message FROM warehouse.spans
     WHERE start_time::DATE = today() AND status = 'ERROR' ORDER BY ALL`,
  )
  const tokens = await rows(
    `SELECT start_time::DATE::VARCHAR, hour(start_time), sum(gen_ai_input_tokens)::VARCHAR, sum(gen_ai_output_tokens)::VARCHAR
     FROM warehouse.spans GROUP BY 1, 2 ORDER BY 1 DESC, 2 DESC`,
  )
  expect(errors.length).toBeGreaterThan(10)
  expect(tokens).toHaveLength(24)

  const check = async () => {
    expect((await rows(ERRORS_TODAY)).map((row) => row.map(String)).sort()).toStrictEqual(
      errors.map((row) => row.map(String)).sort(),
    )
    const answers = await rows(TOKENS)
    expect(answers.map(([dt, hr, ...sums]) => [dt, Number(hr), ...sums].map(String))).toStrictEqual(
      tokens.map((row) => row.map(String)),
    )
    const ours = await queryLake(
      'SELECT dt, hr, sum(InputTokens), sum(OutputTokens) FROM spans_unique GROUP BY ALL ORDER BY 1 DESC, 2 DESC',
      { lake: openDirectoryLake(join(root, 'lake')) },
    )
    expect(ours.rows.map((row) => row.map(String))).toStrictEqual(tokens.map((row) => row.map(String)))
  }
  await check()

  let clock = Date.now() + 48 * 3_600_000
  const compactor = createCompactor({ store, format, log, now: () => clock })
  await compactor.run()
  await check()
  clock += 3_600_000
  await compactor.run()
  await check()
  expect((await Array.fromAsync(store.list('traces/'))).length).toBe(24)
  duckdb.closeSync()
  instance.closeSync()
})

test('a time range reads the partitions it touches', async () => {
  const from = Date.parse('2026-02-05T09:30:00Z')
  const to = Date.parse('2026-02-05T11:00:00Z')
  const lake = join(root, 'ranges')
  const writer = createLakeWriter({ store: openDirectoryStore(lake), format: createParquetFormat() })
  const spans = [8n, 9n, 10n, 11n].map((hour) =>
    testSpan({ spanId: hexId(Number(hour), 16), startTimeUnixNano: 1_770_249_600_000_000_000n + hour * HOUR }),
  )
  await writer.write([{ context: { project: 'p', digest: 'd', ingestedAt: 1_770_249_600_000_000_000n }, spans }])
  const result = await queryLake('SELECT hr FROM spans ORDER BY 1', { lake: openDirectoryLake(lake), from, to })
  expect(result.rows).toStrictEqual([[9], [10]])
})
