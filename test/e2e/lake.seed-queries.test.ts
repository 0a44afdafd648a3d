import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { attribute, chatSpan, exportRequest, postTraces } from '../support/otlp.ts'
import { eventually, startServer, type TestServer } from '../support/server.ts'

// The two queries that the lake's layout was published with, to the letter.
const PUBLISHED_PATH = 's3://co-cli-traces/traces/**/*.parquet'
const ERRORS_TODAY = `SELECT
    SpanName,
    ServiceName,
    Duration / 1e6 as duration_ms,
    StatusMessage
FROM read_parquet('s3://co-cli-traces/traces/**/*.parquet', hive_partitioning=true)
WHERE dt = strftime(today(), '%Y-%m-%d')
  AND StatusCode = 'ERROR';`
const TOKEN_USAGE = `SELECT
    dt,
    hr,
    sum(cast(SpanAttributes['gen_ai.usage.input_tokens'] as int)) as total_input,
    sum(cast(SpanAttributes['gen_ai.usage.output_tokens'] as int)) as total_output
FROM read_parquet('s3://co-cli-traces/traces/**/*.parquet', hive_partitioning=true)
WHERE dt >= '2026-02-01'
GROUP BY 1, 2
ORDER BY 1 DESC, 2 DESC;`

const DAY_MS = 86_400_000
const HOUR_MS = 3_600_000
const run = promisify(execFile)

let server: TestServer
beforeAll(async () => {
  server = await startServer({ env: { SPANLEDGER_LAKE_FLUSH_MS: '200' } })
})
afterAll(() => server?.dispose())

/** Rows of a query by a DuckDB in another process, whose local time is UTC like the partitions'. */
async function query(sql: string): Promise<Record<string, string | number | null>[]> {
  const entry = join(import.meta.dirname, '../support/duckdb-query.ts')
  const ours = sql.replace(PUBLISHED_PATH, `${server.data}/lake/traces/**/*.parquet`)
  const { stdout } = await run(process.execPath, [entry, ours], { env: { ...process.env, TZ: 'UTC' } })
  return JSON.parse(stdout)
}

async function send(spans: readonly object[], service: string): Promise<void> {
  const response = await postTraces(server.url, exportRequest(spans, service))
  expect(response.status).toBe(200)
}

/** The day in UTC as days since 1970. */
const dayNumber = () => Math.floor(Date.now() / DAY_MS)

describe('the published queries, run by another process while the server writes', () => {
  it('find all errors of today, and of no other day', async () => {
    const first = dayNumber()
    const at = (day: number, hour: number) => (first + day) * DAY_MS + hour * HOUR_MS
    const failed = (name: string, start: number, durationMs: number, message: string) => ({
      ...chatSpan({ name, start, durationMs }),
      status: { code: 2, message },
    })
    const days = [-1, 0, 1].flatMap((day) => [
      failed(`chat of day ${day}`, at(day, 14), 1_500, 'rate limit reached: "slow down" 🐢'),
      failed(`tool of day ${day}`, at(day, 1), 1, "it's gone"),
      chatSpan({ name: 'chat that worked', start: at(day, 14) }),
    ])
    await send(days, 'errors')
    await eventually(async () => {
      const day = dayNumber() - first
      const rows = await query(ERRORS_TODAY)
      // Midnight may pass meanwhile; whichever day it then is, that day's errors and no others are right.
      if (dayNumber() - first !== day) throw new Error('the day changed; ask again')
      expect(rows.toSorted((a, b) => String(a.SpanName).localeCompare(String(b.SpanName)))).toEqual([
        {
          SpanName: `chat of day ${day}`,
          ServiceName: 'errors',
          duration_ms: 1_500,
          StatusMessage: 'rate limit reached: "slow down" 🐢',
        },
        { SpanName: `tool of day ${day}`, ServiceName: 'errors', duration_ms: 1, StatusMessage: "it's gone" },
      ])
    })
  })

  it('sum tokens by hour, hours with a leading zero among them, from 1 February 2026', async () => {
    const used = (start: string, inputTokens: number, outputTokens: number) =>
      chatSpan({ start: Date.parse(start), inputTokens, outputTokens })
    // A count that no 32-bit integer holds must not fail the whole query.
    const odd = { ...used('2026-03-05T09:30:00Z', 1, 1), attributes: [] as object[] }
    odd.attributes.push(
      { key: 'gen_ai.usage.input_tokens', value: { doubleValue: 12.5 } },
      attribute('gen_ai.usage.output_tokens', 2 ** 31),
    )
    const noTokens = { ...used('2026-03-04T00:00:00Z', 1, 1), attributes: [] }
    await send(
      [
        used('2026-01-31T23:59:59Z', 1_000_000, 1_000_000),
        used('2026-02-01T00:00:00Z', 7, 5),
        used('2026-03-05T03:00:00Z', 100, 10),
        used('2026-03-05T09:00:00Z', 200, 20),
        used('2026-03-05T09:59:59Z', 2_000_000_000, 30),
        used('2026-03-05T09:59:59Z', 2_000_000_000, 30),
        used('2026-03-05T10:00:00Z', 400, 40),
        used('2026-03-05T23:00:00Z', 500, 50),
        odd,
        noTokens,
      ],
      'tokens',
    )
    await eventually(async () => {
      const rows = await query(TOKEN_USAGE)
      expect(rows.filter(({ dt }) => String(dt) < '2026-04')).toEqual([
        { dt: '2026-03-05', hr: '23', total_input: '500', total_output: '50' },
        { dt: '2026-03-05', hr: '10', total_input: '400', total_output: '40' },
        { dt: '2026-03-05', hr: '09', total_input: '4000000200', total_output: '80' },
        { dt: '2026-03-05', hr: '03', total_input: '100', total_output: '10' },
        { dt: '2026-03-04', hr: '00', total_input: null, total_output: null },
        { dt: '2026-02-01', hr: '00', total_input: '7', total_output: '5' },
      ])
    })
  })
})
