import parquet from 'parquetjs-lite'
import thrift from 'parquetjs-lite/gen-nodejs/parquet_types.js'
import util from 'parquetjs-lite/lib/util.js'
import type { ColumnChunk } from './column-chunk.ts'

const MAGIC = Buffer.from('PAR1')

/** What files of one kind have in common. */
export interface ParquetLayout {
  /** The schema, depth first. */
  readonly elements: readonly thrift.SchemaElement[]
  /** Leaf columns by which rows are sorted, ascending, as indices into the leaves. */
  readonly sortedBy: readonly number[]
}

/** A Parquet file in the making. */
export interface ParquetFile {
  /** Bytes so far. */
  readonly size: number
  /** Writes `rows` rows: of each leaf column its chunk, made for where it comes to stand. */
  addRowGroup(chunks: Iterable<(offset: number) => ColumnChunk>, rows: number): void
  /** Writes the footer, with `metadata` as its key-value pairs. */
  finish(metadata: Readonly<Record<string, string>>): void
}

/** Begins a file whose bytes go to `write` in their order. */
export function createParquetFile(layout: ParquetLayout, write: (bytes: Buffer) => void): ParquetFile {
  const envelope = new parquet.ParquetEnvelopeWriter(
    // Only its own encoders and its footer, which are not used, ask for the schema.
    new parquet.ParquetSchema({}),
    write,
    () => {},
    0,
    // Its pages of version 2 have wrong counts and its page index is refused by arrow-rs.
    { useDataPageV2: false, pageIndex: false },
  )
  envelope.writeHeader()
  const leafCount = layout.elements.filter((element) => element.type !== null).length

  return {
    get size() {
      return envelope.offset
    },

    addRowGroup(chunks, rows) {
      const columns: thrift.ColumnChunk[] = []
      let size = 0
      for (const chunkAt of chunks) {
        const start = envelope.offset
        const chunk = chunkAt(start)
        for (const page of chunk.pages) envelope.writeSection(page)
        columns.push(new thrift.ColumnChunk({ file_offset: start, meta_data: chunk.metadata }))
        size += chunk.uncompressedSize
      }
      const sorting = layout.sortedBy.map(
        (column) => new thrift.SortingColumn({ column_idx: column, descending: false, nulls_first: false }),
      )
      envelope.rowGroups.push(
        new thrift.RowGroup({ columns, total_byte_size: size, num_rows: rows, sorting_columns: sorting }),
      )
      envelope.rowCount += rows
    },

    finish(metadata) {
      const order = new thrift.ColumnOrder({ TYPE_ORDER: new thrift.TypeDefinedOrder() })
      const footer = util.serializeThrift(
        new thrift.FileMetaData({
          version: 1,
          schema: layout.elements,
          num_rows: envelope.rowCount,
          row_groups: envelope.rowGroups,
          key_value_metadata: Object.entries(metadata).map(([key, value]) => new thrift.KeyValue({ key, value })),
          created_by: 'spanledger',
          // Without these, readers ignore min and max.
          column_orders: Array.from({ length: leafCount }, () => order),
        }),
      )
      envelope.writeSection(footer)
      const tail = Buffer.alloc(8)
      tail.writeUInt32LE(footer.length)
      MAGIC.copy(tail, 4)
      envelope.writeSection(tail)
    },
  }
}
