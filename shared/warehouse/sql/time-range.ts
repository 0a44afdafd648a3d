/** A range of start times in nanoseconds since 1970: `from` inclusive, `to` exclusive. */
export interface TimeRange {
  readonly from: bigint
  readonly to?: bigint
}

/** When the spans of rows with a `start_nanos`, one at least, started: from the first of them until after the last. */
export function timeOf(rows: readonly Readonly<Record<string, unknown>>[]): TimeRange {
  let [from, last] = [rows[0]?.start_nanos as bigint, rows[0]?.start_nanos as bigint]
  for (const { start_nanos: start } of rows as readonly { readonly start_nanos: bigint }[]) {
    if (start < from) from = start
    if (start > last) last = start
  }
  return { from, to: last + 1n }
}
