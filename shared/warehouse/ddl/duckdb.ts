import { type ColumnType, WAREHOUSE_COLUMNS } from '../../spans/columns.ts'
import { batchColumns, correctionColumns, createTable, type TableColumn } from './tables.ts'
import { views } from './views.ts'

const TYPES: Readonly<Record<ColumnType, string>> = {
  string: 'VARCHAR',
  int64: 'BIGINT',
  float64: 'DOUBLE',
  timestamp: 'TIMESTAMP_NS',
  attributes: 'STRUCT("key" VARCHAR, "value" VARCHAR)[]',
  json: 'VARCHAR',
  strings: 'VARCHAR[]',
  attributesList: 'MAP(VARCHAR, VARCHAR)[]',
}

/** Of our own in `spans` and `corrections`: 64 bits of hash of project, trace and span id, by which duplicates are looked up. */
export const SPAN_KEY = 'span_key'

/** Of our own in `spans`: in how many rows of `large_spans` the whole span is; NULL or 0 where it is all in its row. */
export const LARGE_PARTS = 'large_parts'

/** The tables by name; columns that an older database lacks are added at the end. */
export const DUCKDB_TABLES: Readonly<
  Record<'spans' | 'large_spans' | 'batches' | 'corrections', readonly TableColumn[]>
> = {
  spans: [
    ...WAREHOUSE_COLUMNS.map(({ warehouse, type }) => ({ name: warehouse, type: TYPES[type] })),
    { name: SPAN_KEY, type: 'BIGINT' },
    { name: LARGE_PARTS, type: 'INTEGER' },
  ],
  large_spans: [
    { name: SPAN_KEY, type: 'BIGINT' },
    { name: 'digest', type: 'VARCHAR' },
    { name: 'trace_id', type: 'VARCHAR' },
    { name: 'span_id', type: 'VARCHAR' },
    { name: 'part', type: 'INTEGER' },
    // OTLP, zstd-compressed by us: trying to compress it again costs a checkpoint four times as much.
    { name: 'data', type: 'BLOB USING COMPRESSION uncompressed' },
  ],
  batches: batchColumns('VARCHAR', 'BIGINT', 'TIMESTAMP_NS'),
  corrections: [...correctionColumns('VARCHAR', 'BIGINT'), { name: SPAN_KEY, type: 'BIGINT' }],
}

/** Creates what is not there yet. Idempotent. */
export function duckDbDdl(): string[] {
  return Object.entries(DUCKDB_TABLES).map(([table, columns]) => createTable(table, columns))
}

/** The views; to be made anew once all columns are there. Duplicates never get into the table. */
export function duckDbViews(): string[] {
  const all = views({
    table: (name) => name,
    day: 'CAST(start_time AS DATE)',
    sum: (integer) => `sum(${integer})`,
    usd: (integer) => `CAST(sum(${integer}) AS DOUBLE) / 1e12`,
    countIf: (condition) => `count(*) FILTER (WHERE ${condition})`,
    unique: '',
  })
  return all.map(({ name, select }) => `CREATE OR REPLACE VIEW ${name} AS\n${select}`)
}
