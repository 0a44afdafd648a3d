import type { StoredSum } from './stored-sums.ts'

/** What was seen of one bucket, in this order: the ledger, the warehouse, the ledger again. Amounts in the budget's unit. */
export interface Observation {
  readonly before: bigint
  readonly stored: StoredSum
  readonly after: bigint
  /** Whether no message was on its way, before and after; undefined where nobody can tell. */
  readonly isIdle: boolean | undefined
  /** Whether a message brought something to the ledger so lately that it may still be on its way to the warehouse. */
  readonly isFresh: boolean
  /** Whether the ledger has taken more spans than the warehouse. */
  readonly isAhead: boolean
}

/** By how much the ledger is to be corrected, or why it is not. */
export type Verdict =
  | { readonly kind: 'equal' }
  | { readonly kind: 'correct'; readonly amount: bigint }
  | { readonly kind: 'wait'; readonly reason: string }

/**
 * Judges what was seen once the settled spans of the warehouse had all been charged, so that none of them is on its way to the ledger: what
 * the ledger then lacks, it lacks. What it has too much may be of spans on their way to the warehouse, so it is only taken off where
 * there can be none. Where nobody can tell, the same must be seen twice: `earlier` is what was seen before.
 */
export function judge(seen: Observation, earlier?: Observation): Verdict {
  const { before, stored, after, isIdle, isFresh, isAhead } = seen
  if (stored.isUnclear)
    return wait('the reservation that a span names is forgotten, or the key that sent it not stored')
  if (stored.settled <= after && after <= stored.amount) return { kind: 'equal' }
  if (before !== after) return wait('spans are on their way')
  if (isIdle === false) return wait('spans are on their way, or dead to the warehouse until npm run replay')
  const amount = (after < stored.settled ? stored.settled : stored.amount) - after
  if (isIdle) return { kind: 'correct', amount }
  if (amount < 0n && (isFresh || !stored.isSettled)) return wait('spans still come to it')
  if (isAhead) return wait('the ledger has taken spans that the warehouse has not')
  if (earlier?.after !== after || earlier.stored.settled !== stored.settled) return wait('it was seen only once')
  return { kind: 'correct', amount }
}

function wait(reason: string): Verdict {
  return { kind: 'wait', reason }
}
