import type { RejectReason } from './rejections.ts'
import { WireWriter } from './wire-writer.ts'

/** The two encodings of OTLP/HTTP. */
export const ENCODINGS = { protobuf: 'application/x-protobuf', json: 'application/json' } as const
export type OtlpEncoding = keyof typeof ENCODINGS

/** What {@link encodeResponse} tells of refused spans. */
export interface PartialSuccess {
  readonly rejectedSpans: number
  readonly errorMessage: string
}

/** `google.rpc.Code` numbers that OTLP errors use. */
export const RPC_CODES = {
  invalidArgument: 3,
  permissionDenied: 7,
  resourceExhausted: 8,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  unauthenticated: 16,
} as const
export type RpcCode = (typeof RPC_CODES)[keyof typeof RPC_CODES]

/**
 * How many spans were refused and why, for the client's log: `2 spans rejected: 2 invalid_trace_id (first: span 7 of the request, from 0)`. Built of
 * our own words and numbers only, never of what the client sent. Undefined where nothing was rejected.
 */
export function describeRejections(
  rejected: ReadonlyMap<RejectReason, number>,
  examples: ReadonlyMap<RejectReason, number>,
): PartialSuccess | undefined {
  if (rejected.size === 0) return undefined
  let rejectedSpans = 0
  const reasons: string[] = []
  for (const [reason, count] of rejected) {
    rejectedSpans += count
    const example = examples.get(reason)
    reasons.push(`${count} ${reason}${example === undefined ? '' : ` (first: span ${example} of the request, from 0)`}`)
  }
  const spans = rejectedSpans === 1 ? 'span' : 'spans'
  return { rejectedSpans, errorMessage: `${rejectedSpans} ${spans} rejected: ${reasons.join(', ')}` }
}

/** An `ExportTraceServiceResponse`; `partialSuccess` is absent unless given. */
export function encodeResponse(encoding: OtlpEncoding, partial?: PartialSuccess): Uint8Array {
  if (encoding === 'json') {
    if (partial === undefined) return json({})
    const { rejectedSpans, errorMessage } = partial
    return json({ partialSuccess: { rejectedSpans: String(rejectedSpans), errorMessage } })
  }
  const writer = new WireWriter(256)
  if (partial !== undefined) {
    const start = writer.open(0x0a, partial.errorMessage.length + 8)
    writer.int64(0x08, BigInt(partial.rejectedSpans))
    writer.string(0x12, partial.errorMessage)
    writer.close(start, partial.errorMessage.length + 8)
  }
  return writer.take()
}

/** A `google.rpc.Status`. */
export function encodeStatus(encoding: OtlpEncoding, code: RpcCode, message: string): Uint8Array {
  if (encoding === 'json') return json({ code, message })
  const writer = new WireWriter(256)
  writer.uint32(0x08, code)
  writer.string(0x12, message)
  return writer.take()
}

function json(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value))
}
