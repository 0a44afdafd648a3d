import type { DuckDBListValue, DuckDBStructValue, DuckDBTimestampNanosecondsValue } from '@duckdb/node-api'
import { LARGE_PARTS, SPAN_KEY } from '../ddl/duckdb.ts'
import type { Dialect } from '../sql/dialect.ts'
import { sql } from '../sql/statement.ts'

const FRACTIONS: Readonly<Record<number, string>> = { 50: '0.5', 95: '0.95', 99: '0.99' }

/** DuckDB's SQL: sums are HUGEINT, attributes a list of structs, times TIMESTAMP_NS. */
export const duckDbDialect: Dialect = {
  ownColumns: [SPAN_KEY, LARGE_PARTS],
  nanos: (timestamp) => sql`epoch_ns(${timestamp})`,
  hasAttribute: (key, value) => sql`list_contains(attributes, struct_pack(key := ${key}, value := ${value}))`,
  sum: (integer) => sql`sum(${integer})`,
  amount: (amount) => sql`${amount.toString()}::HUGEINT`,
  readAmount: (stored) => stored as bigint,
  countIf: (condition) => sql`count(*) FILTER (WHERE ${condition})`,
  modulo: (integer, divisor) => sql`${integer} % ${divisor}`,
  percentile: (integer, percent, condition) => {
    const fraction = { text: FRACTIONS[percent] as string, values: [] }
    return sql`quantile_disc(${integer}, ${fraction}) FILTER (WHERE ${condition})`
  },
  distinctTexts: (text) => sql`to_json(list(DISTINCT ${text}) FILTER (WHERE ${text} <> ''))`,
  jsonText: (json, path) => sql`CASE WHEN json_valid(${json}) THEN coalesce(${json} ->> ${path}, '') ELSE '' END`,
  readNanos: (stored) => (stored as DuckDBTimestampNanosecondsValue).nanos,
  readAttributes: (stored) =>
    (stored as DuckDBListValue).items.map((item) => {
      const { key, value } = (item as DuckDBStructValue).entries
      return [key as string, value as string]
    }),
}
