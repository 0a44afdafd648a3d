import {
  audio,
  BATCH,
  CACHE_WRITES,
  CACHED,
  EMBEDDED,
  FLEX,
  IMAGES,
  LIFETIMES,
  LONG,
  PLAIN,
  PYDANTIC,
  REASONED,
  type Row,
  SEARCHES,
} from './test-arithmetic.ts'

/** No emitter says for how long OpenAI keeps what was written to its cache; it has one price. */
export const OPENAI: readonly Row[] = [
  ['plain', 'gpt-4o', 1000n * 2_500_000n + 100n * 10_000_000n, { usage: PLAIN }],
  ['cached read', 'gpt-5-mini', 600n * 250_000n + 400n * 25_000n + 100n * 2_000_000n, { usage: CACHED }],
  [
    'cache write',
    'gpt-6-sol',
    12n * 2_000_000n + 1000n * 200_000n + 200n * 2_500_000n + 40n * 10_000_000n,
    { usage: CACHE_WRITES },
  ],
  [
    'reasoning, before a price cut',
    'o3',
    1000n * 10_000_000n + 50n * 40_000_000n + 150n * 40_000_000n,
    { usage: REASONED, start: '2025-06-09T23:59:59Z' },
  ],
  [
    'reasoning, after it',
    'o3',
    1000n * 2_000_000n + 50n * 8_000_000n + 150n * 8_000_000n,
    { usage: REASONED, start: '2025-06-10T00:00:00Z' },
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
    {
      usage: CACHED,
      with: { ...audio(600, 0), 'gen_ai.usage.details.cache_audio_read_tokens': 200 },
      ...PYDANTIC,
    },
  ],
  [
    'up to the long context',
    'gpt-5.4',
    272_000n * 2_500_000n + 100n * 15_000_000n,
    { usage: { input_tokens: 272_000, output_tokens: 100 } },
  ],
  ['long context', 'gpt-5.4', 272_001n * 5_000_000n + 100n * 22_500_000n, { usage: LONG }],
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
  ['batch', 'gpt-4o', 1000n * 1_250_000n + 100n * 5_000_000n, { usage: PLAIN, with: BATCH }],
  [
    'cached read in a batch',
    'gpt-5-mini',
    600n * 125_000n + 400n * 12_500n + 100n * 1_000_000n,
    { usage: CACHED, with: BATCH },
  ],
  ['flex', 'gpt-5-mini', 600n * 125_000n + 400n * 12_500n + 100n * 1_000_000n, { usage: CACHED, with: FLEX }],
  ['embedding', 'text-embedding-3-small', 8n * 20_000n, { usage: EMBEDDED }],
  [
    'per search',
    'gpt-5-mini',
    1000n * 250_000n + 100n * 2_000_000n + 3n * 10_000_000_000n,
    { usage: PLAIN, with: SEARCHES },
  ],
]

/** Anthropic sells neither embeddings nor audio; what it thinks is output like any other. */
export const ANTHROPIC: readonly Row[] = [
  ['plain', 'claude-sonnet-4-5-20250929', 1000n * 3_000_000n + 100n * 15_000_000n, { usage: PLAIN }],
  ['cached read', 'claude-sonnet-4-5', 600n * 3_000_000n + 400n * 300_000n + 100n * 15_000_000n, { usage: CACHED }],
  [
    'cache writes for 5 minutes and for 1 hour',
    'claude-sonnet-4-5',
    12n * 3_000_000n + 1000n * 300_000n + 150n * 3_750_000n + 50n * 6_000_000n + 40n * 15_000_000n,
    { usage: CACHE_WRITES, with: LIFETIMES },
  ],
  ['reasoning', 'claude-sonnet-4-5', 1000n * 3_000_000n + 50n * 15_000_000n + 150n * 15_000_000n, { usage: REASONED }],
  [
    'long context, by all of the input',
    'claude-sonnet-4-5',
    100_001n * 6_000_000n + 100_000n * 600_000n + 10n * 22_500_000n,
    { usage: { input_tokens: 200_001, 'cache_read.input_tokens': 100_000, output_tokens: 10 } },
  ],
  [
    'batch, of which what is cached is part',
    'claude-sonnet-4-5',
    12n * 1_500_000n + 1000n * 150_000n + 150n * 1_875_000n + 50n * 3_000_000n + 40n * 7_500_000n,
    { usage: CACHE_WRITES, with: { ...LIFETIMES, 'anthropic.response.service_tier': 'batch' } },
  ],
  [
    'per search',
    'claude-haiku-4-5',
    1000n * 1_000_000n + 100n * 5_000_000n + 3n * 10_000_000_000n,
    { usage: PLAIN, with: SEARCHES },
  ],
]

/** Gemini's cache is paid for by the hour, not by what is written; the catalogue has no price of its searches. */
export const GEMINI: readonly Row[] = [
  ['plain', 'models/gemini-2.5-flash', 1000n * 300_000n + 100n * 2_500_000n, { usage: PLAIN }],
  ['cached read', 'gemini-2.5-flash', 600n * 300_000n + 400n * 30_000n + 100n * 2_500_000n, { usage: CACHED }],
  ['reasoning', 'gemini-2.5-flash', 1000n * 300_000n + 50n * 2_500_000n + 150n * 2_500_000n, { usage: REASONED }],
  [
    'audio and cached read',
    'models/gemini-2.5-flash',
    300n * 300_000n + 300n * 1_000_000n + 400n * 30_000n + 100n * 2_500_000n,
    { usage: CACHED, with: audio(300, 0), ...PYDANTIC },
  ],
  [
    'cached audio',
    'gemini-2.5-flash',
    500n * 300_000n + 100n * 1_000_000n + 200n * 30_000n + 200n * 100_000n + 100n * 2_500_000n,
    { usage: CACHED, with: { ...audio(300, 0), 'gen_ai.usage.details.cache_audio_read_tokens': 200 }, ...PYDANTIC },
  ],
  [
    'audio, heard and spoken',
    'gemini-live-2.5-flash',
    400n * 500_000n + 600n * 3_000_000n + 20n * 2_000_000n + 80n * 12_000_000n,
    { usage: PLAIN, with: audio(600, 80), ...PYDANTIC },
  ],
  [
    'an image, seen',
    'gemini-3.1-flash-live-preview',
    400n * 750_000n + 600n * 1_000_000n + 100n * 4_500_000n,
    { usage: PLAIN, with: { 'gen_ai.usage.image.input_tokens': 600 } },
  ],
  [
    'an image, made',
    'gemini-2.5-flash-image',
    10n * 300_000n + 10n * 2_500_000n + 1290n * 30_000_000n,
    { usage: { input_tokens: 10, output_tokens: 1300 }, with: { 'gen_ai.usage.image.output_tokens': 1290 } },
  ],
  [
    'long context',
    'gemini-2.5-pro',
    200_001n * 2_500_000n + 10n * 15_000_000n,
    { usage: { input_tokens: 200_001, output_tokens: 10 } },
  ],
  ['batch', 'gemini-2.5-flash', 1000n * 150_000n + 100n * 1_250_000n, { usage: PLAIN, with: BATCH }],
  [
    'cached read in a batch, at its own price',
    'gemini-2.5-flash',
    600n * 150_000n + 400n * 30_000n + 100n * 1_250_000n,
    { usage: CACHED, with: BATCH },
  ],
  ['flex', 'gemini-2.5-flash', 1000n * 150_000n + 100n * 1_250_000n, { usage: PLAIN, with: FLEX }],
  ['embedding', 'gemini-embedding-001', 8n * 150_000n, { usage: EMBEDDED }],
]

/** Its cache is free to write, its contexts have one price, what it transcribes is paid for by the hour. */
export const MISTRAL: readonly Row[] = [
  ['plain', 'mistral-large-latest', 1000n * 500_000n + 100n * 1_500_000n, { usage: PLAIN }],
  ['cached read', 'mistral-large-2512', 600n * 500_000n + 400n * 50_000n + 100n * 1_500_000n, { usage: CACHED }],
  [
    'reasoning',
    'magistral-medium-latest',
    1000n * 2_000_000n + 50n * 5_000_000n + 150n * 5_000_000n,
    { usage: REASONED },
  ],
  [
    'audio, at the price of text',
    'voxtral-small-latest',
    400n * 100_000n + 600n * 100_000n + 100n * 400_000n,
    { usage: PLAIN, with: audio(600, 0), ...PYDANTIC },
  ],
  ['batch', 'mistral-large-latest', 1000n * 250_000n + 100n * 750_000n, { usage: PLAIN, with: BATCH }],
  ['embedding', 'mistral-embed', 8n * 100_000n, { usage: EMBEDDED }],
]

/** Its cache is free to write; it sells no embeddings; voice is paid for by the hour; see below for its batches. */
export const XAI: readonly Row[] = [
  ['plain', 'grok-4.6', 1000n * 2_000_000n + 100n * 6_000_000n, { usage: PLAIN }],
  ['cached read', 'grok-4', 600n * 3_000_000n + 400n * 750_000n + 100n * 15_000_000n, { usage: CACHED }],
  ['cached read', 'grok-4.7', 600n * 2_000_000n + 400n * 500_000n + 100n * 6_000_000n, { usage: CACHED }],
  [
    'reasoning, which its output leaves out',
    'grok-4.6',
    1000n * 2_000_000n + 100n * 6_000_000n + 150n * 6_000_000n,
    { usage: { ...PLAIN, total_tokens: 1250 } },
  ],
  [
    'up to the long context',
    'grok-4.6',
    199_999n * 2_000_000n + 10n * 6_000_000n,
    { usage: { input_tokens: 199_999, output_tokens: 10 } },
  ],
  [
    'long context',
    'grok-4.6',
    200_000n * 4_000_000n + 10n * 12_000_000n,
    { usage: { input_tokens: 200_000, output_tokens: 10 } },
  ],
]

/** Its cache is free to write and contexts have one price; it sells neither batches, embeddings, audio nor searches. */
export const DEEPSEEK: readonly Row[] = [
  ['plain, outside of peak hours', 'deepseek-flash', 1000n * 150_000n + 100n * 600_000n, { usage: PLAIN }],
  [
    'cached read, outside of peak hours',
    'deepseek-flash',
    600n * 150_000n + 400n * 3_000n + 100n * 600_000n,
    { usage: CACHED },
  ],
  [
    'cached read, in peak hours',
    'deepseek-flash',
    600n * 300_000n + 400n * 6_000n + 100n * 1_200_000n,
    { usage: CACHED, start: '2026-11-02T02:00:00Z' },
  ],
  [
    'cached read, on a Sunday',
    'deepseek-v4-pro',
    600n * 660_000n + 400n * 22_000n + 100n * 1_980_000n,
    { usage: CACHED, start: '2026-11-01T02:00:00Z' },
  ],
  [
    'cached read, before there were peak hours',
    'deepseek-v4-flash',
    600n * 140_000n + 400n * 2_800n + 100n * 280_000n,
    { usage: CACHED, start: '2026-08-16T02:00:00Z' },
  ],
  ['reasoning', 'deepseek-flash', 1000n * 150_000n + 50n * 600_000n + 150n * 600_000n, { usage: REASONED }],
]

/** Its cache is free to write and contexts have one price; it sells no embeddings; what it transcribes is by the hour. */
export const GROQ: readonly Row[] = [
  ['plain', 'llama-3.3-70b-versatile', 1000n * 590_000n + 100n * 790_000n, { usage: PLAIN }],
  ['cached read', 'openai/gpt-oss-120b', 600n * 150_000n + 400n * 75_000n + 100n * 600_000n, { usage: CACHED }],
  ['reasoning', 'openai/gpt-oss-120b', 1000n * 150_000n + 50n * 600_000n + 150n * 600_000n, { usage: REASONED }],
  ['batch', 'openai/gpt-oss-120b', 1000n * 75_000n + 100n * 300_000n, { usage: PLAIN, with: BATCH }],
  [
    'cached read in a batch, at the same half',
    'openai/gpt-oss-120b',
    600n * 75_000n + 400n * 75_000n + 100n * 300_000n,
    { usage: CACHED, with: BATCH },
  ],
  ['flex, at list price', 'llama-3.3-70b-versatile', 1000n * 590_000n + 100n * 790_000n, { usage: PLAIN, with: FLEX }],
]

/** It takes a fee for each request. */
export const PERPLEXITY: readonly Row[] = [
  ['per request', 'sonar-pro', 1000n * 3_000_000n + 100n * 15_000_000n + 14_000_000_000n, { usage: PLAIN }],
]
