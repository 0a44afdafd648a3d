/**
 * A hash of a span's identity: the trace's 32 bits above the span's, so that the keys of one trace are one range.
 * Not a proof of identity: whoever finds a key compares project, trace id and span id.
 */
export interface SpanKey {
  readonly trace: number
  readonly span: number
}

/** The key of a span of `project`. */
export function spanKey(project: string, traceId: string, spanId: string): SpanKey {
  const trace = mix(hashText(traceId, hashText(project, 0x9e3779b9)))
  return { trace, span: mix(hashText(spanId, trace)) }
}

/** The key as DuckDB's BIGINT. */
export function keyToInt64({ trace, span }: SpanKey): bigint {
  return BigInt.asIntN(64, (BigInt(trace) << 32n) | BigInt(span))
}

/** The inverse of {@link keyToInt64}. */
export function keyFromInt64(key: bigint): SpanKey {
  return { trace: Number(BigInt.asUintN(32, key >> 32n)), span: Number(BigInt.asUintN(32, key)) }
}

function hashText(text: string, seed: number): number {
  let hash = seed | 0
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193)
  return hash
}

/** Spreads every input bit over all output bits. */
function mix(hash: number): number {
  let mixed = Math.imul(hash ^ (hash >>> 16), 0x7feb352d)
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x846ca68b)
  return (mixed ^ (mixed >>> 16)) >>> 0
}
