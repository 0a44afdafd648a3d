/** The parts of parquetjs-lite that the lake uses; the package carries no types. */
declare module 'parquetjs-lite' {
  export interface FieldDefinition {
    type?: string
    optional?: boolean
    repeated?: boolean
    fields?: Record<string, FieldDefinition>
  }

  export interface Field {
    readonly name: string
    readonly path: readonly string[]
    readonly repetitionType: 'REQUIRED' | 'OPTIONAL' | 'REPEATED'
    readonly primitiveType?: 'INT64' | 'DOUBLE' | 'BYTE_ARRAY'
    readonly originalType?: string
    readonly rLevelMax: number
    readonly dLevelMax: number
    readonly isNested?: boolean
    readonly fieldCount?: number
  }

  export interface ParquetSchema {
    readonly fields: Readonly<Record<string, Field>>
    readonly fieldList: readonly Field[]
  }

  export interface ParquetEnvelopeWriter {
    offset: number
    rowCount: number
    rowGroups: import('parquetjs-lite/gen-nodejs/parquet_types.js').RowGroup[]
    writeHeader(): void
    writeSection(bytes: Buffer): void
  }

  const parquet: {
    ParquetSchema: new (schema: Record<string, FieldDefinition>) => ParquetSchema
    ParquetEnvelopeWriter: new (
      schema: ParquetSchema,
      write: (bytes: Buffer) => void,
      close: () => void,
      offset: number,
      options: { useDataPageV2: boolean; pageIndex: boolean },
    ) => ParquetEnvelopeWriter
  }
  export default parquet
}

declare module 'parquetjs-lite/lib/util.js' {
  import type { ThriftStruct } from 'parquetjs-lite/gen-nodejs/parquet_types.js'

  const util: {
    serializeThrift(struct: ThriftStruct): Buffer
    decodeThrift(struct: ThriftStruct, bytes: Buffer, offset: number): number
  }
  export default util
}

declare module 'parquetjs-lite/lib/compression.js' {
  const compression: { deflate(method: 'SNAPPY', bytes: Buffer): Uint8Array }
  export default compression
}

declare module 'parquetjs-lite/gen-nodejs/parquet_types.js' {
  export interface ThriftProtocol {
    writeStructBegin(name: string): void
    writeStructEnd(): void
    writeFieldBegin(name: string, type: number, id: number): void
    writeFieldEnd(): void
    writeFieldStop(): void
    writeBool(value: boolean): void
  }
  export interface ThriftStruct {
    write(output: ThriftProtocol): void
    read(input: unknown): void
  }
  type Int64 = number | { toNumber(): number }

  export class Statistics implements ThriftStruct {
    constructor(fields?: { null_count?: number; min_value?: Buffer; max_value?: Buffer })
    null_count: Int64 | null
    /** Bytes, or text where they are UTF-8. */
    min_value: Buffer | string | null
    max_value: Buffer | string | null
    write(output: ThriftProtocol): void
    read(input: unknown): void
  }
  export class SchemaElement implements ThriftStruct {
    constructor(fields?: { name: string })
    name: string
    type: number | null
    repetition_type: number | null
    num_children: number | null
    converted_type: number | null
    logicalType: Pick<ThriftStruct, 'write'> | null
    write(output: ThriftProtocol): void
    read(input: unknown): void
  }
  export class DataPageHeader implements ThriftStruct {
    constructor(fields: {
      num_values: number
      encoding: number
      definition_level_encoding: number
      repetition_level_encoding: number
    })
    write(output: ThriftProtocol): void
    read(input: unknown): void
  }
  export class DictionaryPageHeader implements ThriftStruct {
    constructor(fields: { num_values: number; encoding: number })
    write(output: ThriftProtocol): void
    read(input: unknown): void
  }
  export class PageHeader implements ThriftStruct {
    constructor(fields?: {
      type: number
      uncompressed_page_size: number
      compressed_page_size: number
      data_page_header?: DataPageHeader
      dictionary_page_header?: DictionaryPageHeader
    })
    type: number
    compressed_page_size: number
    write(output: ThriftProtocol): void
    read(input: unknown): void
  }
  export class KeyValue implements ThriftStruct {
    constructor(fields: { key: string; value: string })
    key: string
    value: string
    write(output: ThriftProtocol): void
    read(input: unknown): void
  }
  export class SortingColumn implements ThriftStruct {
    constructor(fields: { column_idx: number; descending: boolean; nulls_first: boolean })
    write(output: ThriftProtocol): void
    read(input: unknown): void
  }
  export class ColumnMetaData implements ThriftStruct {
    constructor(fields: {
      type: number
      encodings: number[]
      path_in_schema: readonly string[]
      codec: number
      num_values: number
      total_uncompressed_size: number
      total_compressed_size: number
      data_page_offset: number
      dictionary_page_offset?: number
      statistics: Statistics | undefined
    })
    type: number
    encodings: number[]
    path_in_schema: readonly string[]
    codec: number
    num_values: Int64
    total_compressed_size: Int64
    total_uncompressed_size: Int64
    data_page_offset: Int64
    dictionary_page_offset: Int64 | null
    statistics: Statistics | null
    write(output: ThriftProtocol): void
    read(input: unknown): void
  }
  export class ColumnChunk implements ThriftStruct {
    constructor(fields: { file_offset: number; meta_data: ColumnMetaData })
    meta_data: ColumnMetaData
    write(output: ThriftProtocol): void
    read(input: unknown): void
  }
  export class RowGroup implements ThriftStruct {
    constructor(fields: {
      columns: ColumnChunk[]
      total_byte_size: number
      num_rows: number
      sorting_columns: SortingColumn[]
    })
    columns: ColumnChunk[]
    num_rows: Int64
    write(output: ThriftProtocol): void
    read(input: unknown): void
  }
  export class TypeDefinedOrder implements ThriftStruct {
    write(output: ThriftProtocol): void
    read(input: unknown): void
  }
  export class ColumnOrder implements ThriftStruct {
    constructor(fields: { TYPE_ORDER: TypeDefinedOrder })
    write(output: ThriftProtocol): void
    read(input: unknown): void
  }
  export class FileMetaData implements ThriftStruct {
    constructor(fields?: {
      version: number
      schema: readonly SchemaElement[]
      num_rows: number
      row_groups: RowGroup[]
      key_value_metadata: KeyValue[]
      created_by: string
      column_orders: ColumnOrder[]
    })
    num_rows: Int64
    schema: SchemaElement[]
    row_groups: RowGroup[]
    key_value_metadata: KeyValue[] | null
    write(output: ThriftProtocol): void
    read(input: unknown): void
  }
  export const Type: Readonly<Record<string, number>>
  export const ConvertedType: Readonly<Record<string, number>>
  export const FieldRepetitionType: Readonly<Record<string, number>>
  export const Encoding: Readonly<Record<'PLAIN' | 'RLE' | 'RLE_DICTIONARY', number>>
  export const CompressionCodec: Readonly<Record<'UNCOMPRESSED' | 'SNAPPY' | 'ZSTD', number>>
  export const PageType: Readonly<Record<'DATA_PAGE' | 'DICTIONARY_PAGE', number>>
}
