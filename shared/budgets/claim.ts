/**
 * What is known of one span in one bucket. Of all that is said of it the highest revision holds, and of one revision the highest
 * amount; it counts once anything said that it belongs to the budget. So two claims join to the same one in either order, any number
 * of times: that is why neither order nor repetition changes a sum.
 */
export interface Claimed {
  /** 0 as first priced; a correction's is higher. */
  readonly revision: number
  /** In the budget's unit; {@link UNKNOWN} where it is not known. */
  readonly value: bigint
  /** Whether the span is one of the budget's: a correction says too little of a span to tell. */
  readonly matched: boolean
}

export const UNKNOWN = -1n

/** What both say together. */
export function joinClaims(a: Claimed | undefined, b: Claimed): Claimed {
  if (a === undefined) return b
  const last = b.revision > a.revision || (b.revision === a.revision && b.value > a.value) ? b : a
  return { revision: last.revision, value: last.value, matched: a.matched || b.matched }
}

export function sameClaim(a: Claimed | undefined, b: Claimed): boolean {
  return a !== undefined && a.revision === b.revision && a.value === b.value && a.matched === b.matched
}

/** What a claim adds to what its bucket has spent. */
export function spentBy(claimed: Claimed | undefined): bigint {
  return claimed?.matched && claimed.value > 0n ? claimed.value : 0n
}

/** What a claim adds to the count of calls whose amount is not known. */
export function unknownBy(claimed: Claimed | undefined): number {
  return claimed?.matched && claimed.value === UNKNOWN ? 1 : 0
}
