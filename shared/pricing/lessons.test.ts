import { expect, test } from 'vitest'
import { buildChat, buildSpan, type SpanSketch } from '../../test/support/span.ts'
import type { AttributeValue } from '../spans/attributes.ts'
import type { Ledger } from '../spans/ledger.ts'
import { loadCatalogue } from './catalogue.ts'
import { createCustomCatalogue } from './custom-catalogue.ts'
import { createPricer } from './pricer.ts'

const catalogue = await loadCatalogue()
const pricer = createPricer({ catalogue })
const priceAll = (...spans: ReturnType<typeof buildSpan>[]) => pricer.price(spans, { project: 'p' })
const priceOne = (model: string, usage: Record<string, number>, sketch: SpanSketch = {}) =>
  priceAll(buildChat(model, usage, sketch))[0]!
const rule = (ledger: Ledger) => JSON.parse(ledger.receipt).rule
const units = (ledger: Ledger) =>
  Object.fromEntries(
    JSON.parse(ledger.receipt).lines.map((line: { unit: string; quantity: number }) => [line.unit, line.quantity]),
  )

const OPENAI = { 'gen_ai.provider.name': 'openai' }
const ANTHROPIC = { 'gen_ai.provider.name': 'anthropic' }
const CLAUDE = 'claude-sonnet-4-5'

test('traceloop/openllmetry#4449: one cached call through two packages costs the same', () => {
  const bedrock = { 'gen_ai.provider.name': 'aws.bedrock' }
  const model = 'anthropic.claude-sonnet-4-5-20250929-v1:0'
  const counts = (input: number) => ({
    input_tokens: input,
    'cache_read.input_tokens': 1000,
    output_tokens: 40,
    total_tokens: input + 40,
  })
  const folded = priceOne(model, counts(1012), {
    scope: 'opentelemetry.instrumentation.anthropic',
    attributes: bedrock,
  })
  const copied = priceOne(model, counts(12), {
    scope: 'opentelemetry.instrumentation.bedrock',
    scopeVersion: '0.62.3',
    attributes: bedrock,
  })
  expect(folded.costPicoUsd).toBe(copied.costPicoUsd)
  expect([folded.inputTokens, copied.inputTokens]).toStrictEqual([1012, 1012])
  expect([rule(folded), rule(copied)]).toStrictEqual(['emitter_inclusive', 'cache_exceeds_input'])
})

test('traceloop/openllmetry#4449: where more is fresh than cached, the package alone decides', () => {
  const sketch = {
    scope: 'opentelemetry.instrumentation.bedrock',
    attributes: { 'gen_ai.provider.name': 'aws.bedrock' },
  }
  const counts = { input_tokens: 5000, 'cache_read.input_tokens': 1000, output_tokens: 40, total_tokens: 5040 }
  const model = 'global.anthropic.claude-sonnet-4-5-20250929-v1:0'
  const known = priceOne(model, counts, { ...sketch, scopeVersion: '0.62.3' })
  expect([rule(known), known.inputTokens]).toStrictEqual(['emitter_exclusive', 6000])
  // A later release may have changed it: 4000 + 1000 or 5000 + 1000, at 3, 0.3 and 15 USD per million.
  const later = priceOne(model, counts, { ...sketch, scopeVersion: '0.63.0' })
  expect(later).toMatchObject({
    costStatus: 'ambiguous',
    costPicoUsd: null,
    costLowerPicoUsd: 12_900_000_000n,
    costUpperPicoUsd: 15_900_000_000n,
    inputTokens: null,
  })
})

test('langfuse/langfuse#10592: cached tokens that the input includes are not added to it', () => {
  const usage = { input: 17_903, output: 100, total: 18_003, input_cached_tokens: 17_817 }
  const [ledger] = priceAll(
    buildSpan({
      scope: 'langfuse-sdk',
      attributes: {
        'langfuse.observation.type': 'generation',
        'langfuse.observation.model.name': 'gpt-5-mini',
        'langfuse.observation.usage_details': JSON.stringify(usage),
      },
    }),
  )
  expect(units(ledger!)).toStrictEqual({ input_tokens: 86, cache_read_tokens: 17_817, output_tokens: 100 })
  expect(ledger!.costPicoUsd).toBe(86n * 250_000n + 17_817n * 25_000n + 100n * 2_000_000n)
})

test('langfuse/langfuse#12306: Anthropic’s cache, which genai-prices has added to the input, is not added again', () => {
  const details = { 'details.cache_read_tokens': 1000, 'details.cache_write_tokens': 200 }
  const sketch = { scope: 'pydantic-ai', attributes: ANTHROPIC }
  const ledger = priceOne(CLAUDE, { input_tokens: 1212, output_tokens: 40, ...details }, sketch)
  expect(units(ledger)).toStrictEqual({
    input_tokens: 12,
    cache_read_tokens: 1000,
    cache_write_5m_tokens: 200,
    output_tokens: 40,
  })
  // Langfuse's own name for it, in OpenTelemetry's namespace.
  const own = priceOne(CLAUDE, { input_tokens: 1012, input_cached_tokens: 1000 }, { attributes: ANTHROPIC })
  expect(units(own)).toStrictEqual({ input_tokens: 12, cache_read_tokens: 1000 })
})

test('BerriAI/litellm#34801: a prompt that is all cached costs what cached tokens cost', () => {
  const ledger = priceOne('gpt-4o', { input_tokens: 1000, 'cache_read.input_tokens': 1000 }, { attributes: OPENAI })
  expect(units(ledger)).toStrictEqual({ cache_read_tokens: 1000 })
  expect(ledger.costPicoUsd).toBe(1000n * 1_250_000n)
})

test("BerriAI/litellm#29145: the discount on cached tokens is the selling provider's own", () => {
  const usage = { input_tokens: 1000, 'cache_read.input_tokens': 1000 }
  const cost = (provider: string, model: string) =>
    priceOne(model, usage, { attributes: { 'gen_ai.provider.name': provider } }).costPicoUsd
  expect(cost('anthropic', CLAUDE)).toBe(300_000_000n)
  expect(cost('aws.bedrock', 'us.anthropic.claude-sonnet-4-5-20250929-v1:0')).toBe(330_000_000n)
  expect(cost('mistral_ai', 'mistral-large-2411')).toBe(2_000_000_000n)
})

test('five-minute and one-hour cache writes have prices of their own', () => {
  const attributes = (hour: number) => ({
    ...ANTHROPIC,
    'anthropic.usage.cache_creation.ephemeral_1h_input_tokens': hour,
  })
  const usage = { input_tokens: 100, 'cache_write.input_tokens': 100 }
  const cost = (hour: number) => priceOne(CLAUDE, usage, { attributes: attributes(hour) }).costPicoUsd
  expect([cost(0), cost(100)]).toStrictEqual([375_000_000n, 600_000_000n])
})

test('lifetimes and searches among Pydantic AI’s details were not read', () => {
  const details = {
    cache_write_tokens: 200,
    cache_write_5m_tokens: 150,
    cache_write_1h_tokens: 50,
    web_search_requests: 2,
  }
  const usage = Object.fromEntries(Object.entries(details).map(([key, count]) => [`details.${key}`, count]))
  const ledger = priceOne(CLAUDE, { input_tokens: 200, ...usage }, { scope: 'pydantic-ai', attributes: ANTHROPIC })
  expect(units(ledger)).toStrictEqual({ cache_write_5m_tokens: 150, cache_write_1h_tokens: 50, web_searches: 2 })
})

test('cached tokens under OpenInference’s older name were billed as fresh', () => {
  const attributes = {
    'openinference.span.kind': 'LLM',
    'llm.provider': 'openai',
    'llm.token_count.prompt': 1000,
    'llm.token_count.prompt_details.cache_input': 400,
  }
  const ledger = priceOne('gpt-4o', {}, { scope: 'openinference.instrumentation.x', attributes })
  expect(units(ledger)).toStrictEqual({ input_tokens: 600, cache_read_tokens: 400 })
})

test('a one-hour cache write is not priced like one for five minutes where its price is unknown', () => {
  const attributes = {
    'gen_ai.provider.name': 'aws.bedrock',
    'anthropic.usage.cache_creation.ephemeral_1h_input_tokens': 100,
  }
  const model = 'us.anthropic.claude-sonnet-4-20250514-v1:0'
  const ledger = priceOne(model, { input_tokens: 100, 'cache_write.input_tokens': 100 }, { attributes })
  expect([ledger.costStatus, ledger.costPicoUsd]).toStrictEqual(['unpriced', null])
})

test('BerriAI/litellm#37407: an image that is cached is billed once, as xAI bills it', () => {
  const usage =
    "{'completion_tokens': 303, 'prompt_tokens': 2461, 'total_tokens': 2764, " +
    "'prompt_tokens_details': {'cached_tokens': 2432, 'text_tokens': 1319, 'image_tokens': 1142}}"
  const attributes = { 'gen_ai.system': 'xai', 'metadata.usage_object': usage }
  const counts = { input_tokens: 2461, output_tokens: 303, total_tokens: 2764 }
  const ledger = priceOne('grok-4.6', counts, { scope: 'litellm', attributes })
  expect(ledger.inputTokens).toBe(2461)
  // xAI's own figure: 0.003092 USD.
  expect(ledger.costPicoUsd).toBe(29n * 2_000_000n + 2432n * 500_000n + 303n * 6_000_000n)
  expect(ledger.costPicoUsd).toBe(3_092_000_000n)
})

test('BerriAI/litellm#37407: cached image tokens are in one slice only', () => {
  const images = { 'gen_ai.usage.details.input_image_tokens': 300, 'gen_ai.usage.details.cache_image_read_tokens': 200 }
  const usage = { input_tokens: 1000, 'cache_read.input_tokens': 500 }
  const ledger = priceOne('gpt-realtime', usage, { scope: 'pydantic-ai', attributes: { ...OPENAI, ...images } })
  expect(units(ledger)).toStrictEqual({
    input_tokens: 400,
    cache_read_tokens: 300,
    input_image_tokens: 100,
    cache_read_image_tokens: 200,
  })
  expect(ledger.costPicoUsd).toBe(400n * 4_000_000n + 300n * 400_000n + 100n * 5_000_000n + 200n * 500_000n)
})

test('BerriAI/litellm#18599: reasoning tokens are billed, and so is the rest of the output', () => {
  const nano = priceOne('gpt-5-nano', { output_tokens: 977, 'reasoning.output_tokens': 768 }, { attributes: OPENAI })
  expect(units(nano)).toStrictEqual({ output_tokens: 209, reasoning_tokens: 768 })
  expect(nano.costPicoUsd).toBe(977n * 400_000n)
  const attributes = { 'gen_ai.provider.name': 'perplexity' }
  const within = priceOne('sonar-deep-research', { output_tokens: 100, 'reasoning.output_tokens': 60 }, { attributes })
  expect(units(within)).toStrictEqual({ output_tokens: 40, reasoning_tokens: 60 })
  expect(within.costPicoUsd).toBe(40n * 8_000_000n + 60n * 3_000_000n)
  const counts = { input_tokens: 10, output_tokens: 100, 'reasoning.output_tokens': 60, total_tokens: 170 }
  const beside = priceOne('sonar-deep-research', counts, { attributes })
  expect(units(beside)).toStrictEqual({ input_tokens: 10, output_tokens: 100, reasoning_tokens: 60 })
})

test('langfuse/langfuse#4072: aliases and suffixes of models and providers have prices', () => {
  const cost = (provider: string, model: string) =>
    priceOne(model, { input_tokens: 1_000_000 }, { attributes: { 'gen_ai.system': provider } }).costPicoUsd
  for (const provider of ['openai', 'OpenAI', 'openai.chat', 'openai.responses'])
    expect(cost(provider, 'gpt-4o')).toBe(2_500_000_000_000n)
  for (const provider of ['azure', 'az.ai.openai', 'azure.ai.openai', 'azure-openai.chat'])
    expect(cost(provider, 'gpt-4o')).toBe(2_500_000_000_000n)
  for (const provider of ['google', 'gcp.gemini', 'gemini', 'google_genai', 'vertex_ai', 'google.vertex.chat'])
    expect(cost(provider, 'models/gemini-2.5-flash')).toBe(300_000_000_000n)
  expect(cost('', 'openai/gpt-4o')).toBe(2_500_000_000_000n)
  expect(cost('litellm', 'openai/gpt-4o')).toBe(2_500_000_000_000n)
  expect(cost('', 'GPT-4o-2024-08-06')).toBe(2_500_000_000_000n)
  expect(cost('', 'text-embedding-3-small')).toBe(20_000_000_000n)
  expect(cost('', 'embed-v4.0')).toBe(120_000_000_000n)
})

test.each([
  // An inference profile says where a call runs, and so what it costs; Claude answers with its name alone.
  ['aws.bedrock', 'global.anthropic.claude-sonnet-4-5-20250929-v1:0', 'claude-sonnet-4-5-20250929', 3_000_000n],
  ['aws.bedrock', 'us.anthropic.claude-sonnet-4-5-20250929-v1:0', 'claude-sonnet-4-5-20250929', 3_300_000n],
  ['openai', 'ft:gpt-4o-mini-2024-07-18:acme::x', 'gpt-4o-mini-2024-07-18', 300_000n],
  ['openrouter', 'meta-llama/llama-3.3-70b-instruct:free', 'meta-llama/llama-3.3-70b-instruct', 0n],
  // A variant without a price of its own costs what the model does; a deployment may be called anything.
  ['openrouter', 'openai/gpt-4o:nitro', 'openai/gpt-4o', 2_500_000n],
  ['azure.ai.openai', 'gpt-4', 'gpt-4o-2024-11-20', 2_500_000n],
  ['azure.ai.openai', 'gpt-4o-mini', 'gpt-4o', 2_500_000n],
])('a name that says more than that of the model which answered was dropped: %s %s', (provider, asked, model, unit) => {
  const attributes = { 'gen_ai.provider.name': provider, 'gen_ai.response.model': model }
  expect(priceOne(asked, { input_tokens: 1000 }, { attributes }).costPicoUsd).toBe(1000n * unit)
})

test.each(['strands-agents', 'crewai', 'autogen', 'semantic_kernel', 'microsoft.agent_framework', 'agno', 'haystack'])(
  'a framework that calls itself the provider left every call unpriced: %s',
  (framework) => {
    const cost = (model: string) =>
      priceOne(model, { input_tokens: 1000 }, { attributes: { 'gen_ai.system': framework } }).costPicoUsd
    expect(cost('gpt-4o')).toBe(1000n * 2_500_000n)
    expect(cost('us.anthropic.claude-sonnet-4-5-20250929-v1:0')).toBe(1000n * 3_300_000n)
  },
)

test.each([
  ['gen_ai.usage.cached_tokens', 'cacheReadTokens'],
  ['gen_ai.usage.cached_input_tokens', 'cacheReadTokens'],
  ['gen_ai.usage.cache_write_input_tokens', 'cacheWriteTokens'],
] as const)('cached tokens under a name of their own were billed as fresh: %s', (key, column) => {
  const ledger = priceOne('gpt-6-sol', { input_tokens: 1000 }, { attributes: { ...OPENAI, [key]: 400 } })
  expect([ledger.inputTokens, ledger[column]]).toStrictEqual([1000, 400])
})

test('langfuse/langfuse#4072: an unknown model is unpriced, never 0', () => {
  const ledger = priceOne('gpt-99', { input_tokens: 10 }, { attributes: OPENAI })
  expect(ledger).toMatchObject({ costStatus: 'unpriced', costPicoUsd: null, inputTokens: 10 })
  expect(JSON.parse(ledger.receipt).reason).toBe('model not in the catalogue')
})

test('counting tokens is not billed as a chat', () => {
  const ledger = priceOne(
    'gpt-4o',
    { input_tokens: 1000 },
    { attributes: { ...OPENAI, 'gen_ai.operation.name': 'count_tokens' } },
  )
  expect(ledger).toMatchObject({ costStatus: 'no_usage', costPicoUsd: null })
})

test('only a total: the cost lies between all input and all output', () => {
  expect(priceOne('gpt-4o', { total_tokens: 100 }, { attributes: OPENAI })).toMatchObject({
    costStatus: 'ambiguous',
    costLowerPicoUsd: 250_000_000n,
    costUpperPicoUsd: 1_000_000_000n,
  })
})

test('tokens that both readings of a call have were counted by no budget and in no sum', () => {
  const tokens = ({ inputTokens, outputTokens, totalTokens, cacheReadTokens }: Ledger) => [
    inputTokens,
    outputTokens,
    totalTokens,
    cacheReadTokens,
  ]
  expect(tokens(priceOne('gpt-4o', { total_tokens: 100 }))).toStrictEqual([null, null, 100, null])
  const sketch = { scope: 'opentelemetry.instrumentation.bedrock', attributes: ANTHROPIC }
  const counts = { input_tokens: 5000, 'cache_read.input_tokens': 1000, output_tokens: 40 }
  for (const model of [CLAUDE, 'house-model'])
    expect(tokens(priceOne(model, counts, sketch))).toStrictEqual([null, 40, null, 1000])
})

test('a cost that the emitter reports is kept beside ours, never summed', () => {
  const reported = { ...OPENAI, 'operation.cost': 0.01 }
  expect(priceOne('gpt-4o', { input_tokens: 1000 }, { attributes: reported })).toMatchObject({
    costPicoUsd: 2_500_000_000n,
    reportedCostPicoUsd: 10_000_000_000n,
  })
})

test.each([-1, 0.5, Number.NaN, 1e300, 2 ** 63, Number.POSITIVE_INFINITY, 1_000_000_001, '12', true, [1]])(
  'a token count of %s refuses the usage with a reason and keeps the span',
  (count) => {
    const span = buildSpan({
      attributes: { ...OPENAI, 'gen_ai.request.model': 'gpt-4o', 'gen_ai.usage.output_tokens': 5 },
    })
    const attributes = new Map([...span.attributes, ['gen_ai.usage.input_tokens', count as number]])
    const [ledger] = priceAll({ ...span, attributes })
    expect(ledger).toMatchObject({ costStatus: 'no_usage', costPicoUsd: null, inputTokens: null, outputTokens: null })
    expect(JSON.parse(ledger!.receipt).reason).toBe('input: not a whole number from 0 to 1e9')
  },
)

test('a sum of costs is exact, where a sum of floats is 25.000000000000004', () => {
  const parts = [0.1, 0.2, 0.3, 24.4].map((usd) => priceReported(usd))
  expect(parts.reduce((sum: bigint, part) => sum + (part ?? 0n), 0n)).toBe(25_000_000_000_000n)
})

test.each([Number.NaN, -1, 1e300, Number.POSITIVE_INFINITY, '0.5', true])('a reported cost of %s is none', (cost) => {
  expect(priceReported(cost)).toBeNull()
})

function priceReported(cost: AttributeValue): bigint | null {
  return priceOne('gpt-4o', {}, { attributes: { ...OPENAI, 'operation.cost': cost } }).reportedCostPicoUsd
}

test('an edited price does not change what was bought before', () => {
  const edited = createCustomCatalogue({
    base: catalogue,
    shared: [{ provider: 'openai', model: 'gpt-4o', from: '2026-11-02T00:00:00Z', prices: { input_mtok: 5 } }],
  })
  const cost = (start: string) =>
    createPricer({ catalogue: edited }).price(
      [buildChat('gpt-4o', { input_tokens: 1000 }, { attributes: OPENAI, start })],
      { project: 'p' },
    )[0]?.costPicoUsd
  expect(cost('2026-11-01T23:59:59Z')).toBe(1000n * 2_500_000n)
  expect(cost('2026-11-02T00:00:00Z')).toBe(1000n * 5_000_000n)
})
