import type { Sql, SqlValue } from '../sql/statement.ts'

const QUERY_TIMEOUT_MS = 30_000

/** A statement as BigQuery's client takes it: every value a named parameter. */
export function queryRequest({ text, values }: Sql) {
  let index = 0
  return {
    query: text.replaceAll('?', () => `@p${index++}`),
    params: Object.fromEntries(values.map((value, position) => [`p${position}`, parameter(value)])),
    types: Object.fromEntries(values.map((value, position) => [`p${position}`, typeOf(value)])),
    wrapIntegers: true,
    jobTimeoutMs: QUERY_TIMEOUT_MS,
  }
}

function parameter(value: SqlValue): string {
  return typeof value === 'object' ? value.nanos.toString() : value.toString()
}

/** Times are compared as the integers that `scope.ts` makes of them. */
function typeOf(value: SqlValue): string {
  return typeof value === 'string' ? 'STRING' : 'INT64'
}

/** A row as the client gives it, with what it wraps as plain values: integers as `bigint`, NUMERIC as its text. */
export function plainRow(row: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(row).map(([name, value]) => [name, plainValue(value)]))
}

/** The client wraps what JSON cannot hold: integers in an object with their text, NUMERIC in one that prints itself. */
function plainValue(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  if ('type' in value && value.type === 'BigQueryInt') return BigInt(String((value as { value?: unknown }).value))
  return 'toFixed' in value && typeof value.toFixed === 'function' ? String(value.toFixed(0)) : value
}
