import type { Span } from '../spans/span.ts'

/** Why a span was refused. Stable: clients, counters and dashboards know them. */
export const REJECT_REASONS = [
  'invalid_trace_id',
  'invalid_span_id',
  'invalid_parent_span_id',
  'invalid_link_id',
  'invalid_time',
  'invalid_field',
  'name_too_long',
  'too_many_attributes',
  'attribute_too_long',
  'too_deep',
  'resource_too_large',
  'span_too_large',
] as const
export type RejectReason = (typeof REJECT_REASONS)[number]

/** What a request held: the spans to keep, in its order, and how many were refused. */
export interface DecodedTraces {
  readonly spans: Span[]
  /** Refused spans by reason. */
  readonly rejected: Map<RejectReason, number>
  /** Of each reason the place of a span in the request, from 0. None for `span_too_large`, which is found after decoding. */
  readonly examples: Map<RejectReason, number>
  /** Attributes that only we may set, taken off. */
  readonly stripped: number
}

/** Notes that a span was refused: the one at `index` of the request, if that is known. */
export function reject(
  { rejected, examples }: Pick<DecodedTraces, 'rejected' | 'examples'>,
  reason: RejectReason,
  index?: number,
): void {
  if (index !== undefined && !rejected.has(reason)) examples.set(reason, index)
  rejected.set(reason, (rejected.get(reason) ?? 0) + 1)
}
