import { type Amendment, from } from './amendment.ts'

const MISTRAL_DOCS = 'https://github.com/mistralai/platform-docs-public/blob/main/src/schema/models/models'
const MISTRAL_PRICING = 'https://docs.mistral.ai/inference/pricing'

/** Names that moved on to other models. */
const MISTRAL: readonly Amendment[] = [
  {
    seller: 'mistral',
    models: ['mistral-large-latest'],
    sources: [`${MISTRAL_DOCS}/mistral-large-3-25-12.ts`, MISTRAL_PRICING],
    read: '2026-09-29',
    prices: [
      { prices: { input_mtok: 2, output_mtok: 6 } },
      from('2025-12-02', { input_mtok: 0.5, cache_read_mtok: 0.05, output_mtok: 1.5 }),
    ],
  },
  {
    seller: 'mistral',
    models: ['mistral-small-latest'],
    sources: [`${MISTRAL_DOCS}/mistral-small-4-0-26-03.ts`, MISTRAL_PRICING],
    read: '2026-09-29',
    later: [from('2026-03-16', { input_mtok: 0.15, cache_read_mtok: 0.015, output_mtok: 0.6 })],
  },
  {
    seller: 'mistral',
    models: ['codestral-latest'],
    sources: [`${MISTRAL_DOCS}/codestral-25-08.ts`, MISTRAL_PRICING],
    read: '2026-09-29',
    prices: [
      { prices: { input_mtok: 0.3, output_mtok: 0.9 } },
      from('2025-07-30', { input_mtok: 0.3, cache_read_mtok: 0.03, output_mtok: 0.9 }),
    ],
  },
  {
    seller: 'mistral',
    models: ['codestral-embed'],
    sources: ['https://docs.mistral.ai/models/codestral-embed-25-05', 'https://github.com/iyulab/tokenmeter'],
    read: '2026-08-27',
    prices: { input_mtok: 0.15 },
  },
]

/** A context is long from the 200,000th token on. */
const long = (base: number) => ({ base, tiers: [{ start: 199_999, price: 2 * base }] })

const XAI: readonly Amendment[] = [
  {
    seller: 'x-ai',
    models: ['grok-4.7'],
    sources: ['https://docs.x.ai/developers/models/grok-4.7', 'https://apidog.com/blog/how-to-use-grok-4-7-api/'],
    read: '2026-09-29',
    prices: { input_mtok: long(2), cache_read_mtok: long(0.5), output_mtok: long(6) },
  },
  {
    seller: 'x-ai',
    models: ['grok-4.20-0309', 'grok-4.20-0309-reasoning', 'grok-4.20-reasoning'],
    sources: ['https://docs.x.ai/developers/models/grok-4.20-0309.md'],
    read: '2026-11-21',
    prices: { input_mtok: long(1.25), cache_read_mtok: long(0.2), output_mtok: long(2.5) },
  },
]

const GROQ: readonly Amendment[] = [
  {
    // The catalogue has it at the price of gpt-oss-120b. Two prices are quoted of what it reads from the cache.
    seller: 'groq',
    models: ['openai/gpt-oss-safeguard-20b'],
    sources: ['https://groq.com/pricing', 'https://openrouter.ai/openai/gpt-oss-safeguard-20b'],
    read: '2026-09-23',
    prices: { input_mtok: 0.075, cache_read_mtok: null, output_mtok: 0.3 },
  },
]

/** Sellers of whom little is amended. */
export const OTHERS: readonly Amendment[] = [...MISTRAL, ...XAI, ...GROQ]
