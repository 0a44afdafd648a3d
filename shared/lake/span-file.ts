import { LAKE_COLUMNS } from '../spans/columns.ts'
import { encodeColumnChunk } from './parquet/column-chunk.ts'
import type { Codec } from './parquet/compression.ts'
import { createParquetFile, type ParquetLayout } from './parquet/file.ts'
import { clearLeaf } from './parquet/leaf.ts'
import { parquetSchema, schemaElements } from './parquet/schema.ts'
import { createSpanColumn, type SpanRow } from './span-columns.ts'

/** Rows of one row group of a fresh file. */
export const ROW_GROUP_ROWS = 25_000

/**
 * Rows that are appended to all columns before the next ones: as many as a CPU's cache holds. Column by column over all rows of a
 * group, each found every span in memory anew, which took a fifth of the writer's time.
 */
const BLOCK_ROWS = 256

const SCHEMA = parquetSchema(LAKE_COLUMNS)
/** Columns that count nanoseconds since 1970. */
export const TIMESTAMPS: ReadonlySet<string> = new Set(
  LAKE_COLUMNS.filter(({ type }) => type === 'timestamp').map(({ lake }) => lake),
)
/** By which leaf column rows are sorted. */
export const SORTED_BY: readonly number[] = [
  SCHEMA.fieldList.filter((field) => field.isNested !== true).findIndex(({ name }) => name === 'TraceId'),
]

/** Encodes spans into whole Parquet files; one at a time. */
export interface SpanEncoder {
  /** `rows` as a file of their order, with `metadata` as its key-value pairs. */
  encode(rows: readonly SpanRow[], metadata: Readonly<Record<string, string>>): Uint8Array
}

/** An encoder with buffers of its own, which it keeps from file to file. */
export function createSpanEncoder({ codec }: { readonly codec: Codec }): SpanEncoder {
  const layout: ParquetLayout = { elements: schemaElements(SCHEMA, TIMESTAMPS), sortedBy: SORTED_BY }
  const columns = LAKE_COLUMNS.map((column) => createSpanColumn(SCHEMA, column))
  const leaves = columns.flatMap((column) => column.leaves)
  const chunks = leaves.map((leaf) => (offset: number) => encodeColumnChunk(leaf, codec, offset))

  return {
    encode(rows, metadata) {
      const sections: Buffer[] = []
      const file = createParquetFile(layout, (bytes) => sections.push(bytes))
      for (let start = 0; start < rows.length; start += ROW_GROUP_ROWS) {
        const group = rows.slice(start, start + ROW_GROUP_ROWS)
        for (const leaf of leaves) clearLeaf(leaf)
        for (let from = 0; from < group.length; from += BLOCK_ROWS) {
          const block = group.slice(from, from + BLOCK_ROWS)
          for (const column of columns) column.append(block)
        }
        file.addRowGroup(chunks, group.length)
      }
      for (const leaf of leaves) clearLeaf(leaf)
      file.finish(metadata)
      return Buffer.concat(sections)
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
