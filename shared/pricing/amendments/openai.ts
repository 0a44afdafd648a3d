import type { PriceList } from '../plan.ts'
import type { Amendment } from './amendment.ts'

const LONG_CONTEXT = 272_000

/** Beyond which input and cache cost twice as much, and output half as much again. */
const tokens = (input: number, cacheRead: number, cacheWrite: number, output: number): PriceList => ({
  input_mtok: { base: input, tiers: [{ start: LONG_CONTEXT, price: 2 * input }] },
  cache_read_mtok: { base: cacheRead, tiers: [{ start: LONG_CONTEXT, price: 2 * cacheRead }] },
  cache_write_mtok: { base: cacheWrite, tiers: [{ start: LONG_CONTEXT, price: 2 * cacheWrite }] },
  output_mtok: { base: output, tiers: [{ start: LONG_CONTEXT, price: 1.5 * output }] },
  web_searches_kcount: 10,
})

/** Writes are those for 30 minutes. Those for 12 hours, which one has to ask for, cost twice as much; no emitter tells them apart. */
export const OPENAI: readonly Amendment[] = [
  {
    seller: 'openai',
    models: ['gpt-6.2-sol'],
    sources: ['https://developers.openai.com/api/docs/models/gpt-6.2-sol.md'],
    read: '2026-11-18',
    prices: tokens(2, 0.1, 2.5, 10),
  },
  {
    seller: 'openai',
    models: ['gpt-6.1-sol'],
    sources: ['https://docs.apiyi.com/en/news/gpt-6-1-sol-launch.md', 'https://wavespeed.ai/llm/openai/gpt-6.1-sol'],
    read: '2026-09-30',
    prices: tokens(2, 0.1, 2.5, 10),
  },
  {
    seller: 'openai',
    models: ['gpt-6.1-terra'],
    sources: [
      'https://docs.apiyi.com/en/news/gpt-6-1-terra-launch.md',
      'https://apidog.com/blog/gpt-6-1-terra-pricing/',
    ],
    read: '2026-10-27',
    prices: tokens(1, 0.05, 1.25, 5),
  },
  {
    // The catalogue has a call of exactly that size at the price of larger ones.
    seller: 'openai',
    models: [
      'gpt-5.4',
      'gpt-5.4-pro',
      'gpt-5.5',
      'gpt-5.5-pro',
      'gpt-5.6-luna',
      'gpt-5.6-sol',
      'gpt-5.6-terra',
      'gpt-6-astra',
    ],
    sources: [
      'https://developers.openai.com/api/docs/models/gpt-6.2-sol.md',
      'https://docs.perplexity.ai/docs/gateway/models',
    ],
    read: '2026-11-18',
    longContextAbove: LONG_CONTEXT,
  },
  {
    // The catalogue has the price of text alone, at which it would have sound too.
    seller: 'openai',
    models: ['gpt-4o-audio-preview', 'gpt-4o-mini-audio-preview'],
    sources: ['https://developers.openai.com/api/docs/pricing'],
    read: '2026-09-23',
    change: { input_audio_mtok: null, output_audio_mtok: null },
  },
]
