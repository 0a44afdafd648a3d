import type { Dialect } from '../sql/dialect.ts'
import { type Sql, sql } from '../sql/statement.ts'

/**
 * BigQuery's SQL, over the table expression of `scope.ts`: there times are integer nanoseconds. Sums are NUMERIC, which ends at
 * 29 digits before the point; percentiles are exact, as BigQuery's own approximate ones are not.
 */
export const bigQueryDialect: Dialect = {
  nanos: (timestamp) => timestamp,
  hasAttribute: (key, value) =>
    sql`EXISTS (SELECT 1 FROM UNNEST(attributes) AS a WHERE a.key = ${key} AND a.value = ${value})`,
  sum: (integer) => sql`SUM(CAST(${integer} AS NUMERIC))`,
  amount: (amount) => sql`CAST(${amount.toString()} AS NUMERIC)`,
  readAmount: (stored) => BigInt(String(stored)),
  countIf: (condition) => sql`COUNTIF(${condition})`,
  modulo: (integer, divisor) => sql`MOD(${integer}, ${divisor})`,
  percentile: (integer, percent, condition) => {
    const rank: Sql = { text: String(percent), values: [] }
    return sql`ARRAY_AGG(IF(${condition}, ${integer}, NULL) IGNORE NULLS ORDER BY IF(${condition}, ${integer}, NULL))[SAFE_ORDINAL(DIV((COUNTIF(${condition}) * ${rank} + 99), 100))]`
  },
  distinctTexts: (text) =>
    sql`IF(COUNTIF(${text} <> '') = 0, '[]', TO_JSON_STRING(ARRAY_AGG(DISTINCT NULLIF(${text}, '') IGNORE NULLS)))`,
  jsonText: (json, path) => sql`IFNULL(JSON_VALUE(NULLIF(${json}, ''), ${path}), '')`,
  readNanos: (stored) => stored as bigint,
  readAttributes: (stored) =>
    ((stored ?? []) as readonly { key: string; value: string }[]).map(({ key, value }) => [key, value]),
}
