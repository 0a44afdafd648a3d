import type { Dialect } from '../sql/dialect.ts'
import { sql } from '../sql/statement.ts'

const BILLION = 1_000_000_000n
const AMOUNT_DIGITS = 29

/**
 * SQLite's SQL: times are integers, attributes JSON. Its sum() fails beyond 2^63, so a sum is decimal text: the sums of the
 * billions and of the rest, padded to 20 and 9 digits, which compares as the number does; '' stands for -1.
 */
export const sqliteDialect: Dialect = {
  nanos: (timestamp) => timestamp,
  hasAttribute: (key, value) =>
    sql`EXISTS (SELECT 1 FROM json_each(attributes) a WHERE a.value ->> '$.key' = ${key} AND a.value ->> '$.value' = ${value})`,
  sum: (integer) => sql`CASE WHEN count(${integer}) > 0 THEN printf('%020d%09d',
    sum(${integer} / ${BILLION}) + sum(${integer} % ${BILLION}) / ${BILLION}, sum(${integer} % ${BILLION}) % ${BILLION}) END`,
  amount: (amount) => sql`${amount < 0n ? '' : amount.toString().padStart(AMOUNT_DIGITS, '0')}`,
  readAmount: (stored) => (stored === '' ? -1n : BigInt(stored as string)),
  countIf: (condition) => sql`count(*) FILTER (WHERE ${condition})`,
  modulo: (integer, divisor) => sql`${integer} % ${divisor}`,
  percentile: (integer, percent, condition) =>
    sql`nearest_rank(${integer}, ${BigInt(percent)}) FILTER (WHERE ${condition})`,
  distinctTexts: (text) => sql`json_group_array(DISTINCT ${text}) FILTER (WHERE ${text} <> '')`,
  jsonText: (json, path) => sql`CASE WHEN json_valid(${json}) THEN coalesce(${json} ->> ${path}, '') ELSE '' END`,
  readNanos: (stored) => stored as bigint,
  readAttributes: (stored) =>
    (JSON.parse(stored as string) as { key: string; value: string }[]).map(({ key, value }) => [key, value]),
}
