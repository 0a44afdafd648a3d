import type { AttributeValue } from '../spans/attributes.ts'
import { MAX_COUNT } from './usage.ts'

/** What {@link readCount} gives for a value that is no count. */
export const NOT_A_COUNT = -1

/**
 * A token count: a whole number in [0, MAX_COUNT], as int64 or as a double without fraction. Anything else, numerals in
 * strings included, is refused: a price must not rest on a guess.
 */
export function readCount(value: AttributeValue): number {
  // What is too large stays so when it is rounded to a double.
  const count = typeof value === 'bigint' ? Number(value) : value
  if (typeof count !== 'number' || !Number.isInteger(count)) return NOT_A_COUNT
  return count >= 0 && count <= MAX_COUNT ? count + 0 : NOT_A_COUNT
}

/** The sum of some counts, leaving out those that are absent; the first that is no count, if one is, to be refused. */
export function sumCounts(values: readonly (AttributeValue | undefined)[]): AttributeValue {
  let sum = 0
  for (const value of values) {
    if (value === undefined || value === null) continue
    const count = readCount(value)
    if (count === NOT_A_COUNT) return value
    sum += count
  }
  return sum
}
