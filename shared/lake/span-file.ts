import { LAKE_COLUMNS } from '../spans/columns.ts'
import type { Codec } from './parquet/column-chunk.ts'
import { createParquetFile } from './parquet/file.ts'
import { clearLeaf } from './parquet/leaf.ts'
import { parquetSchema } from './parquet/schema.ts'
import { createSpanColumn, type SpanRow } from './span-columns.ts'

/** Rows of one row group of a fresh file. */
export const ROW_GROUP_ROWS = 25_000

/** Encodes spans into whole Parquet files; one at a time. */
export interface SpanEncoder {
  /** `rows` as a file of their order, with `metadata` as its key-value pairs. */
  encode(rows: readonly SpanRow[], metadata: Readonly<Record<string, string>>): Uint8Array
}

/** An encoder with buffers of its own, which it keeps from file to file. */
export function createSpanEncoder({ codec }: { readonly codec: Codec }): SpanEncoder {
  const schema = parquetSchema(LAKE_COLUMNS)
  const columns = LAKE_COLUMNS.map((column) => createSpanColumn(schema, column))
  const leaves = columns.flatMap((column) => column.leaves)
  const timestamps = new Set(LAKE_COLUMNS.filter(({ type }) => type === 'timestamp').map(({ lake }) => lake))
  const sortedBy = [leaves.findIndex((leaf) => leaf.field.name === 'TraceId')]

  return {
    encode(rows, metadata) {
      const file = createParquetFile(schema, { codec, timestamps, sortedBy })
      for (let start = 0; start < rows.length; start += ROW_GROUP_ROWS) {
        const group = rows.slice(start, start + ROW_GROUP_ROWS)
        for (const leaf of leaves) clearLeaf(leaf)
        for (const column of columns) column.append(group)
        file.addRowGroup(leaves, group.length)
      }
      for (const leaf of leaves) clearLeaf(leaf)
      return file.finish(metadata)
    },
  }
}

/** The order of rows in a file: by trace, within it by start, so that a trace is read in one piece. */
export function compareRows(a: SpanRow, b: SpanRow): number {
  const left = a.priced.span
  const right = b.priced.span
  if (left.traceId !== right.traceId) return left.traceId < right.traceId ? -1 : 1
  if (left.startTimeUnixNano !== right.startTimeUnixNano)
    return left.startTimeUnixNano < right.startTimeUnixNano ? -1 : 1
  if (left.spanId !== right.spanId) return left.spanId < right.spanId ? -1 : 1
  return 0
}
