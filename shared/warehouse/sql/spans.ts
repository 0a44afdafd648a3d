import { WAREHOUSE_COLUMNS } from '../../spans/columns.ts'
import { durationNanos } from '../../spans/span.ts'
import type { Cursor, ScanQuery, SpanQuery, StoredSpan } from '../trace-store.ts'
import { rowBytes } from './byte-bound.ts'
import type { Dialect } from './dialect.ts'
import { wholeSpanCondition } from './filter.ts'
import { afterCursor, listOrder, type SortKey } from './page.ts'
import { identifier, join, type Sql, sql } from './statement.ts'

const IDS = [sql`trace_id`, sql`span_id`]

/** The first `limit` spans of a trace, in order of time. */
export function selectTrace(project: string, traceId: string, limit: number, dialect: Dialect): Sql {
  return traceRows(allColumns(dialect), project, traceId, limit)
}

/** The sizes of the first `limit` spans of a trace and of the next one. */
export function selectTraceBytes(project: string, traceId: string, limit: number, dialect: Dialect): Sql {
  return traceRows(rowBytes(dialect), project, traceId, limit + 1)
}

/** The first `limit` spans of a list. */
export function selectSpans(query: SpanQuery, limit: number, dialect: Dialect): Sql {
  return listRows(allColumns(dialect), query, limit, dialect)
}

/** The sizes of one page of spans and of the first of the next one. */
export function selectSpansBytes(query: SpanQuery, dialect: Dialect): Sql {
  return listRows(rowBytes(dialect), query, query.pageSize + 1, dialect)
}

/** All spans that meet a filter. */
export function selectAll({ filter, order }: ScanQuery, dialect: Dialect): Sql {
  const rows = sql`SELECT ${allColumns(dialect)} FROM spans WHERE ${wholeSpanCondition(filter, dialect)}`
  if (order === 'any') return rows
  return sql`${rows} ORDER BY ${join(order === 'trace' ? IDS : [sql`start_time`, ...IDS])}`
}

function allColumns({ ownColumns = [] }: Dialect): Sql {
  return join([...WAREHOUSE_COLUMNS.map((column) => column.warehouse), ...ownColumns].map(identifier))
}

function traceRows(columns: Sql, project: string, traceId: string, limit: number): Sql {
  return sql`SELECT ${columns} FROM spans WHERE project_id = ${project} AND trace_id = ${traceId}
ORDER BY start_time, span_id LIMIT ${BigInt(limit)}`
}

function listRows(columns: Sql, { filter, sort, order, after }: SpanQuery, limit: number, dialect: Dialect): Sql {
  const key = SORT_KEYS[sort]
  const condition = wholeSpanCondition(filter, dialect)
  const rest = after === undefined ? condition : join([condition, afterCursor(key, order, after)], ' AND ')
  return sql`SELECT ${columns} FROM spans WHERE ${rest} ${listOrder(key, order, limit)}`
}

/** The place of `item` in a list sorted so. */
export function spanCursor({ span, ledger }: StoredSpan, sort: SpanQuery['sort']): Cursor {
  const values = {
    startTime: span.startTimeUnixNano,
    duration: durationNanos(span),
    cost: ledger.costPicoUsd ?? -1n,
    trace: 0n,
  }
  return { value: values[sort], id: `${span.traceId}:${span.spanId}` }
}

const SORT_KEYS: Readonly<Record<SpanQuery['sort'], SortKey>> = {
  startTime: { by: { value: sql`start_time`, bind: (nanos) => sql`${{ nanos }}` }, ids: IDS },
  duration: { by: { value: sql`duration_ns`, bind: (value) => sql`${value}` }, ids: IDS },
  cost: { by: { value: sql`coalesce(cost_pico_usd, -1)`, bind: (value) => sql`${value}` }, ids: IDS },
  trace: { ids: IDS },
}
