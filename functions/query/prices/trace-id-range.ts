import type { SpanFilter } from '../../../shared/warehouse/trace-store.ts'

const BITS = 128
/** Traces come one by one long before a range is that small. */
export const MAX_DEPTH = 120

/** The trace id before all others. */
export const FIRST_TRACE_ID = '0'.repeat(32)

/** The trace ids from `from` to the end of the 2^`depth`-th part of all that it is in; no `to`: there are none behind. */
export function traceIdRange(from: string, depth: number): NonNullable<SpanFilter['traceIds']> {
  const width = 1n << BigInt(BITS - depth)
  const end = (BigInt(`0x${from}`) / width + 1n) * width
  return end >> BigInt(BITS) > 0n ? { from } : { from, to: end.toString(16).padStart(32, '0') }
}
