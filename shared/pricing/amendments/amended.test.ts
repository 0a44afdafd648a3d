import { expect, test } from 'vitest'
import { emptyUsage, LEAF, type Leaf } from '../../genai/usage.ts'
import { createCatalogue, loadProviders } from '../catalogue.ts'
import { bill } from '../receipt.ts'
import { AMENDMENTS } from './index.ts'

type Row = readonly [
  provider: string,
  model: string,
  time: string,
  usage: Partial<Record<Leaf, number>>,
  /** In 1e-12 USD, or why there is none. */
  cost: bigint | RegExp,
]

const NOW = '2026-11-18T12:00:00Z'
const TEXT = { input_tokens: 1000, output_tokens: 100 }
const CACHED = { input_tokens: 600, cache_read_tokens: 400, output_tokens: 100 }
const WRITTEN = { ...CACHED, cache_write_5m_tokens: 200 }
const HOUR = { cache_write_1h_tokens: 1000 }

const catalogue = createCatalogue(await loadProviders(), 'x')

function cost([provider, model, time, quantities]: Row): bigint | string {
  const quote = catalogue.find({ provider, model, asked: model, serviceTier: '', project: 'p' })
  const plan = typeof quote === 'string' ? quote : quote.at(BigInt(Date.parse(time)) * 1_000_000n)
  if (typeof plan === 'string' || plan.unpriced !== '') return typeof plan === 'string' ? plan : plan.unpriced
  const usage = emptyUsage()
  for (const [leaf, quantity] of Object.entries(quantities)) usage[LEAF[leaf as Leaf]] = quantity
  const billed = bill(usage, plan)
  return 'unpriced' in billed ? billed.unpriced : billed.total
}

/** Quantity times price: 2 USD per million tokens are 2,000,000 units a token. */
const OPENAI: readonly Row[] = [
  ['openai', 'gpt-6.2-sol', NOW, WRITTEN, 600n * 2_000_000n + 400n * 100_000n + 200n * 2_500_000n + 100n * 10_000_000n],
  ['openai', 'gpt-6.2-sol', NOW, { input_tokens: 272_000, output_tokens: 1 }, 272_000n * 2_000_000n + 10_000_000n],
  [
    'openai',
    'gpt-6.2-sol',
    NOW,
    { input_tokens: 271_000, cache_read_tokens: 800, cache_write_5m_tokens: 201, output_tokens: 10 },
    271_000n * 4_000_000n + 800n * 200_000n + 201n * 5_000_000n + 10n * 15_000_000n,
  ],
  [
    'openai',
    'gpt-6.1-sol-2026-09-29',
    NOW,
    WRITTEN,
    600n * 2_000_000n + 400n * 100_000n + 200n * 2_500_000n + 100n * 10_000_000n,
  ],
  [
    'openai',
    'gpt-6.1-terra',
    NOW,
    { ...WRITTEN, web_searches: 3 },
    600n * 1_000_000n + 400n * 50_000n + 200n * 1_250_000n + 100n * 5_000_000n + 3n * 10_000_000_000n,
  ],
  [
    'openai',
    'gpt-6.1-terra',
    NOW,
    { input_tokens: 272_001, output_tokens: 2 },
    272_001n * 2_000_000n + 2n * 7_500_000n,
  ],
  ...(
    [
      ['gpt-5.4', 2_500_000n, 5_000_000n],
      ['gpt-5.4-pro', 30_000_000n, 60_000_000n],
      ['gpt-5.5', 5_000_000n, 10_000_000n],
      ['gpt-5.5-pro', 30_000_000n, 60_000_000n],
      ['gpt-5.6-luna', 200_000n, 400_000n],
      ['gpt-5.6-sol', 4_000_000n, 8_000_000n],
      ['gpt-5.6-terra', 2_000_000n, 4_000_000n],
      ['gpt-6-astra', 10_000_000n, 20_000_000n],
    ] as const
  ).flatMap(([model, short, long]): Row[] => [
    ['openai', model, NOW, { input_tokens: 272_000 }, 272_000n * short],
    ['openai', model, NOW, { input_tokens: 272_001 }, 272_001n * long],
  ]),
  ['openai', 'gpt-4o-audio-preview', NOW, { input_audio_tokens: 40 }, /no price for input_audio_tokens/],
  ['openai', 'gpt-4o-mini-audio-preview', NOW, { output_audio_tokens: 40 }, /no price for output_audio_tokens/],
]

const CLAUDE: readonly Row[] = [
  ['anthropic', 'claude-sonnet-5-5', '2026-10-06T23:59:59Z', CACHED, 600n * 2_000_000n + 400n * 200_000n + 10n ** 9n],
  ['anthropic', 'claude-sonnet-5-5', '2026-10-07T00:00:00Z', CACHED, /no price for cache_read_tokens/],
  ['anthropic', 'claude-sonnet-5-5', '2026-10-07T12:00:00Z', TEXT, 1000n * 2_000_000n + 100n * 10_000_000n],
  [
    'anthropic',
    'claude-sonnet-5-5',
    '2026-10-08T00:00:00Z',
    { ...WRITTEN, ...HOUR },
    600n * 2_000_000n + 400n * 100_000n + 200n * 2_500_000n + 1000n * 4_000_000n + 100n * 10_000_000n,
  ],
  [
    'anthropic',
    'claude-haiku-5-5',
    NOW,
    { ...WRITTEN, input_tokens: 99_400, web_searches: 2 },
    99_400n * 100_000n + 400n * 10_000n + 200n * 125_000n + 100n * 500_000n + 2n * 10_000_000_000n,
  ],
  [
    'anthropic',
    'claude-haiku-5-5',
    NOW,
    { ...WRITTEN, input_tokens: 98_401, ...HOUR },
    98_401n * 500_000n + 400n * 50_000n + 200n * 625_000n + 1000n * 1_000_000n + 100n * 2_500_000n,
  ],
  ['aws.bedrock', 'global.anthropic.claude-sonnet-5-5', '2026-10-07T00:00:00Z', CACHED, /no price for cache_read/],
  [
    'aws.bedrock',
    'global.anthropic.claude-sonnet-5-5-v1:0',
    NOW,
    { ...CACHED, ...HOUR },
    600n * 2_000_000n + 400n * 100_000n + 1000n * 4_000_000n + 100n * 10_000_000n,
  ],
  ['aws.bedrock', 'global.anthropic.claude-haiku-5-5', NOW, CACHED, 600n * 100_000n + 400n * 10_000n + 100n * 500_000n],
  ...['', 'us.', 'eu.', 'jp.', 'au.'].flatMap((place): Row[] => [
    [
      'aws.bedrock',
      `${place}anthropic.claude-sonnet-5-5`,
      NOW,
      { ...WRITTEN, ...HOUR },
      600n * 2_200_000n + 400n * 110_000n + 200n * 2_750_000n + 1000n * 4_400_000n + 100n * 11_000_000n,
    ],
    [
      'aws.bedrock',
      `${place}anthropic.claude-haiku-5-5`,
      NOW,
      { input_tokens: 100_001, output_tokens: 10 },
      100_001n * 550_000n + 10n * 2_750_000n,
    ],
  ]),
  ...(
    [
      ['haiku-4-5-20251001-v1:0', 2_000_000n, 2_200_000n],
      ['sonnet-4-5-20250929-v1:0', 6_000_000n, 6_600_000n],
      ['sonnet-4-6-v1:0', 6_000_000n, 6_600_000n],
      ['sonnet-5-v1:0', 4_000_000n, 4_400_000n],
      ['opus-4-5-v1:0', 10_000_000n, 11_000_000n],
      ['opus-4-6-v1:0', 10_000_000n, 11_000_000n],
      ['opus-4-7-v1:0', 10_000_000n, 11_000_000n],
      ['opus-4-8-v1:0', 10_000_000n, 11_000_000n],
      ['opus-5', 10_000_000n, 11_000_000n],
      ['fable-5-v1:0', 20_000_000n, 22_000_000n],
      ['fable-5-1-v1:0', 20_000_000n, 22_000_000n],
    ] as const
  ).flatMap(([model, globally, regionally]): Row[] => [
    ['aws.bedrock', `global.anthropic.claude-${model}`, NOW, HOUR, 1000n * globally],
    ['aws.bedrock', `us.anthropic.claude-${model}`, NOW, HOUR, 1000n * regionally],
  ]),
]

const OTHERS: readonly Row[] = [
  ['mistral_ai', 'mistral-large-latest', '2025-12-01T23:59:59Z', TEXT, 1000n * 2_000_000n + 100n * 6_000_000n],
  ['mistral_ai', 'mistral-large-latest', NOW, CACHED, 600n * 500_000n + 400n * 50_000n + 100n * 1_500_000n],
  ['mistral_ai', 'mistral-small-latest', '2026-03-15T23:59:59Z', TEXT, 1000n * 100_000n + 100n * 300_000n],
  ['mistral_ai', 'mistral-small-latest', NOW, CACHED, 600n * 150_000n + 400n * 15_000n + 100n * 600_000n],
  ['mistral_ai', 'codestral-latest', NOW, CACHED, 600n * 300_000n + 400n * 30_000n + 100n * 900_000n],
  ['mistral_ai', 'codestral-embed-2505', NOW, { input_tokens: 8 }, 8n * 150_000n],
  ['x_ai', 'grok-4.7', NOW, CACHED, 600n * 2_000_000n + 400n * 500_000n + 100n * 6_000_000n],
  [
    'x_ai',
    'grok-4.7',
    NOW,
    { input_tokens: 199_600, cache_read_tokens: 400, output_tokens: 1 },
    199_600n * 4_000_000n + 400n * 1_000_000n + 12_000_000n,
  ],
  ['x_ai', 'grok-4.20-0309', NOW, CACHED, 600n * 1_250_000n + 400n * 200_000n + 100n * 2_500_000n],
  ['x_ai', 'grok-4.20-0309-reasoning', NOW, { input_tokens: 200_000 }, 200_000n * 2_500_000n],
  ['x_ai', 'grok-4.20-reasoning', NOW, { input_tokens: 199_999 }, 199_999n * 1_250_000n],
  ['groq', 'openai/gpt-oss-safeguard-20b', NOW, TEXT, 1000n * 75_000n + 100n * 300_000n],
  ['groq', 'openai/gpt-oss-safeguard-20b', NOW, CACHED, /no price for cache_read_tokens/],
]

/** Peak hours are 1 to 4 and 6 to 10 o'clock in UTC. */
const DEEPSEEK: readonly Row[] = [
  ['deepseek', 'deepseek-flash', NOW, CACHED, 600n * 150_000n + 400n * 3_000n + 100n * 600_000n],
  ['deepseek', 'deepseek-flash', '2026-11-18T09:59:59Z', CACHED, 600n * 300_000n + 400n * 6_000n + 100n * 1_200_000n],
  ['deepseek', 'deepseek-flash', '2026-11-21T09:00:00Z', TEXT, 1000n * 150_000n + 100n * 600_000n],
  ['deepseek', 'deepseek-flash', '2026-10-02T02:00:00Z', TEXT, 1000n * 150_000n + 100n * 600_000n],
  ['deepseek', 'deepseek-flash', '2026-12-31T02:00:00Z', TEXT, 1000n * 300_000n + 100n * 1_200_000n],
  ['deepseek', 'deepseek-flash', '2027-01-04T02:00:00Z', TEXT, /holiday in China/],
  ['deepseek', 'deepseek-flash', '2027-01-04T11:00:00Z', TEXT, 1000n * 150_000n + 100n * 600_000n],
  ['deepseek', 'deepseek-flash', '2027-01-03T02:00:00Z', TEXT, 1000n * 150_000n + 100n * 600_000n],
  ['deepseek', 'deepseek-v4-flash', '2026-08-16T15:59:59Z', TEXT, 1000n * 140_000n + 100n * 280_000n],
  ['deepseek', 'deepseek-v4-flash', '2026-08-16T16:00:00Z', CACHED, 600n * 220_000n + 400n * 7_000n + 100n * 660_000n],
  ['deepseek', 'deepseek-v4-flash', '2026-08-22T02:00:00Z', TEXT, 1000n * 440_000n + 100n * 1_320_000n],
  ['deepseek', 'deepseek-v4-flash', '2026-08-23T02:00:00Z', TEXT, 1000n * 220_000n + 100n * 660_000n],
  ['deepseek', 'deepseek-v4-flash', '2026-08-24T02:00:00Z', CACHED, 600n * 440_000n + 400n * 14_000n + 132_000_000n],
  ['deepseek', 'deepseek-v4-flash', '2026-09-09T16:00:00Z', TEXT, /at which hour/],
  ['deepseek', 'deepseek-v4-flash', '2026-09-10T03:59:59Z', TEXT, /at which hour/],
  ['deepseek', 'deepseek-v4-flash', '2026-09-10T04:00:00Z', TEXT, 1000n * 150_000n + 100n * 600_000n],
  ['deepseek', 'deepseek-v4-flash-vision-exp', '2026-11-18T06:00:00Z', TEXT, 1000n * 300_000n + 100n * 1_200_000n],
  ['deepseek', 'deepseek-v4-pro', '2026-08-16T15:59:59Z', CACHED, 600n * 435_000n + 400n * 3_625n + 100n * 870_000n],
  ['deepseek', 'deepseek-v4-pro', '2026-08-22T02:00:00Z', TEXT, 1000n * 1_320_000n + 100n * 3_960_000n],
  ['deepseek', 'deepseek-v4-pro', '2026-08-23T02:00:00Z', TEXT, 1000n * 660_000n + 100n * 1_980_000n],
  ['deepseek', 'deepseek-v4-pro', '2026-11-18T03:59:59Z', CACHED, 600n * 1_320_000n + 400n * 44_000n + 396_000_000n],
  ['deepseek', 'deepseek-v4-pro', NOW, CACHED, 600n * 660_000n + 400n * 22_000n + 100n * 1_980_000n],
  ['deepseek', 'deepseek-v4-pro', '2027-01-04T06:00:00Z', TEXT, /holiday in China/],
  ['deepseek', 'deepseek-chat', '2025-09-05T15:59:59Z', TEXT, 1000n * 270_000n + 100n * 1_100_000n],
  ['deepseek', 'deepseek-chat', '2025-09-05T16:00:00Z', CACHED, 600n * 560_000n + 400n * 70_000n + 100n * 1_680_000n],
  ['deepseek', 'deepseek-chat', '2025-09-06T17:00:00Z', TEXT, 1000n * 560_000n + 100n * 1_680_000n],
  ['deepseek', 'deepseek-chat', '2025-09-29T09:00:00Z', TEXT, /changed its price on that day/],
  ['deepseek', 'deepseek-reasoner', '2025-09-30T00:00:00Z', CACHED, 600n * 280_000n + 400n * 28_000n + 42_000_000n],
  ['deepseek', 'deepseek-reasoner', '2026-04-24T09:00:00Z', TEXT, /changed its price on that day/],
  ['deepseek', 'deepseek-chat', '2026-04-26T12:14:59Z', CACHED, 600n * 140_000n + 400n * 28_000n + 100n * 280_000n],
  ['deepseek', 'deepseek-chat', '2026-07-24T15:58:59Z', CACHED, 600n * 140_000n + 400n * 2_800n + 100n * 280_000n],
  // As listed, at both hours.
  ['deepseek', 'deepseek-chat', '2026-07-24T15:59:00Z', TEXT, 1000n * 270_000n + 100n * 1_100_000n],
  ['deepseek', 'deepseek-chat', '2026-07-24T17:00:00Z', TEXT, 1000n * 135_000n + 100n * 550_000n],
]

const OPEN_WEIGHTS: readonly Row[] = [
  ['openai', 'gpt-oss-120b'],
  ['openai', 'gpt-oss-20b'],
  ['openai', 'gpt-oss-safeguard-20b'],
  ['gcp.gemini', 'gemma-2-27b-it'],
  ['mistral_ai', 'mistral-small-24b-instruct-2501'],
  ['mistral_ai', 'mistral-small-3.1-24b-instruct'],
  ['mistral_ai', 'mistral-small-3.2-24b-instruct'],
  ['mistral_ai', 'mixtral-8x22b-instruct'],
  ['azure.ai.inference', 'phi-3-medium-128k-instruct'],
  ['azure.ai.inference', 'phi-3-mini-128k-instruct'],
  ['azure.ai.inference', 'phi-3.5-mini-128k-instruct'],
  ['azure.ai.inference', 'phi-4'],
  ['azure.ai.inference', 'phi-4-mini-instruct'],
  ['azure.ai.inference', 'phi-4-multimodal-instruct'],
  ['azure.ai.inference', 'phi-4-reasoning-plus'],
  ['deepseek', 'deepseek-v3.1-terminus'],
  ['deepseek', 'deepseek-v3.2'],
  ['deepseek', 'deepseek-v3.2-exp'],
].map(([provider, model]): Row => [provider!, model!, NOW, TEXT, /no price is listed for/])

const ROWS = [...OPENAI, ...CLAUDE, ...DEEPSEEK, ...OTHERS, ...OPEN_WEIGHTS]

test.each(ROWS)('%s %s at %s, %o: %s', (...row) => {
  const [, , , , expected] = row
  if (typeof expected === 'bigint') expect(cost(row)).toBe(expected)
  else expect(cost(row)).toMatch(expected)
})

test('every model that is amended is among them', () => {
  const shown = new Set(ROWS.map(([, model]) => model.replace(/^us\.anthropic/, 'regional.anthropic')))
  const named = (id: string) => [...shown].some((model) => model === id || ROWS.some(([, name]) => name.startsWith(id)))
  expect(AMENDMENTS.flatMap(({ models }) => models).filter((id) => !named(id))).toStrictEqual([])
})
