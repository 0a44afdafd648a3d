import type { PriceList } from './plan.ts'

/** What is free though no price of it is listed. */
export const FREE_PRICES: PriceList = { input_mtok: 0, output_mtok: 0 }

/** Open weights that the catalogue has at what others take for them: who is named as their seller publishes no price. */
const OPEN_WEIGHTS: readonly string[] = [
  'openai/gpt-oss-120b',
  'openai/gpt-oss-20b',
  'openai/gpt-oss-safeguard-20b',
  'google/gemma-2-27b-it',
  'mistral/mistral-small-3.1-24b-instruct',
  'mistral/mistral-small-3.2-24b-instruct',
  'azure/phi-4-mini-instruct',
]

/** Models of which the catalogue has the price of text alone, at which it would have sound too. */
const SOUND_APART: readonly string[] = ['openai/gpt-4o-audio-preview', 'openai/gpt-4o-mini-audio-preview']

/** All that {@link amendPrices} goes by: a catalogue's version changes with it. */
export const AMENDMENTS = [OPEN_WEIGHTS, SOUND_APART]

/** Prices of a model (`openai/gpt-4o`) as its seller has them, from those listed: what is not known to be its price is left out. */
export function amendPrices(id: string, listed: PriceList): PriceList {
  if (id.endsWith(':free')) return FREE_PRICES
  if (OPEN_WEIGHTS.includes(id)) return {}
  return SOUND_APART.includes(id) ? { ...listed, input_audio_mtok: null, output_audio_mtok: null } : listed
}
