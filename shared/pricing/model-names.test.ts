import { expect, test } from 'vitest'
import { loadCatalogue, loadProviders } from './catalogue.ts'

const catalogue = await loadCatalogue()
const providers = await loadProviders()
const NOW = BigInt(Date.parse('2026-11-01T12:00:00Z')) * 1_000_000n

/** The catalogue's id of the model that a call is billed as, or why it is not. */
function billedAs(provider: string, model: string, asked = model): string {
  const quote = catalogue.find({ provider, model, asked, serviceTier: '', project: 'p' })
  const plan = typeof quote === 'string' ? quote : quote.at(NOW)
  return typeof plan === 'string' ? plan : plan.id
}

const UNLISTED = 'model not in the catalogue'

test.each<[provider: string, model: string, was: string]>([
  ['aws.bedrock', 'amazon.titan-embed-text-v2:0', 'its predecessor, at five times its price'],
  ['aws.bedrock', 'arn:aws:bedrock:us-east-1:1:custom-model/amazon.nova-pro-v1:0/abc', 'the model that it was made of'],
  ['anthropic', 'claude-opus-4-6-fast', 'the slow one, at a sixth of its price'],
  ['anthropic', 'claude-sonnet-5-6', 'the release before it'],
  ['deepseek', 'deepseek-r1-distill-llama-70b', 'the model it was distilled from'],
  ['', 'deepseek-r1-distill-qwen-1.5b', 'the model it was distilled from'],
  ['deepseek', 'deepseek-r1:free', 'the paid one'],
  ['azure.ai.openai', 'o4-mini-2025-04-16.ft-0123abcd', 'the model that was tuned'],
  ['azure.ai.openai', 'not-o4-mini', 'what its name contains'],
  ['gcp.gemini', 'gemini-2.0-flash-exp-image-generation', 'the one that writes text'],
  ['gcp.gemini', 'gemini-3.6-flash-lite', 'its larger sibling'],
  ['gcp.vertex_ai', 'claude-opus-4-6-fast@20260205', 'the slow one'],
  ['', 'our-claude-3-5-sonnet-rival', 'what its name contains'],
])('%s %s was billed as %s', (provider, model) => {
  expect(billedAs(provider, model)).toBe(UNLISTED)
})

test.each<[provider: string, models: string]>([
  ['openai', 'gpt-6 gpt-6.1-luna gpt-6.2-astra gpt-6-sol-pro gpt-6-astra-fast gpt-5.7-sol gpt-5.6-codex gpt-5.5-mini'],
  ['openai', 'gpt-5-nano-2 gpt-realtime-3 gpt-image-3 gpt-audio-2 o5 o5-mini text-embedding-4-small codex-mini-2'],
  ['anthropic', 'claude-opus-6 claude-opus-5-6 claude-sonnet-6 claude-haiku-5 claude-haiku-4-6 claude-fable-5-2'],
  ['anthropic', 'claude-opus-latest claude-sonnet-latest claude-opus-5-5-fast claude-sonnet-5-5-fast claude-opus-50'],
  [
    'gcp.gemini',
    'gemini-3.9-flash gemini-4-pro gemini-3.8-pro gemini-3.8-flash-lite gemini-3.8-flash-image gemini-3-pro',
  ],
  ['gcp.gemini', 'gemini-flash-latest gemini-pro-latest gemini-3.5-flash-2 gemini-3.5-flash-8b gemini-embedding-3'],
  [
    'mistral_ai',
    'mistral-large-4 mistral-large-4-0 mistral-large-2610 mistral-medium-4 mistral-small-4 magistral-medium-2',
  ],
  ['mistral_ai', 'devstral-latest mistral-embed-2 codestral-2701 mistral-code-latest ministral-3b-latest'],
  ['x_ai', 'grok-5 grok-4.6-fast grok-4.7-fast grok-4-heavy grok-code-fast-2 grok-build-0.2 grok-4.20-non-reasoning'],
  [
    'deepseek',
    'deepseek-pro deepseek-v4.1-flash deepseek-v4.1-pro deepseek-v5-flash deepseek-r2 deepseek-v3.2-speciale',
  ],
  ['groq', 'moonshotai/kimi-k3 llama-4-scout groq/compound qwen/qwen3.8-27b openai/gpt-oss-safeguard-120b'],
  ['aws.bedrock', 'us.anthropic.claude-sonnet-6 global.openai.gpt-6.1-sol openai.gpt-6-sol amazon.nova-pro-v2:0'],
  [
    'aws.bedrock',
    'deepseek.v3.2 amazon.nova-2-pro-v1:0 ca.anthropic.claude-opus-5 us.anthropic.claude-sonnet-5-5-fast',
  ],
  ['gcp.vertex_ai', 'claude-sonnet-6 grok-4.7 deepseek-v3.2-maas gpt-oss-120b-maas codestral-2'],
  ['azure.ai.openai', 'gpt-6.2-astra model-router gpt-5.5-mini'],
])('%s: no newer or other model has the price of one that is known: %s', (provider, models) => {
  for (const model of models.split(' ')) expect([model, billedAs(provider, model)]).toStrictEqual([model, UNLISTED])
})

test('a pattern of the catalogue for dates gave gemini-3.5-flash-8b the price of the larger one', () => {
  expect(billedAs('gcp.gemini', 'gemini-3.5-flash-001')).toBe('google/gemini-3.5-flash')
  expect(billedAs('gcp.gemini', 'gemini-3.5-flash-8b')).toBe(UNLISTED)
  expect(billedAs('openai', 'gpt-6-sol-2026-09-22')).toBe('openai/gpt-6-sol')
})

test('Claude Code’s name for a model that is listed by its whole name was unpriced', () => {
  expect(billedAs('anthropic', 'claude-opus-5-5[1m]')).toBe('anthropic/claude-opus-5-5')
  expect(billedAs('anthropic', 'claude-opus-5-5', 'claude-opus-5-5[1m]')).toBe('anthropic/claude-opus-5-5')
  expect(billedAs('anthropic', 'claude-opus-5-5-fast[1m]')).toBe(UNLISTED)
})

test('DeepSeek’s models on Azure were billed at DeepSeek’s own prices, by its hours', () => {
  for (const model of ['deepseek-r1', 'deepseek-v3.2', 'deepseek-v4-flash', 'deepseek-v4-pro'])
    expect(billedAs('azure.ai.inference', model)).toBe(UNLISTED)
  expect(billedAs('azure.ai.inference', 'grok-4.6')).toBe('x-ai/grok-4.6')
})

test('gemini-1.5-flash-8b was billed as gemini-1.5-flash, at twice its price', () => {
  for (const model of ['gemini-1.5-flash-8b', 'models/gemini-1.5-flash-8b-001', 'gemini-1.5-flash-8b-latest'])
    expect(billedAs('gcp.gemini', model)).toBe('google/gemini-flash-1.5-8b')
})

test('o4-mini-deep-research on Azure was billed as o4-mini, at half its price', () => {
  expect(billedAs('azure.ai.openai', 'o4-mini-deep-research')).toBe('openai/o4-mini-deep-research')
})

test.each<[provider: string, asked: string, answered: string, was: string]>([
  ['openai', 'ft:gpt-4.1-mini-2025-04-14:acme::x', 'gpt-4.1-mini-2025-04-14', 'the model that was tuned'],
  ['openrouter', 'openai/gpt-4o:online', 'openai/gpt-4o', 'one that searched nothing'],
  ['openrouter', 'openai/gpt-4o:free', 'openai/gpt-4o', 'the paid one'],
  ['anthropic', 'claude-opus-4-6', 'claude-opus-4-6-fast', 'the slow one'],
  ['litellm', 'anthropic/claude-opus-4-6', 'claude-opus-4-6-fast', 'the slow one'],
])('%s %s, answered by %s, was billed as %s', (provider, asked, answered) => {
  expect(billedAs(provider, answered, asked)).toBe(UNLISTED)
})

test('a model of Bedrock whose maker came late was unpriced where the emitter names no provider', () => {
  const bedrock = providers.find(({ id }) => id === 'aws')!.models.filter(({ id }) => !id.startsWith('regional.'))
  expect(bedrock.length).toBeGreaterThan(60)
  for (const { id } of bedrock) expect(billedAs('', id)).toBe(`aws/${id}`)
})

test('names were lost whose pattern ends with a separator', () => {
  expect(billedAs('mistral_ai', 'magistral-small-latest')).toBe('mistral/magistral-small')
  expect(billedAs('gcp.vertex_ai', 'claude-opus-5@default')).toBe('google/claude-opus-5')
})

test('a deployment of a tuned model on Azure was billed as the model that was tuned where that answered', () => {
  const tuned = 'gpt-4o-mini-2024-07-18.ft-0123abcd'
  expect(billedAs('azure.ai.openai', 'gpt-4o-mini-2024-07-18', tuned)).toBe('openai/gpt-4o-mini-2024-07-18.ft-')
  expect(billedAs('azure.ai.openai', 'gpt-4.1-2025-04-14', 'gpt-4.1-2025-04-14.ft-0123abcd')).toBe(UNLISTED)
})

test('a release that is not listed yet is billed as the model that was asked for', () => {
  expect(billedAs('openai', 'gpt-4o-2027-01-01', 'gpt-4o')).toBe('openai/gpt-4o')
  expect(billedAs('mistral_ai', 'mistral-large-2707', 'mistral-large-latest')).toBe('mistral/mistral-large-latest')
  expect(billedAs('anthropic', 'claude-sonnet-4-5', 'claude-sonnet-4-5[1m]')).toBe('anthropic/claude-sonnet-4-5')
})

test('what a gateway passes on to one’s own machine was unpriced', () => {
  for (const [provider, model] of [
    ['litellm', 'ollama/llama3.3'],
    ['litellm', 'hosted_vllm/meta-llama/Llama-3.3-70B-Instruct'],
    ['', 'ollama_chat/qwen3'],
  ] as const)
    expect(billedAs(provider, model)).toMatch(/^(ollama|vllm)\/\*$/)
  expect(billedAs('openrouter', 'ollama/llama3.3')).toBe(UNLISTED)
})
