import { expect, test } from 'vitest'
import { buildChat, type SpanSketch } from '../../test/support/span.ts'
import { loadCatalogue } from './catalogue.ts'
import { createPricer } from './pricer.ts'

const pricer = createPricer({ catalogue: await loadCatalogue() })

/** `0.0035` USD in 1e-12 USD, by moving the point. */
function pico(usd: string): bigint {
  const [whole, fraction = ''] = usd.split('.')
  return BigInt(whole + fraction.padEnd(12, '0'))
}

interface Case extends SpanSketch {
  readonly usage: Readonly<Record<string, number>>
  readonly with?: Readonly<Record<string, string | number>>
}

const PLAIN = { input_tokens: 1000, output_tokens: 100 }
const CACHED = { input_tokens: 1000, 'cache_read.input_tokens': 400, output_tokens: 100 }
const PYDANTIC = { scope: 'pydantic-ai' }
const ANTHROPIC_SDK = { scope: 'com.anthropic.sdk.typescript' }
const CACHE_WRITES = {
  input_tokens: 1212,
  'cache_read.input_tokens': 1000,
  'cache_write.input_tokens': 200,
  output_tokens: 40,
}
const LIFETIMES = {
  'anthropic.usage.cache_creation.ephemeral_5m_input_tokens': 150,
  'anthropic.usage.cache_creation.ephemeral_1h_input_tokens': 50,
}
const audio = (input: number, output: number) => ({
  'gen_ai.usage.details.input_audio_tokens': input,
  'gen_ai.usage.details.output_audio_tokens': output,
})

/** Prices in the comments are USD per million tokens, as the providers list them. */
test.each<[string, string, string, string, Case]>([
  // 1000 × 2.5 + 100 × 10
  ['plain', 'openai', 'gpt-4o', '0.0035', { usage: PLAIN }],
  // half of it
  ['batch', 'openai', 'gpt-4o', '0.00175', { usage: PLAIN, with: { 'openai.response.service_tier': 'batch' } }],
  // 600 × 0.25 + 400 × 0.025 + 100 × 2
  ['cached read', 'openai', 'gpt-5-mini', '0.00036', { usage: CACHED }],
  // 1000 × 10 + 200 × 40, of which 150 reasoning; the price of the day
  [
    'reasoning, before a price cut',
    'openai',
    'o3',
    '0.018',
    {
      usage: { input_tokens: 1000, output_tokens: 200, 'reasoning.output_tokens': 150 },
      start: '2025-06-09T23:59:59Z',
    },
  ],
  // 1000 × 2 + 200 × 8
  [
    'reasoning, after it',
    'openai',
    'o3',
    '0.0036',
    {
      usage: { input_tokens: 1000, output_tokens: 200, 'reasoning.output_tokens': 150 },
      start: '2025-06-10T00:00:00Z',
    },
  ],
  // 400 × 4 + 600 × 32 + 20 × 16 + 80 × 64
  ['audio', 'openai', 'gpt-realtime', '0.02624', { usage: PLAIN, with: audio(600, 80), ...PYDANTIC }],
  // 271,999 × 2.5 + 100 × 15
  [
    'up to the long context',
    'openai',
    'gpt-5.4',
    '0.6814975',
    { usage: { input_tokens: 271_999, output_tokens: 100 } },
  ],
  // 272,000 × 5 + 100 × 22.5
  ['long context', 'openai', 'gpt-5.4', '1.36225', { usage: { input_tokens: 272_000, output_tokens: 100 } }],
  // 8 × 0.02
  ['embedding', 'openai', 'text-embedding-3-small', '0.00000016', { usage: { input_tokens: 8 } }],
  // 1000 × 3 + 100 × 15
  ['plain', 'anthropic', 'claude-sonnet-4-5-20250929', '0.0045', { usage: PLAIN }],
  // 12 × 3 + 1000 × 0.3 + 150 × 3.75 + 50 × 6 + 40 × 15
  [
    'cache writes for 5 minutes and for 1 hour',
    'anthropic',
    'claude-sonnet-4-5',
    '0.0017985',
    { usage: CACHE_WRITES, with: LIFETIMES, ...ANTHROPIC_SDK },
  ],
  // half of it
  [
    'the same in a batch',
    'anthropic',
    'claude-sonnet-4-5',
    '0.00089925',
    { usage: CACHE_WRITES, with: { ...LIFETIMES, 'anthropic.response.service_tier': 'batch' }, ...ANTHROPIC_SDK },
  ],
  // 1000 × 1 + 100 × 5 + 3 searches at 10 USD per thousand
  [
    'per search',
    'anthropic',
    'claude-haiku-4-5',
    '0.0315',
    { usage: PLAIN, with: { 'anthropic.usage.server_tool_use.web_search_requests': 3 }, ...ANTHROPIC_SDK },
  ],
  // 300 × 0.3 + 300 × 1 + 400 × 0.03 + 100 × 2.5
  [
    'audio and cached read',
    'gcp.gemini',
    'models/gemini-2.5-flash',
    '0.000652',
    { usage: CACHED, with: audio(300, 0), ...PYDANTIC },
  ],
  // 200,001 × 2.5 + 10 × 15
  [
    'long context',
    'gcp.vertex_ai',
    'gemini-2.5-pro',
    '0.5001525',
    { usage: { input_tokens: 200_001, output_tokens: 10 } },
  ],
  // 200,000 × 1.25 + 10 × 10
  [
    'up to the long context',
    'gcp.vertex_ai',
    'publishers/google/models/gemini-2.5-pro',
    '0.2501',
    { usage: { input_tokens: 200_000, output_tokens: 10 } },
  ],
  // 1000 × 3 + 100 × 15
  ['another maker', 'gcp.vertex_ai', 'claude-sonnet-4-5@20250929', '0.0045', { usage: PLAIN }],
  // 1000 × 3.3 + 100 × 16.5
  ['regional', 'aws.bedrock', 'us.anthropic.claude-sonnet-4-5-20250929-v1:0', '0.00495', { usage: PLAIN }],
  // 1000 × 3 + 100 × 15
  [
    'global, by ARN',
    'aws.bedrock',
    'arn:aws:bedrock:us-east-1:1:inference-profile/global.anthropic.claude-sonnet-4-5-20250929-v1:0',
    '0.0045',
    { usage: PLAIN },
  ],
  // 1000 × 2.5 + 100 × 10
  ['plain', 'azure.ai.openai', 'gpt-4o-2024-11-20', '0.0035', { usage: PLAIN }],
  // 1000 × 2 + 100 × 6
  ['plain', 'mistral_ai', 'mistral-large-latest', '0.0026', { usage: PLAIN }],
  // 600 × 0.5 + 400 × 0.05 + 100 × 1.5
  ['cached read', 'mistral_ai', 'mistral-large-2512', '0.00047', { usage: CACHED }],
  // 600 × 3 + 400 × 0.75 + 100 × 15
  ['cached read', 'x_ai', 'grok-4', '0.0036', { usage: CACHED }],
  // 600 × 0.22 + 400 × 0.007 + 100 × 0.66
  ['outside of peak hours', 'deepseek', 'deepseek-v4-flash', '0.0002008', { usage: CACHED }],
  // 600 × 0.44 + 400 × 0.014 + 100 × 1.32
  ['in peak hours', 'deepseek', 'deepseek-v4-flash', '0.0004016', { usage: CACHED, start: '2026-11-01T02:00:00Z' }],
  // 600 × 0.14 + 400 × 0.0028 + 100 × 0.28
  [
    'before there were peak hours',
    'deepseek',
    'deepseek-v4-flash',
    '0.00011312',
    { usage: CACHED, start: '2026-08-16T02:00:00Z' },
  ],
  // 1000 × 0.59 + 100 × 0.79
  ['plain', 'groq', 'llama-3.3-70b-versatile', '0.000669', { usage: PLAIN }],
  // 1000 × 3 + 100 × 15 + a request at 14 USD per thousand
  ['per request', 'perplexity', 'sonar-pro', '0.0185', { usage: PLAIN }],
])('%s: %s %s costs %s USD', (_what, provider, model, usd, { usage, with: more, ...sketch }) => {
  const attributes = { 'gen_ai.provider.name': provider, ...more }
  const [ledger] = pricer.price([buildChat(model, usage, { ...sketch, attributes })], { project: 'p' })
  expect(ledger).toMatchObject({ costStatus: 'priced', costPicoUsd: pico(usd) })
})

test('own machines are free', () => {
  const span = buildChat('llama3.2', PLAIN, { attributes: { 'gen_ai.provider.name': 'ollama' } })
  expect(pricer.price([span], { project: 'p' })[0]).toMatchObject({ costStatus: 'free', costPicoUsd: 0n })
})

test('a price that is no whole number of units is rounded once a line', () => {
  const span = buildChat(
    'google/gemini-2.5-flash-lite',
    { input_tokens: 7, 'cache_creation.input_tokens': 7 },
    { attributes: { 'gen_ai.provider.name': 'openrouter' } },
  )
  const [ledger] = pricer.price([span], { project: 'p' })
  // 7 × 0.08333333333333334 per million = 583,333.33… units
  expect(JSON.parse(ledger!.receipt).lines[0]).toMatchObject({ unitPrice: '83333.33333333334', amount: '583333' })
})
