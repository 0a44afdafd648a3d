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
  /** Attributes in our own namespace that were taken off. */
  readonly stripped: number
}

/** Notes that the span at `index` was refused. */
export function reject(
  traces: Pick<DecodedTraces, 'rejected' | 'examples'>,
  reason: RejectReason,
  index: number,
): void {
  const count = traces.rejected.get(reason)
  if (count === undefined) traces.examples.set(reason, index)
  traces.rejected.set(reason, (count ?? 0) + 1)
}
