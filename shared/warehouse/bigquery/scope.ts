import { WAREHOUSE_COLUMNS } from '../../spans/columns.ts'
import { idsWithin } from '../sql/filter.ts'
import { identifier, join, type Sql, sql } from '../sql/statement.ts'
import type { SpanFilter } from '../trace-store.ts'
import { LEDGER_COLUMNS } from './schema.ts'
import { timestamp } from './timestamp.ts'

/** Which rows a statement can need: what BigQuery reads, and bills, for it. */
export interface Scope {
  readonly project: string
  readonly traceId?: string
  /** Of a filter: a part of the cluster's blocks. */
  readonly traceIds?: NonNullable<SpanFilter['traceIds']>
  /** Nanoseconds since 1970, `from` inclusive, `to` exclusive; both in [0, 2^63). */
  readonly from?: bigint
  readonly to?: bigint
}

/** Where the tables are: `project.dataset`. */
export type Dataset = string

/**
 * `statement` with `spans` being what the port's readers see: of the rows of a span the one that holds, with its latest ledger.
 * BigQuery is given the partitions here, within the deduplication: outside of it they would all be read.
 */
export function scoped(statement: Sql, scope: Scope, dataset: Dataset): Sql {
  const within = conditions(scope)
  const time = [sql`start_time >= ${instant(scope.from ?? 0n)}`]
  // A microsecond more, since the column lacks nanoseconds; the statement's own condition has them.
  if (scope.to !== undefined) time.push(sql`start_time < ${instant(scope.to + 1000n)}`)
  const text = statement.text.replaceAll(/\bFROM spans\b/g, 'FROM current_spans')
  const rest: Sql = text.startsWith('WITH ')
    ? { text: `, ${text.slice(5)}`, values: statement.values }
    : { text: `\n${text}`, values: statement.values }
  const columns = join([...WAREHOUSE_COLUMNS.map(currentColumn)])
  return join(
    [
      sql`WITH written AS (
  SELECT * FROM ${table(dataset, 'spans')} WHERE ${join([...within, ...time], ' AND ')}
  QUALIFY ROW_NUMBER() OVER (PARTITION BY trace_id, span_id ORDER BY end_time_ns DESC, digest DESC) = 1
), latest AS (
  SELECT * FROM ${table(dataset, 'corrections')} WHERE ${join(within, ' AND ')}
  QUALIFY ROW_NUMBER() OVER (PARTITION BY trace_id, span_id ORDER BY ledger_revision DESC, ledger DESC) = 1
), current_spans AS (
  SELECT ${columns}
  FROM written AS w LEFT JOIN latest AS c ON c.trace_id = w.trace_id AND c.span_id = w.span_id
)`,
      rest,
    ],
    '\n',
  )
}

/** The view `spans_unique`: each span once, with its latest ledger, for people. It reads all partitions unless told which. */
export function uniqueSpansView(dataset: Dataset): string {
  const columns = WAREHOUSE_COLUMNS.map(({ warehouse }) =>
    LEDGER_NAMES.has(warehouse)
      ? `IF(c.span_id IS NULL, w.${warehouse}, c.${warehouse}) AS ${warehouse}`
      : `w.${warehouse}`,
  )
  const key = 'PARTITION BY project_id, trace_id, span_id'
  return `SELECT ${columns.join(', ')}
FROM (
  SELECT * FROM ${table(dataset, 'spans').text} WHERE TRUE
  QUALIFY ROW_NUMBER() OVER (${key} ORDER BY end_time_ns DESC, digest DESC) = 1
) AS w LEFT JOIN (
  SELECT * FROM ${table(dataset, 'corrections').text} WHERE TRUE
  QUALIFY ROW_NUMBER() OVER (${key} ORDER BY ledger_revision DESC, ledger DESC) = 1
) AS c ON c.project_id = w.project_id AND c.trace_id = w.trace_id AND c.span_id = w.span_id`
}

/** Written as a cast of text, so that BigQuery sees a constant by which to leave partitions out. */
export function instant(nanos: bigint): Sql {
  return sql`CAST(${timestamp(nanos)} AS TIMESTAMP)`
}

function conditions({ project, traceId, traceIds }: Scope): Sql[] {
  const own = [sql`project_id = ${project}`]
  if (traceId !== undefined) own.push(sql`trace_id = ${traceId}`)
  if (traceIds !== undefined) own.push(idsWithin(traceIds))
  return own
}

const LEDGER_NAMES: ReadonlySet<string> = new Set(LEDGER_COLUMNS.map(({ warehouse }) => warehouse))

function currentColumn({ warehouse, type }: { readonly warehouse: string; readonly type: string }): Sql {
  const name = identifier(warehouse)
  if (type === 'timestamp') return sql`w.${identifier(`${warehouse}_ns`)} AS ${name}`
  if (!LEDGER_NAMES.has(warehouse)) return sql`w.${name}`
  return sql`IF(c.span_id IS NULL, w.${name}, c.${name}) AS ${name}`
}

/** A table of ours in back quotes, which no name of a dataset can leave. */
export function table(dataset: Dataset, name: string): Sql {
  if (!/^[\w-]+\.\w+$/.test(dataset)) throw new TypeError(`not a dataset: ${JSON.stringify(dataset)}`)
  return { text: `\`${dataset}.${identifier(name).text}\``, values: [] }
}
