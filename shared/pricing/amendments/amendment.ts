import type { ListedModel, ListedPeriod } from '../listing.ts'
import type { PriceList } from '../plan.ts'

/**
 * What a seller takes where the catalogue has it wrong, late or not at all. Data alone, without functions: the version of
 * the catalogue is a digest of it.
 */
export type Amendment = AmendedModels & Amended

interface AmendedModels {
  /** The seller, by its id in the catalogue. */
  readonly seller: string
  /**
   * By their ids, models that the catalogue lists. Any other is added: it is recognised by that name, with what else the names
   * of its releases have.
   */
  readonly models: readonly string[]
  /** The seller's own page, or what quotes it. */
  readonly sources: readonly string[]
  /** When that was read or published: `2026-11-15`. */
  readonly read: string
}

/** How. */
export type Amended =
  /** These instead of the listed ones; `{}` for what that seller does not sell. */
  | { readonly prices: ListedModel['prices'] }
  /** These after the listed ones, which hold again from a time on, if there is one. */
  | { readonly later: readonly ListedPeriod[]; readonly until?: string }
  /** These among the listed ones, at all times; null for one that is not known. */
  | { readonly change: PriceList }
  /** The largest input, in tokens, to which the listed prices of a short context apply. */
  | { readonly longContextAbove: number }

/** Prices from a day (UTC) or an instant on, or why nobody knows them. */
export function from(start_date: string, prices: PriceList | string): ListedPeriod {
  return { constraint: { type: 'start_date', start_date }, prices }
}
