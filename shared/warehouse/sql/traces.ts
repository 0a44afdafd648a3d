import { MAX_NAME_LENGTH } from '../../spans/name.ts'
import type { StatusCode } from '../../spans/span.ts'
import { firstModels, MAX_TRACE_MODELS } from '../trace-models.ts'
import type { Cursor, TraceQuery, TraceSummary } from '../trace-store.ts'
import type { Dialect } from './dialect.ts'
import { boundConditions, spanCondition } from './filter.ts'
import { afterCursor, pageOrder, type SortKey } from './page.ts'
import { join, type Sql, sql } from './statement.ts'
import { readSum, readTokenSums, tokenSums } from './usage.ts'

/** SQLite's functions of texts end at a NUL: what is short is left as it is. */
const SHORT_NAME: Sql = {
  text: `CASE WHEN length(name) > ${MAX_NAME_LENGTH} THEN substr(name, 1, ${MAX_NAME_LENGTH}) ELSE name END`,
  values: [],
}

/** Of each trace one model more than is told: the empty one has a rank, too. */
const TOLD_MODEL: Sql = {
  text: `CASE WHEN model_rank <= ${MAX_TRACE_MODELS + 1} THEN gen_ai_model ELSE '' END`,
  values: [],
}

/**
 * The start time of the `rank`-th newest span that may belong to the page: a guess at where its last trace starts.
 * No row: there are fewer spans than that.
 */
export function selectHorizon({ filter, after }: TraceQuery, rank: number, dialect: Dialect): Sql {
  const before = after === undefined ? sql`1 = 1` : sql`start_time <= ${{ nanos: after.value }}`
  return sql`SELECT ${dialect.nanos(sql`start_time`)} AS horizon FROM spans
WHERE ${spanCondition(filter, dialect)} AND ${before} ORDER BY start_time DESC LIMIT 1 OFFSET ${BigInt(rank)}`
}

/**
 * The summaries of one page of traces and the first of the next one. With `horizon` (nanoseconds), only traces that start
 * then or later are looked at.
 */
export function selectTraces(query: TraceQuery, horizon: bigint | null, dialect: Dialect): Sql {
  const { filter, sort, order, pageSize, after } = query
  const key = sortKey(sort, dialect)
  const since = horizon === null ? [] : [sql`start_time >= ${{ nanos: horizon }}`]
  const startsSince = horizon === null ? [] : [sql`start_nanos >= ${horizon}`]
  const bounds = boundConditions(filter, {
    cost: sql`cost`,
    duration: sql`duration`,
    amount: dialect.amount,
    costLimit: 2n ** 90n,
  })
  const conditions = [sql`1 = 1`, ...startsSince, ...bounds]
  if (after !== undefined) conditions.push(afterCursor(key, order, after))
  const start = dialect.nanos(sql`min(start_time)`)
  const end = dialect.nanos(sql`max(end_time)`)
  return sql`WITH matching AS (
  SELECT DISTINCT trace_id FROM spans WHERE ${join([spanCondition(filter, dialect), ...since], ' AND ')}
), totals AS (
  SELECT trace_id, ${start} AS start_nanos, ${end} AS end_nanos,
    CASE WHEN ${end} > ${start} THEN ${end} - ${start} ELSE 0 END AS duration,
    count(*) AS span_count, ${dialect.sum(sql`cost_pico_usd`)} AS cost
  FROM spans WHERE project_id = ${filter.project} AND trace_id IN (SELECT trace_id FROM matching)
  GROUP BY trace_id
), page AS (
  SELECT * FROM totals WHERE ${join(conditions, ' AND ')} ${pageOrder(key, order, pageSize)}
), ranked AS (
  SELECT *, row_number() OVER (PARTITION BY trace_id ORDER BY parent_span_id <> '', start_time, span_id) AS root_rank,
    row_number() OVER (PARTITION BY trace_id ORDER BY user_id = '', parent_span_id <> '', start_time, span_id) AS user_rank,
    row_number() OVER (PARTITION BY trace_id ORDER BY session_id = '', parent_span_id <> '', start_time, span_id) AS session_rank,
    dense_rank() OVER (PARTITION BY trace_id ORDER BY gen_ai_model) AS model_rank
  FROM spans WHERE project_id = ${filter.project} AND trace_id IN (SELECT trace_id FROM page)
), details AS (
  SELECT trace_id, max(CASE WHEN root_rank = 1 THEN ${SHORT_NAME} END) AS name,
    max(CASE WHEN root_rank = 1 THEN service_name END) AS service_name,
    max(CASE WHEN root_rank = 1 THEN status END) AS root_status,
    max(CASE WHEN user_rank = 1 THEN user_id END) AS user_id,
    max(CASE WHEN session_rank = 1 THEN session_id END) AS session_id,
    ${dialect.countIf(sql`status = 'ERROR'`)} AS error_count,
    ${dialect.countIf(sql`cost_status IN ('unpriced', 'ambiguous')`)} AS unknown_costs,
    ${dialect.distinctTexts(sql`told_model`)} AS models, ${tokenSums(dialect)}
  FROM (SELECT *, ${TOLD_MODEL} AS told_model FROM ranked) AS told GROUP BY trace_id
)
SELECT * FROM page JOIN details USING (trace_id) ${pageOrder(key, order, pageSize)}`
}

/** The inverse of {@link selectTraces} for one row. */
export function readTrace(row: Readonly<Record<string, unknown>>, dialect: Dialect): TraceSummary {
  const errorCount = Number(row.error_count)
  return {
    traceId: row.trace_id as string,
    name: row.name as string,
    serviceName: row.service_name as string,
    startTimeUnixNano: row.start_nanos as bigint,
    endTimeUnixNano: row.end_nanos as bigint,
    status: errorCount > 0 ? 'ERROR' : (row.root_status as StatusCode),
    spanCount: Number(row.span_count),
    errorCount,
    models: row.models === null ? [] : firstModels(JSON.parse(row.models as string)),
    userId: row.user_id as string,
    sessionId: row.session_id as string,
    usage: readTokenSums(row, dialect),
    costPicoUsd: readSum(row.cost, dialect),
    unknownCostCount: Number(row.unknown_costs),
  }
}

/** The place of `trace` in a list sorted so. */
export function traceCursor(trace: TraceSummary, sort: TraceQuery['sort']): Cursor {
  const duration = trace.endTimeUnixNano - trace.startTimeUnixNano
  const values = {
    startTime: trace.startTimeUnixNano,
    duration: duration > 0n ? duration : 0n,
    cost: trace.costPicoUsd ?? -1n,
    spanCount: BigInt(trace.spanCount),
  }
  return { value: values[sort], id: trace.traceId }
}

function sortKey(sort: TraceQuery['sort'], dialect: Dialect): SortKey {
  const ids = [sql`trace_id`]
  const bind = (value: bigint) => sql`${value}`
  switch (sort) {
    case 'startTime':
      return { by: { value: sql`start_nanos`, bind }, ids }
    case 'duration':
      return { by: { value: sql`duration`, bind }, ids }
    case 'spanCount':
      return { by: { value: sql`span_count`, bind }, ids }
    case 'cost':
      return { by: { value: sql`coalesce(cost, ${dialect.amount(-1n)})`, bind: dialect.amount }, ids }
  }
}
