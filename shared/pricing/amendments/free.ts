import type { PriceList } from '../plan.ts'

/** What is free though no price of it is listed. */
export const FREE_PRICES: PriceList = { input_mtok: 0, output_mtok: 0 }

/** The prices that are listed for a model; of one that is called free, that it is. */
export function freeOr<Listed>(id: string, listed: Listed): Listed | PriceList {
  return id.endsWith(':free') ? FREE_PRICES : listed
}
