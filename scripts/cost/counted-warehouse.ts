import type { Books } from '../../shared/books.ts'
import { batchRow, correctionRows, type InsertRow, spanRows } from '../../shared/warehouse/bigquery/rows.ts'
import { bookRow } from '../../shared/warehouse/bigquery-books.ts'
import { bigQueryBatchSchema, bigQueryBookSchema, bigQuerySchema } from '../../shared/warehouse/ddl/bigquery.ts'
import type { SpanWriter } from '../../shared/warehouse/trace-store.ts'
import { ASSUMPTIONS } from './assumptions.ts'
import type { Meter } from './meter.ts'

const MIN_ROW_BYTES = 1024
/** As `shared/warehouse/bigquery/client.ts` cuts requests. */
const MAX_REQUEST_ROWS = 500

/** Counts an insert of rows. All of its requests are under way at once, as long as they are few. */
function createCountedInsert(meter: Meter): (rows: readonly InsertRow[]) => Promise<void> {
  return async (rows) => {
    const requests: Promise<void>[] = []
    for (let at = 0; at < rows.length; at += MAX_REQUEST_ROWS) {
      for (const row of rows.slice(at, at + MAX_REQUEST_ROWS)) {
        // What it costs to send a row is a part of the function's CPU time.
        JSON.stringify(row)
        const bytes = logicalBytes(row.json)
        meter.add('bigquery.streamedBytes', Math.max(MIN_ROW_BYTES, bytes))
        meter.add('bigquery.bytes', bytes)
      }
      requests.push(meter.call(ASSUMPTIONS.latencyMs.bigquery))
    }
    await Promise.all(requests)
  }
}

/** The books on counted inserts. */
export function createCountedBooks(meter: Meter): Pick<Books, 'enter'> {
  const insert = createCountedInsert(meter)
  return { enter: (entries) => insert(entries.map(bookRow)) }
}

/** The warehouse's writer on counted inserts: the rows are BigQuery's own. */
export function createCountedWriter(meter: Meter): SpanWriter {
  const insert = createCountedInsert(meter)
  return {
    async write(batches) {
      const rows = batches.flatMap(spanRows).filter((row) => row !== undefined)
      await Promise.all([insert(rows), insert(batches.flatMap(correctionRows))])
      await insert(batches.map((batch) => batchRow(batch, batch.spans.length)))
      return batches.map(({ spans }) => ({ stored: spans.length, duplicates: 0 }))
    },
    close: async () => {},
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
