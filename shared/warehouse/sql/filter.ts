import type { SpanFilter } from '../trace-store.ts'
import type { Dialect } from './dialect.ts'
import { identifier, join, list, type Sql, type SqlValue, sql } from './statement.ts'

const INT64_MAX = 2n ** 63n - 1n

/** The columns that are compared with the lists of a filter. */
const LISTS = {
  name: 'name',
  kind: 'kind',
  service: 'service_name',
  operation: 'gen_ai_operation',
  provider: 'gen_ai_provider',
  model: 'gen_ai_model',
  user: 'user_id',
  session: 'session_id',
  environment: 'environment',
  key: 'key_id',
  status: 'status',
  costStatus: 'cost_status',
} as const satisfies { readonly [field in keyof SpanFilter]?: string }

/** What the bounds of a filter are on: one span, or a whole trace. */
export interface BoundedColumns {
  readonly cost: Sql
  readonly duration: Sql
  /** A cost as comparable with `cost`. */
  readonly amount: (amount: bigint) => Sql
  /** More than any cost can be. */
  readonly costLimit: bigint
}

/** The condition that a span meets `filter`, its bounds on cost and duration left out. */
export function spanCondition(filter: SpanFilter, dialect: Dialect): Sql {
  const conditions = [sql`project_id = ${filter.project}`, ...timeConditions(filter)]
  const { traceId, traceIds, tracesWith } = filter
  if (traceId !== undefined) conditions.push(sql`trace_id = ${traceId}`)
  if (traceIds !== undefined) conditions.push(idsWithin(traceIds))
  if (tracesWith !== undefined) {
    const meets = wholeSpanCondition({ ...tracesWith, project: filter.project }, dialect)
    conditions.push(sql`trace_id IN (SELECT trace_id FROM spans WHERE ${meets})`)
  }
  for (const [field, column] of Object.entries(LISTS)) {
    const values = filter[field as keyof typeof LISTS]
    if (values !== undefined) conditions.push(anyOf(identifier(column), values))
  }
  for (const { key, value } of filter.attributes ?? []) conditions.push(dialect.hasAttribute(key, value))
  return join(conditions, ' AND ')
}

/** The conditions on cost and duration; none where the filter has no bounds. An unknown cost is within no bound. */
export function boundConditions(filter: SpanFilter, { cost, duration, amount, costLimit }: BoundedColumns): Sql[] {
  return [
    ...within(cost, filter.minCostPicoUsd, filter.maxCostPicoUsd, costLimit, amount),
    ...within(duration, filter.minDurationNanos, filter.maxDurationNanos, 2n ** 63n, (bound) => sql`${bound}`),
  ]
}

/** `min <= value <= max` for values in [0, limit): bounds outside of that must not reach a store, whose integers end there. */
function within(
  value: Sql,
  min: bigint | undefined,
  max: bigint | undefined,
  limit: bigint,
  amount: BoundedColumns['amount'],
) {
  const conditions: Sql[] = []
  if (min !== undefined) conditions.push(min >= limit ? sql`1 = 0` : sql`${value} >= ${amount(min > 0n ? min : 0n)}`)
  if (max !== undefined)
    conditions.push(max < 0n ? sql`1 = 0` : sql`${value} <= ${amount(max < limit ? max : limit - 1n)}`)
  return conditions
}

/** The condition that one span meets all of `filter`. */
export function wholeSpanCondition(filter: SpanFilter, dialect: Dialect): Sql {
  const bounds = boundConditions(filter, {
    cost: sql`cost_pico_usd`,
    duration: sql`duration_ns`,
    amount: (amount) => sql`${amount}`,
    costLimit: 2n ** 63n,
  })
  return join([spanCondition(filter, dialect), ...bounds], ' AND ')
}

/** The condition that a trace id is in a range. */
export function idsWithin({ from, to }: NonNullable<SpanFilter['traceIds']>): Sql {
  const since = sql`trace_id >= ${from}`
  return to === undefined ? since : join([since, sql`trace_id < ${to}`], ' AND ')
}

function timeConditions({ from, to }: SpanFilter): Sql[] {
  const conditions: Sql[] = []
  if (from !== undefined && from > 0n) {
    conditions.push(from > INT64_MAX ? sql`1 = 0` : sql`start_time >= ${{ nanos: from }}`)
  }
  if (to !== undefined && to <= INT64_MAX) conditions.push(sql`start_time < ${{ nanos: to > 0n ? to : 0n }}`)
  return conditions
}

/** An empty list is met by nothing: no value is one of none. */
function anyOf(column: Sql, values: readonly SqlValue[]): Sql {
  if (values.length === 0) return sql`1 = 0`
  return values.length === 1 ? sql`${column} = ${values[0] as SqlValue}` : sql`${column} IN ${list(values)}`
}
