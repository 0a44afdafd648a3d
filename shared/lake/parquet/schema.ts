import parquet, { type Field, type FieldDefinition, type ParquetSchema } from 'parquetjs-lite'
import thrift, { type ThriftProtocol } from 'parquetjs-lite/gen-nodejs/parquet_types.js'
import type { ColumnType, LakeColumn } from '../../spans/columns.ts'

/** Wire types of Thrift's compact protocol, as its writer names them. */
const THRIFT_BOOL = 2
const THRIFT_STRUCT = 12

const MAP: FieldDefinition = {
  type: 'MAP',
  optional: true,
  // pyarrow refuses a map whose key may be null.
  fields: { key_value: { repeated: true, fields: { key: { type: 'UTF8' }, value: { type: 'UTF8', optional: true } } } },
}

const LIST_OF_STRINGS: FieldDefinition = {
  type: 'LIST',
  optional: true,
  fields: { list: { repeated: true, fields: { element: { type: 'UTF8', optional: true } } } },
}

const LIST_OF_MAPS: FieldDefinition = {
  type: 'LIST',
  optional: true,
  fields: { list: { repeated: true, fields: { element: MAP } } },
}

const DEFINITIONS: Record<ColumnType, FieldDefinition> = {
  string: { type: 'UTF8' },
  json: { type: 'UTF8' },
  int64: { type: 'INT64' },
  float64: { type: 'DOUBLE' },
  timestamp: { type: 'INT64' },
  attributes: MAP,
  strings: LIST_OF_STRINGS,
  attributesList: LIST_OF_MAPS,
}

/**
 * The Parquet schema of `columns`. All are optional, as they are in the files that DuckDB merges: BigQuery wants one mode for a column
 * in all files. Of groups that also keeps no map, an empty map and NULL three things.
 */
export function parquetSchema(columns: readonly LakeColumn[]): ParquetSchema {
  return new parquet.ParquetSchema(
    Object.fromEntries(columns.map((column) => [column.lake, { ...DEFINITIONS[column.type], optional: true }])),
  )
}

/** The leaf fields below one column, in the order of the file. */
export function leafFields(schema: ParquetSchema, column: string): Field[] {
  return schema.fieldList.filter((field) => field.path[0] === column && field.isNested !== true)
}

/** The schema as the footer lists it, depth first. `timestamps` names the columns that count nanoseconds since 1970. */
export function schemaElements(schema: ParquetSchema, timestamps: ReadonlySet<string>): thrift.SchemaElement[] {
  const root = new thrift.SchemaElement({ name: 'root' })
  root.num_children = Object.keys(schema.fields).length
  return markTimestamps([root, ...schema.fieldList.map(schemaElement)], timestamps)
}

/** Gives the elements with those names the logical type that the library cannot read, and returns them all. */
export function markTimestamps(
  elements: thrift.SchemaElement[],
  timestamps: ReadonlySet<string>,
): thrift.SchemaElement[] {
  for (const element of elements) {
    if (timestamps.has(element.name)) element.logicalType = { write: writeNanosecondTimestamp }
  }
  return elements
}

function schemaElement(field: Field): thrift.SchemaElement {
  const element = new thrift.SchemaElement({ name: field.name })
  element.repetition_type = thrift.FieldRepetitionType[field.repetitionType] as number
  if (field.isNested) element.num_children = field.fieldCount ?? 0
  else element.type = thrift.Type[field.primitiveType ?? 'BYTE_ARRAY'] as number
  if (field.originalType) element.converted_type = thrift.ConvertedType[field.originalType] as number
  return element
}

/**
 * `LogicalType { 8: TimestampType { 1: isAdjustedToUTC = false, 2: TimeUnit { 3: NANOS } } }`, which the library's Thrift predates.
 * All times are UTC; were they marked so, DuckDB would cut them to microseconds.
 */
function writeNanosecondTimestamp(output: ThriftProtocol): void {
  const struct = (name: string, fields: () => void) => {
    output.writeStructBegin(name)
    fields()
    output.writeFieldStop()
    output.writeStructEnd()
  }
  const field = (name: string, type: number, id: number, value: () => void) => {
    output.writeFieldBegin(name, type, id)
    value()
    output.writeFieldEnd()
  }
  const unit = () => struct('TimeUnit', () => field('NANOS', THRIFT_STRUCT, 3, () => struct('NanoSeconds', () => {})))
  const timestamp = () => {
    field('isAdjustedToUTC', THRIFT_BOOL, 1, () => output.writeBool(false))
    field('unit', THRIFT_STRUCT, 2, unit)
  }
  struct('LogicalType', () => field('TIMESTAMP', THRIFT_STRUCT, 8, () => struct('TimestampType', timestamp)))
}
