import type { AttributeValue } from '../spans/attributes.ts'
import { MAX_COUNT } from './usage.ts'

/** What {@link readCount} gives for a value that is no count. */
export const NOT_A_COUNT = -1

/**
 * A token count: a whole number in [0, MAX_COUNT], as int64 or as a double without fraction. Anything else, numerals in
 * strings included, is refused: a price must not rest on a guess.
 */
export function readCount(value: AttributeValue): number {
  if (typeof value === 'bigint') return value >= 0n && value <= BigInt(MAX_COUNT) ? Number(value) : NOT_A_COUNT
  if (typeof value !== 'number' || !Number.isInteger(value)) return NOT_A_COUNT
  return value >= 0 && value <= MAX_COUNT ? value + 0 : NOT_A_COUNT
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
