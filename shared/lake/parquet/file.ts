import parquet, { type ParquetSchema } from 'parquetjs-lite'
import thrift from 'parquetjs-lite/gen-nodejs/parquet_types.js'
import util from 'parquetjs-lite/lib/util.js'
import { type Codec, encodeColumnChunk } from './column-chunk.ts'
import type { Leaf } from './leaf.ts'
import { schemaElements } from './schema.ts'

const MAGIC = Buffer.from('PAR1')

export interface ParquetFileOptions {
  readonly codec: Codec
  /** Columns that count nanoseconds since 1970. */
  readonly timestamps: ReadonlySet<string>
  /** Leaf columns by which rows are sorted, ascending, as indices into the leaves. */
  readonly sortedBy: readonly number[]
}

/** A Parquet file in the making. */
export interface ParquetFile {
  /** Encodes `rows` rows; the leaves may be cleared and filled again afterwards. */
  addRowGroup(leaves: readonly Leaf[], rows: number): void
  /** The whole file, with `metadata` as its key-value pairs. */
  finish(metadata: Readonly<Record<string, string>>): Buffer
}

export function createParquetFile(schema: ParquetSchema, options: ParquetFileOptions): ParquetFile {
  const sections: Buffer[] = []
  const envelope = new parquet.ParquetEnvelopeWriter(
    schema,
    (bytes) => sections.push(bytes),
    () => {},
    0,
    // Its pages of version 2 have wrong counts and its page index is refused by arrow-rs.
    { useDataPageV2: false, pageIndex: false },
  )
  envelope.writeHeader()
  const elements = schemaElements(schema, options.timestamps)
  const leafCount = elements.filter((element) => element.type !== null).length

  return {
    addRowGroup(leaves, rows) {
      const columns: thrift.ColumnChunk[] = []
      let size = 0
      for (const leaf of leaves) {
        const start = envelope.offset
        const chunk = encodeColumnChunk(leaf, options.codec, start)
        for (const page of chunk.pages) envelope.writeSection(page)
        columns.push(new thrift.ColumnChunk({ file_offset: start, meta_data: chunk.metadata }))
        size += chunk.uncompressedSize
      }
      const sorting = options.sortedBy.map(
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
          schema: elements,
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
      return Buffer.concat(sections)
    },
  }
}
