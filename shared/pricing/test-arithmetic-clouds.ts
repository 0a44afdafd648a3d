import {
  audio,
  BATCH,
  CACHE_WRITES,
  CACHED,
  EMBEDDED,
  IMAGES,
  LIFETIMES,
  LONG,
  PLAIN,
  PYDANTIC,
  REASONED,
  type Row,
  SEARCHES,
} from './test-arithmetic.ts'

/** As Gemini; besides it sells Claude, at Anthropic's prices where the catalogue has none. */
export const VERTEX: readonly Row[] = [
  ['plain', 'publishers/google/models/gemini-2.5-flash', 1000n * 300_000n + 100n * 2_500_000n, { usage: PLAIN }],
  ['cached read', 'gemini-2.5-pro', 600n * 1_250_000n + 400n * 125_000n + 100n * 10_000_000n, { usage: CACHED }],
  [
    'cache write for 5 minutes',
    'claude-sonnet-4-5@20250929',
    12n * 3_000_000n + 1000n * 300_000n + 200n * 3_750_000n + 40n * 15_000_000n,
    { usage: CACHE_WRITES },
  ],
  [
    'cache writes for 5 minutes and for 1 hour',
    'claude-opus-4-5@20251101',
    12n * 5_000_000n + 1000n * 500_000n + 150n * 6_250_000n + 50n * 10_000_000n + 40n * 25_000_000n,
    { usage: CACHE_WRITES, with: LIFETIMES },
  ],
  [
    'per search',
    'claude-opus-4-5@20251101',
    1000n * 5_000_000n + 100n * 25_000_000n + 3n * 10_000_000_000n,
    { usage: PLAIN, with: SEARCHES },
  ],
  ['reasoning', 'gemini-2.5-pro', 1000n * 1_250_000n + 50n * 10_000_000n + 150n * 10_000_000n, { usage: REASONED }],
  [
    'audio',
    'gemini-2.5-flash',
    700n * 300_000n + 300n * 1_000_000n + 100n * 2_500_000n,
    { usage: PLAIN, with: audio(300, 0), ...PYDANTIC },
  ],
  [
    'up to the long context',
    'publishers/google/models/gemini-2.5-pro',
    200_000n * 1_250_000n + 10n * 10_000_000n,
    { usage: { input_tokens: 200_000, output_tokens: 10 } },
  ],
  [
    'long context',
    'gemini-2.5-pro',
    200_001n * 2_500_000n + 10n * 15_000_000n,
    { usage: { input_tokens: 200_001, output_tokens: 10 } },
  ],
  ['batch', 'gemini-2.5-pro', 1000n * 625_000n + 100n * 5_000_000n, { usage: PLAIN, with: BATCH }],
  [
    'flex',
    'gemini-2.5-pro',
    1000n * 625_000n + 100n * 5_000_000n,
    { usage: PLAIN, with: { 'gen_ai.response.service_tier': 'ON_DEMAND_FLEX' } },
  ],
  ['embedding', 'gemini-embedding-001', 8n * 150_000n, { usage: EMBEDDED }],
]

/** Searches have no prices in the catalogue. */
export const BEDROCK: readonly Row[] = [
  [
    'plain, regional',
    'us.anthropic.claude-sonnet-4-5-20250929-v1:0',
    1000n * 3_300_000n + 100n * 16_500_000n,
    { usage: PLAIN },
  ],
  [
    'plain, global, by ARN',
    'arn:aws:bedrock:us-east-1:1:inference-profile/global.anthropic.claude-sonnet-4-5-20250929-v1:0',
    1000n * 3_000_000n + 100n * 15_000_000n,
    { usage: PLAIN },
  ],
  [
    'cached read',
    'us.anthropic.claude-sonnet-4-5-20250929-v1:0',
    600n * 3_300_000n + 400n * 330_000n + 100n * 16_500_000n,
    { usage: CACHED },
  ],
  [
    'cache writes for 5 minutes and for 1 hour',
    'global.anthropic.claude-opus-5-5',
    12n * 4_000_000n + 1000n * 200_000n + 150n * 5_000_000n + 50n * 8_000_000n + 40n * 20_000_000n,
    { usage: CACHE_WRITES, with: LIFETIMES },
  ],
  [
    'reasoning',
    'global.anthropic.claude-opus-5-5',
    1000n * 4_000_000n + 50n * 20_000_000n + 150n * 20_000_000n,
    { usage: REASONED },
  ],
  [
    'audio',
    'amazon.nova-sonic-v1:0',
    400n * 60_000n + 600n * 3_400_000n + 20n * 240_000n + 80n * 13_600_000n,
    { usage: PLAIN, with: audio(600, 80), ...PYDANTIC },
  ],
  [
    'up to the long context',
    'global.openai.gpt-5.6-sol',
    271_999n * 4_000_000n + 100n * 20_000_000n,
    { usage: { input_tokens: 271_999, output_tokens: 100 } },
  ],
  ['long context', 'global.openai.gpt-5.6-sol', 272_001n * 8_000_000n + 100n * 30_000_000n, { usage: LONG }],
  ['batch', 'amazon.nova-pro-v1:0', 1000n * 400_000n + 100n * 1_600_000n, { usage: PLAIN, with: BATCH }],
  ['embedding', 'amazon.titan-embed-text-v1', 8n * 100_000n, { usage: EMBEDDED }],
]

/** Sold at the prices of OpenAI, Anthropic and other makers where the catalogue has none. */
export const AZURE: readonly Row[] = [
  ['plain', 'gpt-4o-2024-11-20', 1000n * 2_500_000n + 100n * 10_000_000n, { usage: PLAIN }],
  ['cached read', 'o4-mini', 600n * 1_100_000n + 400n * 280_000n + 100n * 4_400_000n, { usage: CACHED }],
  ['reasoning', 'o3', 1000n * 2_000_000n + 50n * 8_000_000n + 150n * 8_000_000n, { usage: REASONED }],
  [
    'cache write',
    'gpt-5.6-sol',
    12n * 4_000_000n + 1000n * 400_000n + 200n * 5_000_000n + 40n * 20_000_000n,
    { usage: CACHE_WRITES },
  ],
  [
    'cache writes for 5 minutes and for 1 hour',
    'claude-opus-4-5',
    12n * 5_000_000n + 1000n * 500_000n + 150n * 6_250_000n + 50n * 10_000_000n + 40n * 25_000_000n,
    { usage: CACHE_WRITES, with: LIFETIMES },
  ],
  [
    'audio',
    'gpt-realtime',
    400n * 4_000_000n + 600n * 32_000_000n + 20n * 16_000_000n + 80n * 64_000_000n,
    { usage: PLAIN, with: audio(600, 80), ...PYDANTIC },
  ],
  [
    'cached audio',
    'gpt-realtime',
    200n * 4_000_000n + 400n * 32_000_000n + 200n * 400_000n + 200n * 400_000n + 100n * 16_000_000n,
    { usage: CACHED, with: { ...audio(600, 0), 'gen_ai.usage.details.cache_audio_read_tokens': 200 }, ...PYDANTIC },
  ],
  [
    'images',
    'gpt-image-1.5',
    300n * 5_000_000n +
      300n * 8_000_000n +
      100n * 1_250_000n +
      300n * 2_000_000n +
      10n * 10_000_000n +
      1290n * 32_000_000n,
    IMAGES,
  ],
  ['long context', 'gpt-5.4', 272_001n * 5_000_000n + 100n * 22_500_000n, { usage: LONG }],
  [
    'per search',
    'gpt-4.1',
    1000n * 2_000_000n + 100n * 8_000_000n + 3n * 10_000_000_000n,
    { usage: PLAIN, with: SEARCHES },
  ],
  ['batch', 'o4-mini', 1000n * 550_000n + 100n * 2_200_000n, { usage: PLAIN, with: BATCH }],
  ['embedding', 'text-embedding-3-large', 8n * 130_000n, { usage: EMBEDDED }],
]
