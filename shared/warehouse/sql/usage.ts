import { COMPOSITE_OPERATIONS } from '../../genai/operations.ts'
import type { UsageDimension, UsageQuery, UsageRow, UsageTotals } from '../trace-store.ts'
import type { Dialect } from './dialect.ts'
import { wholeSpanCondition } from './filter.ts'
import { identifier, join, list, type Sql, sql } from './statement.ts'

const DIMENSIONS: Readonly<Record<UsageDimension, Sql | ((dialect: Dialect) => Sql)>> = {
  model: sql`gen_ai_model`,
  provider: sql`gen_ai_provider`,
  user: sql`user_id`,
  session: sql`session_id`,
  service: sql`service_name`,
  operation: sql`gen_ai_operation`,
  environment: sql`environment`,
  key: sql`coalesce(key_id, '')`,
  reason: (dialect) => dialect.jsonText(sql`receipt`, sql`'$.reason'`),
  serviceTier: (dialect) => dialect.jsonText(sql`receipt`, sql`'$.serviceTier'`),
}

/** The columns that are summed, by field. */
const TOKENS: Readonly<Record<keyof UsageTotals, string>> = {
  inputTokens: 'gen_ai_input_tokens',
  outputTokens: 'gen_ai_output_tokens',
  totalTokens: 'gen_ai_total_tokens',
  cacheReadTokens: 'gen_ai_cache_read_tokens',
  cacheWriteTokens: 'gen_ai_cache_write_tokens',
  reasoningTokens: 'gen_ai_reasoning_tokens',
}

/** Whether a span calls a model: agents and tools contain such calls, and would be counted and timed with them. */
const IS_CALL = sql`(gen_ai_operation <> '' OR gen_ai_model <> '') AND cost_status <> 'rollup'
    AND gen_ai_operation NOT IN ${list(COMPOSITE_OPERATIONS)}`

/** Whether what a call cost is known from us and from its emitter. An agent bills a part of what it reports. */
const IS_COMPARED = sql`reported_cost_pico_usd IS NOT NULL AND cost_pico_usd IS NOT NULL
    AND gen_ai_operation NOT IN ${list(COMPOSITE_OPERATIONS)}`

/** The sums of tokens as columns named after their fields. */
export function tokenSums(dialect: Dialect): Sql {
  return join(
    Object.entries(TOKENS).map(([field, column]) => sql`${dialect.sum(identifier(column))} AS ${alias(field)}`),
  )
}

/** The inverse of {@link tokenSums} for one row. */
export function readTokenSums(row: Readonly<Record<string, unknown>>, dialect: Dialect): UsageTotals {
  const totals: Partial<Record<keyof UsageTotals, bigint | null>> = {}
  for (const field of Object.keys(TOKENS) as (keyof UsageTotals)[]) {
    totals[field] = readSum(row[alias(field).text], dialect)
  }
  return totals as UsageTotals
}

/** A sum as it came from the store; null where nothing was summed. */
export function readSum(stored: unknown, dialect: Dialect): bigint | null {
  return stored === null ? null : dialect.readAmount(stored)
}

/** One row for each group, one more than `maxRows` at most. */
export function selectUsage({ filter, groupBy, intervalNanos, maxRows }: UsageQuery, dialect: Dialect): Sql {
  const start = dialect.nanos(sql`start_time`)
  const keys = groupBy.map((dimension, index) => {
    const key = DIMENSIONS[dimension]
    return sql`${typeof key === 'function' ? key(dialect) : key} AS ${identifier(`group_${index}`)}`
  })
  if (intervalNanos !== undefined) keys.push(sql`${start} - ${dialect.modulo(start, intervalNanos)} AS interval_start`)
  const columns = [
    ...keys,
    sql`count(DISTINCT trace_id) AS requests`,
    sql`${dialect.countIf(IS_CALL)} AS calls`,
    sql`count(*) AS spans`,
    sql`${dialect.countIf(sql`status = 'ERROR'`)} AS errors`,
    tokenSums(dialect),
    sql`${dialect.sum(sql`cost_pico_usd`)} AS cost`,
    sql`${dialect.countIf(sql`cost_status IN ('unpriced', 'ambiguous')`)} AS unknown_costs`,
    sql`${dialect.countIf(IS_COMPARED)} AS compared`,
    sql`${dialect.sum(sql`CASE WHEN ${IS_COMPARED} THEN reported_cost_pico_usd END`)} AS reported_cost`,
    sql`${dialect.sum(sql`CASE WHEN ${IS_COMPARED} THEN cost_pico_usd END`)} AS compared_cost`,
    ...[50, 95, 99].map(
      (percent) => sql`${dialect.percentile(sql`duration_ns`, percent, IS_CALL)} AS ${identifier(`p${percent}`)}`,
    ),
    sql`${dialect.nanos(sql`min(start_time)`)} AS first_seen`,
    sql`${dialect.nanos(sql`max(start_time)`)} AS last_seen`,
  ]
  const positions = join(keys.map((_, index) => ({ text: String(index + 1), values: [] })))
  const grouping = keys.length === 0 ? sql`HAVING count(*) > 0` : sql`GROUP BY ${positions}`
  return sql`SELECT ${join(columns)} FROM spans WHERE ${wholeSpanCondition(filter, dialect)} ${grouping} LIMIT ${BigInt(maxRows) + 1n}`
}

/** The inverse of {@link selectUsage} for its rows, in the order that the port promises. */
export function readUsage(
  rows: readonly Readonly<Record<string, unknown>>[],
  { groupBy, intervalNanos }: UsageQuery,
  dialect: Dialect,
): UsageRow[] {
  return rows
    .map((row) => ({
      intervalStart: intervalNanos === undefined ? null : (row.interval_start as bigint),
      group: groupBy.map((_, index) => row[`group_${index}`] as string),
      requests: Number(row.requests),
      calls: Number(row.calls),
      spans: Number(row.spans),
      errors: Number(row.errors),
      usage: readTokenSums(row, dialect),
      costPicoUsd: readSum(row.cost, dialect),
      unknownCostCount: Number(row.unknown_costs),
      reported: {
        calls: Number(row.compared),
        reportedPicoUsd: readSum(row.reported_cost, dialect),
        ownPicoUsd: readSum(row.compared_cost, dialect),
      },
      latency: row.p50 === null ? null : { p50: row.p50 as bigint, p95: row.p95 as bigint, p99: row.p99 as bigint },
      firstSeen: row.first_seen as bigint,
      lastSeen: row.last_seen as bigint,
    }))
    .sort(byIntervalCostGroup)
}

function byIntervalCostGroup(a: UsageRow, b: UsageRow): number {
  return (
    compare(a.intervalStart ?? 0n, b.intervalStart ?? 0n) ||
    compare(b.costPicoUsd ?? -1n, a.costPicoUsd ?? -1n) ||
    a.group.reduce((order, key, index) => order || compare(key, b.group[index] as string), 0)
  )
}

function compare<T extends bigint | string>(a: T, b: T): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function alias(field: string): Sql {
  return identifier(field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`))
}
