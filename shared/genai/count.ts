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
