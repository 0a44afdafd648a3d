import type { PriceList } from '../plan.ts'
import { type Amendment, from } from './amendment.ts'

const PRICING = 'https://platform.claude.com/docs/en/about-claude/pricing'

const SONNET: PriceList = {
  input_mtok: 2,
  cache_write_mtok: 2.5,
  cache_write_1h_mtok: 4,
  output_mtok: 10,
  web_searches_kcount: 10,
}
const REGIONAL_SONNET: PriceList = {
  input_mtok: 2.2,
  cache_write_mtok: 2.75,
  cache_write_1h_mtok: 4.4,
  output_mtok: 11,
}

/** Dearer in all of its tokens where a prompt has more than 100,000. */
const tiered = (base: number, price: number) => ({ base, tiers: [{ start: 100_000, price }] })
const HAIKU: PriceList = {
  input_mtok: tiered(0.1, 0.5),
  cache_write_mtok: tiered(0.125, 0.625),
  cache_write_1h_mtok: tiered(0.2, 1),
  cache_read_mtok: tiered(0.01, 0.05),
  output_mtok: tiered(0.5, 2.5),
}
const REGIONAL_HAIKU: PriceList = {
  input_mtok: tiered(0.11, 0.55),
  cache_write_mtok: tiered(0.1375, 0.6875),
  cache_write_1h_mtok: tiered(0.22, 1.1),
  cache_read_mtok: tiered(0.011, 0.055),
  output_mtok: tiered(0.55, 2.75),
}

/** Models newer than the catalogue. What Sonnet reads from the cache became cheaper on a day of which the hour is not known. */
const ANTHROPIC: readonly Amendment[] = [
  {
    seller: 'anthropic',
    models: ['claude-sonnet-5-5'],
    sources: [
      'https://platform.claude.com/docs/en/models/sonnet-5-5/overview',
      'https://github.com/kurofune/claudit/releases/tag/v1.9.2',
      'https://github.com/TheKrush/PromptFuel/releases/tag/v1.0.23',
    ],
    read: '2026-10-24',
    prices: [
      { prices: { ...SONNET, cache_read_mtok: 0.2 } },
      from('2026-10-07', { ...SONNET, cache_read_mtok: null }),
      from('2026-10-08', { ...SONNET, cache_read_mtok: 0.1 }),
    ],
  },
  {
    seller: 'anthropic',
    models: ['claude-haiku-5-5'],
    sources: [
      'https://platform.claude.com/docs/en/models/haiku-5-5/overview.md',
      'https://github.com/kurofune/claudit/releases/tag/v1.9.2',
      'https://apidog.com/blog/how-to-use-claude-haiku-5-5-api/',
    ],
    read: '2026-10-24',
    prices: { ...HAIKU, web_searches_kcount: 10 },
  },
]

const regional = (model: string) => ['', 'us.', 'eu.', 'jp.', 'au.'].map((place) => `${place}anthropic.${model}`)

/** Inference that is to stay in a region costs a tenth more on Bedrock. */
const BEDROCK_PAGES = [PRICING, 'https://apify.com/apify/aws-bedrock-proxy']
const BEDROCK_NEW: readonly Amendment[] = [
  {
    seller: 'aws',
    models: ['global.anthropic.claude-sonnet-5-5'],
    sources: BEDROCK_PAGES,
    read: '2026-10-24',
    prices: [{ prices: { ...SONNET, cache_read_mtok: null } }, from('2026-10-08', { ...SONNET, cache_read_mtok: 0.1 })],
  },
  {
    seller: 'aws',
    models: regional('claude-sonnet-5-5'),
    sources: BEDROCK_PAGES,
    read: '2026-10-24',
    prices: [
      { prices: { ...REGIONAL_SONNET, cache_read_mtok: null } },
      from('2026-10-08', { ...REGIONAL_SONNET, cache_read_mtok: 0.11 }),
    ],
  },
  {
    seller: 'aws',
    models: ['global.anthropic.claude-haiku-5-5'],
    sources: BEDROCK_PAGES,
    read: '2026-10-24',
    prices: HAIKU,
  },
  {
    seller: 'aws',
    models: regional('claude-haiku-5-5'),
    sources: BEDROCK_PAGES,
    read: '2026-10-24',
    prices: REGIONAL_HAIKU,
  },
]

/** Prices of writes to the cache for an hour, by place and model: twice those of input. */
const BEDROCK_HOURS: Readonly<Record<string, readonly [globally: number, regionally: number]>> = {
  'haiku-4-5-20251001-v1:0': [2, 2.2],
  'sonnet-4-5-20250929-v1:0': [6, 6.6],
  'sonnet-4-6-v1:0': [6, 6.6],
  'sonnet-5-v1:0': [4, 4.4],
  'opus-4-5-v1:0': [10, 11],
  'opus-4-6-v1:0': [10, 11],
  'opus-4-7-v1:0': [10, 11],
  'opus-4-8-v1:0': [10, 11],
  'opus-5': [10, 11],
  'fable-5-v1:0': [20, 22],
  'fable-5-1-v1:0': [20, 22],
}

const BEDROCK_WRITES = Object.entries(BEDROCK_HOURS).flatMap(([model, prices]) =>
  ['global', 'regional'].map(
    (place, index): Amendment => ({
      seller: 'aws',
      models: [`${place}.anthropic.claude-${model}`],
      sources: [PRICING, 'https://github.com/BerriAI/litellm/blob/main/model_prices_and_context_window.json'],
      read: '2026-10-24',
      change: { cache_write_1h_mtok: prices[index]! },
    }),
  ),
)

/** Claude at its maker's and on Bedrock. */
export const CLAUDE: readonly Amendment[] = [...ANTHROPIC, ...BEDROCK_NEW, ...BEDROCK_WRITES]
