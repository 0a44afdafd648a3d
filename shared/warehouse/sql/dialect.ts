import type { Sql } from './statement.ts'

/** All in which the stores' SQL differs. Everything else is written once, in the other files of this folder. */
export interface Dialect {
  /** Columns of the store's own that it needs to make spans of rows. */
  readonly ownColumns?: readonly string[]
  /** A timestamp expression as integer nanoseconds since 1970. */
  nanos(timestamp: Sql): Sql
  /** Whether the span has the attribute with this value text. */
  hasAttribute(key: string, value: string): Sql
  /**
   * The exact sum of non-negative integers, NULL where there are none. Comparable with itself and with
   * {@link Dialect.amount}; {@link Dialect.readAmount} makes it a number.
   */
  sum(integer: Sql): Sql
  /** `amount` (-1 or more) as comparable with sums. */
  amount(amount: bigint): Sql
  readAmount(stored: unknown): bigint
  /** How many rows meet `condition`. */
  countIf(condition: Sql): Sql
  /** The rest of `integer`, which is not negative, divided by a positive one. */
  modulo(integer: Sql, divisor: bigint): Sql
  /** Nearest-rank percentile (1 to 99) of the integers of those rows that meet `condition`; NULL without such rows. */
  percentile(integer: Sql, percent: number, condition: Sql): Sql
  /** The distinct texts, '' excepted, as a JSON array in any order. */
  distinctTexts(text: Sql): Sql
  /** The text at `path`, a literal such as `'$.a'`, in a text column that holds JSON or nothing; '' where there is none. */
  jsonText(json: Sql, path: Sql): Sql
  /** A timestamp as it came from the store, in nanoseconds since 1970. */
  readNanos(stored: unknown): bigint
  /** The keys and value texts of an attributes column, in order. */
  readAttributes(stored: unknown): readonly (readonly [key: string, text: string])[]
}
