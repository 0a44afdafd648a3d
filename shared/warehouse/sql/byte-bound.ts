import type { Dialect } from './dialect.ts'
import { type Sql, sql } from './statement.ts'

/** What a row from before its size was stored counts as: a page of 1,000 such rows is within the default bound. */
const UNKNOWN_BYTES = 32_768n

/** The size of a row, as a column named `row_bytes`, and its start time in nanoseconds, as `start_nanos`. */
export function rowBytes({ nanos }: Dialect): Sql {
  return sql`coalesce(span_bytes, ${UNKNOWN_BYTES}) AS row_bytes, ${nanos(sql`start_time`)} AS start_nanos`
}

/**
 * How many of the first rows may be read: as many as hold `maxBytes` together, at least one, or nothing could ever be read, and
 * at most `limit`.
 */
export function fittingRows(
  rows: readonly Readonly<Record<string, unknown>>[],
  limit: number,
  maxBytes: number,
): number {
  let bytes = 0
  for (const [index, row] of rows.slice(0, limit).entries()) {
    bytes += Number(row.row_bytes)
    if (bytes > maxBytes) return Math.max(index, 1)
  }
  return Math.min(rows.length, limit)
}
