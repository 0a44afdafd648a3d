import type { BigQueryClient } from '../../shared/warehouse/bigquery/client.ts'
import { bigQueryBatchSchema, bigQueryBookSchema, bigQuerySchema } from '../../shared/warehouse/ddl/bigquery.ts'
import { ASSUMPTIONS } from './assumptions.ts'
import type { Meter } from './meter.ts'

const MIN_ROW_BYTES = 1024
/** As `shared/warehouse/bigquery/client.ts` cuts requests. */
const MAX_REQUEST_ROWS = 500

/** BigQuery as far as rows are inserted. All requests of an insert are under way at once, as long as they are few. */
export function createCountedBigQuery(meter: Meter): BigQueryClient {
  return {
    async insert(_table, rows) {
      const requests: Promise<void>[] = []
      let sent = 0
      for (const row of rows) {
        if (sent++ % MAX_REQUEST_ROWS === 0) requests.push(meter.call(ASSUMPTIONS.latencyMs.bigquery))
        // What it costs to send a row is a part of the function's CPU time.
        JSON.stringify(row)
        const bytes = logicalBytes(row.json)
        meter.add('bigquery.streamedBytes', Math.max(MIN_ROW_BYTES, bytes))
        meter.add('bigquery.bytes', bytes)
      }
      await Promise.all(requests)
      return []
    },
    query: async () => {
      throw new Error('no query of BigQuery is counted')
    },
    scan: () => {
      throw new Error('no query of BigQuery is counted')
    },
  }
}

/** Columns of numbers and times, which `insertAll` takes as text and BigQuery stores in eight bytes. */
const EIGHT_BYTES = new Set(
  [...bigQuerySchema(), ...bigQueryBatchSchema(), ...bigQueryBookSchema()]
    .filter(({ type }) => type === 'INT64' || type === 'FLOAT64' || type === 'TIMESTAMP')
    .map(({ name }) => name),
)

/** What BigQuery counts of a row: nothing for NULL, 8 bytes a number or time, 2 and its UTF-8 length a text. */
export function logicalBytes(row: Readonly<Record<string, unknown>>): number {
  let bytes = 0
  for (const [name, value] of Object.entries(row)) bytes += EIGHT_BYTES.has(name) && value !== null ? 8 : sizeOf(value)
  return bytes
}

function sizeOf(value: unknown): number {
  if (value === null || value === undefined) return 0
  if (typeof value === 'string') return 2 + Buffer.byteLength(value)
  if (typeof value !== 'object') return 8
  return Object.values(value).reduce((sum: number, member) => sum + sizeOf(member), 0)
}
