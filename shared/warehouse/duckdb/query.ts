import { BIGINT, type DuckDBConnection, DuckDBTimestampNanosecondsValue, TIMESTAMP_NS, VARCHAR } from '@duckdb/node-api'
import type { Sql, SqlValue } from '../sql/statement.ts'

/** Runs a statement with its parameters bound as exactly the types that the columns have. */
export async function runQuery(
  connection: DuckDBConnection,
  { text, values }: Sql,
): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const result = await connection.runAndReadAll(text, values.map(bindable), values.map(typeOf))
  return result.getRowObjects()
}

function bindable(value: SqlValue): string | bigint | DuckDBTimestampNanosecondsValue {
  return typeof value === 'object' ? new DuckDBTimestampNanosecondsValue(value.nanos) : value
}

function typeOf(value: SqlValue) {
  if (typeof value === 'string') return VARCHAR
  return typeof value === 'bigint' ? BIGINT : TIMESTAMP_NS
}
