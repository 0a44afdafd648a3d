import { type ColumnType, WAREHOUSE_COLUMNS } from '../../spans/columns.ts'
import { batchColumns, correctionColumns, createTable, type TableColumn } from './tables.ts'
import { views } from './views.ts'

const TYPES: Readonly<Record<ColumnType, string>> = {
  string: 'TEXT',
  int64: 'INTEGER',
  float64: 'REAL',
  timestamp: 'INTEGER',
  attributes: 'TEXT',
  json: 'TEXT',
  strings: 'TEXT',
  attributesList: 'TEXT',
}

/** The tables by name; columns that an older database lacks are added at the end. Times are nanoseconds since 1970. */
export const SQLITE_TABLES: Readonly<Record<'spans' | 'batches' | 'corrections', readonly TableColumn[]>> = {
  spans: WAREHOUSE_COLUMNS.map(({ warehouse, type }) => ({ name: warehouse, type: TYPES[type] })),
  batches: batchColumns('TEXT', 'INTEGER', 'INTEGER'),
  corrections: correctionColumns('TEXT', 'INTEGER'),
}

/** Creates what is not there yet. Idempotent. */
export function sqliteDdl(): string[] {
  return [
    ...Object.entries(SQLITE_TABLES).map(([table, columns]) => createTable(table, columns)),
    'CREATE UNIQUE INDEX IF NOT EXISTS spans_identity ON spans (trace_id, span_id, project_id)',
    'CREATE INDEX IF NOT EXISTS spans_time ON spans (project_id, start_time)',
    'CREATE UNIQUE INDEX IF NOT EXISTS corrections_identity ON corrections (trace_id, span_id, project_id)',
    'CREATE UNIQUE INDEX IF NOT EXISTS batches_digest ON batches (digest)',
  ]
}

/** The views; to be made anew once all columns are there. `cost_pico_usd` of the costs is decimal text: it may pass 2^63. */
export function sqliteViews(): string[] {
  const all = views({
    table: (name) => name,
    day: "date(start_time / 1000000000, 'unixepoch')",
    sum: exactSum,
    usd: (integer) => `total(${integer}) / 1e12`,
    countIf: (condition) => `count(*) FILTER (WHERE ${condition})`,
    unique: '',
  })
  return all.flatMap(({ name, select }) => [`DROP VIEW IF EXISTS ${name}`, `CREATE VIEW ${name} AS\n${select}`])
}

/** The sums of billions and of the rest, put together as decimal digits; NULL where there is nothing to sum. */
function exactSum(integer: string): string {
  const rest = `sum(${integer} % 1000000000)`
  const digits = `printf('%d%09d', sum(${integer} / 1000000000) + ${rest} / 1000000000, ${rest} % 1000000000)`
  return `CASE WHEN count(${integer}) > 0 THEN coalesce(nullif(ltrim(${digits}, '0'), ''), '0') END`
}
