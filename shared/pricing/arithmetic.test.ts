import { expect, test } from 'vitest'
import { buildChat, type SpanSketch } from '../../test/support/span.ts'
import { loadCatalogue } from './catalogue.ts'
import { createPricer } from './pricer.ts'

const pricer = createPricer({ catalogue: await loadCatalogue() })

interface Case extends SpanSketch {
  readonly usage: Readonly<Record<string, number>>
  readonly with?: Readonly<Record<string, string | number>>
}

const PLAIN = { input_tokens: 1000, output_tokens: 100 }
const CACHED = { input_tokens: 1000, 'cache_read.input_tokens': 400, output_tokens: 100 }
const REASONED = { input_tokens: 1000, output_tokens: 200, 'reasoning.output_tokens': 150 }
const EMBEDDED = { input_tokens: 8 }
/** 12 fresh, 1000 read, 200 written. */
const CACHE_WRITES = {
  input_tokens: 1212,
  'cache_read.input_tokens': 1000,
  'cache_write.input_tokens': 200,
  output_tokens: 40,
}
/** Of the writes. */
const LIFETIMES = {
  'anthropic.usage.cache_creation.ephemeral_5m_input_tokens': 150,
  'anthropic.usage.cache_creation.ephemeral_1h_input_tokens': 50,
}
const SEARCHES = { 'anthropic.usage.server_tool_use.web_search_requests': 3 }
const BATCH = { 'openai.response.service_tier': 'batch' }
const FLEX = { 'openai.response.service_tier': 'flex' }
const PYDANTIC = { scope: 'pydantic-ai' }
const audio = (input: number, output: number) => ({
  'gen_ai.usage.details.input_audio_tokens': input,
  'gen_ai.usage.details.output_audio_tokens': output,
})

/*
 * Quantity times unit price, in 1e-12 USD: 2.5 USD per million tokens are 2,500,000 units a token, 10 USD per thousand
 * searches are 10,000,000,000 units a search. The prices are the providers' own, as the catalogue lists them.
 */
type Row = readonly [what: string, model: string, units: bigint, usage: Case]

/** No emitter says for how long OpenAI keeps what was written to its cache; it has one price. */
const OPENAI: readonly Row[] = [
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
    271_999n * 2_500_000n + 100n * 15_000_000n,
    { usage: { input_tokens: 271_999, output_tokens: 100 } },
  ],
  [
    'long context',
    'gpt-5.4',
    272_000n * 5_000_000n + 100n * 22_500_000n,
    { usage: { input_tokens: 272_000, output_tokens: 100 } },
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
const ANTHROPIC: readonly Row[] = [
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
const GEMINI: readonly Row[] = [
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

/** As Gemini; besides it sells Claude, for which the catalogue has no price of 1 hour, and no searches. */
const VERTEX: readonly Row[] = [
  ['plain', 'publishers/google/models/gemini-2.5-flash', 1000n * 300_000n + 100n * 2_500_000n, { usage: PLAIN }],
  ['cached read', 'gemini-2.5-pro', 600n * 1_250_000n + 400n * 125_000n + 100n * 10_000_000n, { usage: CACHED }],
  [
    'cache write for 5 minutes',
    'claude-sonnet-4-5@20250929',
    12n * 3_000_000n + 1000n * 300_000n + 200n * 3_750_000n + 40n * 15_000_000n,
    { usage: CACHE_WRITES },
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

/** Neither long contexts nor searches have prices of their own in the catalogue. */
const BEDROCK: readonly Row[] = [
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
  ['batch', 'amazon.nova-pro-v1:0', 1000n * 400_000n + 100n * 1_600_000n, { usage: PLAIN, with: BATCH }],
  ['embedding', 'amazon.titan-embed-text-v1', 8n * 100_000n, { usage: EMBEDDED }],
]

/** Sold at OpenAI's prices where the catalogue has none; it has none of audio, long contexts or searches on Azure. */
const AZURE: readonly Row[] = [
  ['plain', 'gpt-4o-2024-11-20', 1000n * 2_500_000n + 100n * 10_000_000n, { usage: PLAIN }],
  ['cached read', 'o4-mini', 600n * 1_100_000n + 400n * 280_000n + 100n * 4_400_000n, { usage: CACHED }],
  ['reasoning', 'o3', 1000n * 2_000_000n + 50n * 8_000_000n + 150n * 8_000_000n, { usage: REASONED }],
  ['batch', 'o4-mini', 1000n * 550_000n + 100n * 2_200_000n, { usage: PLAIN, with: BATCH }],
  ['embedding', 'text-embedding-3-large', 8n * 130_000n, { usage: EMBEDDED }],
]

/** Its cache is free to write, its contexts have one price, what it transcribes is paid for by the hour. */
const MISTRAL: readonly Row[] = [
  ['plain', 'mistral-large-latest', 1000n * 2_000_000n + 100n * 6_000_000n, { usage: PLAIN }],
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
  ['batch', 'mistral-large-latest', 1000n * 1_000_000n + 100n * 3_000_000n, { usage: PLAIN, with: BATCH }],
  ['embedding', 'mistral-embed', 8n * 100_000n, { usage: EMBEDDED }],
]

/** Its cache is free to write; it sells no embeddings; voice is paid for by the hour; see below for its batches. */
const XAI: readonly Row[] = [
  ['plain', 'grok-4.6', 1000n * 2_000_000n + 100n * 6_000_000n, { usage: PLAIN }],
  ['cached read', 'grok-4', 600n * 3_000_000n + 400n * 750_000n + 100n * 15_000_000n, { usage: CACHED }],
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
const DEEPSEEK: readonly Row[] = [
  ['plain, outside of peak hours', 'deepseek-v4-flash', 1000n * 220_000n + 100n * 660_000n, { usage: PLAIN }],
  [
    'cached read, outside of peak hours',
    'deepseek-v4-flash',
    600n * 220_000n + 400n * 7_000n + 100n * 660_000n,
    { usage: CACHED },
  ],
  [
    'cached read, in peak hours',
    'deepseek-v4-flash',
    600n * 440_000n + 400n * 14_000n + 100n * 1_320_000n,
    { usage: CACHED, start: '2026-11-01T02:00:00Z' },
  ],
  [
    'cached read, before there were peak hours',
    'deepseek-v4-flash',
    600n * 140_000n + 400n * 2_800n + 100n * 280_000n,
    { usage: CACHED, start: '2026-08-16T02:00:00Z' },
  ],
  ['reasoning', 'deepseek-v4-flash', 1000n * 220_000n + 50n * 660_000n + 150n * 660_000n, { usage: REASONED }],
]

/** Its cache is free to write and contexts have one price; it sells no embeddings; what it transcribes is by the hour. */
const GROQ: readonly Row[] = [
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

const PERPLEXITY: readonly Row[] = [
  ['per request', 'sonar-pro', 1000n * 3_000_000n + 100n * 15_000_000n + 14_000_000_000n, { usage: PLAIN }],
]

const ROWS = Object.entries({
  openai: OPENAI,
  anthropic: ANTHROPIC,
  'gcp.gemini': GEMINI,
  'gcp.vertex_ai': VERTEX,
  'aws.bedrock': BEDROCK,
  'azure.ai.openai': AZURE,
  mistral_ai: MISTRAL,
  x_ai: XAI,
  deepseek: DEEPSEEK,
  groq: GROQ,
  perplexity: PERPLEXITY,
}).flatMap(([provider, rows]) =>
  rows.map(([what, model, units, usage]) => [provider, what, model, units, usage] as const),
)

function price(provider: string, model: string, { usage, with: more, ...sketch }: Case) {
  const attributes = { 'gen_ai.provider.name': provider, ...more }
  return pricer.price([buildChat(model, usage, { ...sketch, attributes })], { project: 'p' })[0]!
}

test.each(ROWS)('%s, %s: %s costs %d units', (provider, _what, model, units, usage) => {
  expect(price(provider, model, usage)).toMatchObject({ costStatus: 'priced', costPicoUsd: units })
})

test('own machines are free', () => {
  expect(price('ollama', 'llama3.2', { usage: PLAIN })).toMatchObject({ costStatus: 'free', costPicoUsd: 0n })
})

test('a price that is no whole number of units is rounded once a line', () => {
  const usage = { input_tokens: 7, 'cache_creation.input_tokens': 7 }
  const { receipt } = price('openrouter', 'google/gemini-2.5-flash-lite', { usage })
  // 7 × 0.08333333333333334 per million = 583,333.33… units
  expect(JSON.parse(receipt).lines[0]).toMatchObject({ unitPrice: '83333.33333333334', amount: '583333' })
})
