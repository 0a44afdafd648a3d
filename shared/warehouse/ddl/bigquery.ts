import { type ColumnType, WAREHOUSE_COLUMNS } from '../../spans/columns.ts'
import { batchColumns } from './tables.ts'
import { views } from './views.ts'

/** A field as BigQuery's API and `bq mk --schema` take it. */
export interface BigQueryField {
  readonly name: string
  readonly type: string
  readonly mode: 'NULLABLE' | 'REPEATED'
  readonly description?: string
  readonly fields?: readonly BigQueryField[]
}

/** How the table `spans` is laid out. */
export const BIGQUERY_PARTITIONING = { type: 'DAY', field: 'start_time' } as const
export const BIGQUERY_CLUSTERING = ['project_id', 'trace_id'] as const

const TYPES: Readonly<Record<ColumnType, string>> = {
  string: 'STRING',
  int64: 'INT64',
  float64: 'FLOAT64',
  timestamp: 'TIMESTAMP',
  attributes: 'STRUCT',
  json: 'STRING',
  strings: 'STRING',
  attributesList: 'STRUCT',
}

const KEY_VALUE: readonly BigQueryField[] = [
  { name: 'key', type: 'STRING', mode: 'NULLABLE' },
  { name: 'value', type: 'STRING', mode: 'NULLABLE' },
]

/** The exact values of the timestamps. */
const NANOS = WAREHOUSE_COLUMNS.filter(({ type }) => type === 'timestamp').map(
  ({ warehouse, description }): BigQueryField => ({
    name: `${warehouse}_ns`,
    type: 'INT64',
    mode: 'NULLABLE',
    description: `${description}, nanoseconds since 1970`,
  }),
)

/**
 * The schema of `spans`. No field is REQUIRED: BigQuery refuses to add such ones later. Its TIMESTAMP ends at microseconds,
 * so each has a column `…_ns` with all nanoseconds, after the others.
 */
export function bigQuerySchema(): BigQueryField[] {
  const columns = WAREHOUSE_COLUMNS.map(({ warehouse, type, description }): BigQueryField => {
    const field = { name: warehouse, type: TYPES[type], description }
    return type === 'attributes' ? { ...field, mode: 'REPEATED', fields: KEY_VALUE } : { ...field, mode: 'NULLABLE' }
  })
  return [...columns, ...NANOS]
}

/** The schema of `batches`. */
export function bigQueryBatchSchema(): BigQueryField[] {
  return batchColumns('STRING', 'INT64', 'TIMESTAMP').map((column) => ({ ...column, mode: 'NULLABLE' }))
}

/** The schema of `books`: what `BookEntry` has. */
export function bigQueryBookSchema(): BigQueryField[] {
  const types = {
    kind: 'STRING',
    digest: 'STRING',
    project_id: 'STRING',
    spans: 'INT64',
    subscription: 'STRING',
    reason: 'STRING',
    recorded_at: 'TIMESTAMP',
  }
  return Object.entries(types).map(([name, type]) => ({ name, type, mode: 'NULLABLE' }))
}

/** The views by name, their tables qualified by `dataset` (`project.dataset`). Duplicates are left out on reading. */
export function bigQueryViews(dataset: string): { readonly name: string; readonly select: string }[] {
  if (!/^[\w-]+\.\w+$/.test(dataset)) throw new TypeError(`not a dataset: ${JSON.stringify(dataset)}`)
  return views({
    table: (name) => `\`${dataset}.${name}\``,
    day: 'DATE(start_time)',
    sum: (integer) => `SUM(CAST(${integer} AS NUMERIC))`,
    usd: (integer) => `CAST(SUM(CAST(${integer} AS NUMERIC)) AS FLOAT64) / 1e12`,
    countIf: (condition) => `COUNTIF(${condition})`,
    extraColumns: NANOS.map(({ name }) => name),
    unique: `\nWHERE TRUE\nQUALIFY ROW_NUMBER() OVER (PARTITION BY project_id, trace_id, span_id ORDER BY end_time_ns DESC, digest DESC) = 1`,
  })
}
