import { expect, test } from 'vitest'
import { buildChat, buildSpan } from '../../test/support/span.ts'
import type { AttributeValue } from '../spans/attributes.ts'
import type { Ledger } from '../spans/ledger.ts'
import { loadCatalogue } from './catalogue.ts'
import { createPricer } from './pricer.ts'

/** What providers bill and only the usage object in their response says, which some emitters attach. */
const pricer = createPricer({ catalogue: await loadCatalogue() })
const price = (span: ReturnType<typeof buildSpan>) => pricer.price([span], { project: 'p' })[0]!
const units = ({ receipt }: Ledger) =>
  Object.fromEntries(
    JSON.parse(receipt).lines.map((line: { unit: string; quantity: number }) => [line.unit, line.quantity]),
  )

type Attributes = Readonly<Record<string, AttributeValue>>

/** A call whose emitter has the two counts in attributes and the response as JSON. */
function answered(provider: string, model: string, usage: object, counts: Readonly<Record<string, number>>) {
  const attributes: Attributes = { 'gen_ai.provider.name': provider, response_data: JSON.stringify({ usage }) }
  return price(buildChat(model, counts, { scope: 'logfire.openai', attributes }))
}

test.each(['prompt_tokens_details', 'input_tokens_details'])(
  'what OpenAI writes to its cache (%s) was billed as if it had not been written',
  (details) => {
    const usage = { [details]: { cached_tokens: 500, cache_write_tokens: 1000 } }
    const ledger = answered('openai', 'gpt-6-sol', usage, { input_tokens: 2000, output_tokens: 100 })
    expect(ledger.costPicoUsd).toBe(500n * 2_000_000n + 500n * 200_000n + 1000n * 2_500_000n + 100n * 10_000_000n)
    expect([ledger.cacheReadTokens, ledger.cacheWriteTokens]).toStrictEqual([500, 1000])
  },
)

test.each([
  ['deepseek', 'deepseek-v4-flash', { prompt_cache_hit_tokens: 1500, prompt_cache_miss_tokens: 500 }, 150_000n, 3_000n],
  ['moonshot', 'kimi-k2-turbo-preview', { cached_tokens: 1500 }, 1_150_000n, 150_000n],
])(
  '%s names its cached tokens in its own way, and they were billed as fresh',
  (provider, model, usage, fresh, read) => {
    const ledger = answered(provider, model, usage, { input_tokens: 2000 })
    expect(units(ledger)).toStrictEqual({ input_tokens: 500, cache_read_tokens: 1500 })
    expect(ledger.costPicoUsd).toBe(500n * fresh + 1500n * read)
  },
)

const CONVERSE = {
  cacheReadInputTokens: 1000,
  cacheWriteInputTokens: 200,
  cacheDetails: [
    { inputTokens: 50, ttl: '1h' },
    { inputTokens: 150, ttl: '5m' },
  ],
}
const COUNTS = {
  'ai.usage.inputTokens': 1212,
  'ai.usage.inputTokenDetails.noCacheTokens': 12,
  'ai.usage.inputTokenDetails.cacheReadTokens': 1000,
  'ai.usage.inputTokenDetails.cacheWriteTokens': 200,
  'ai.usage.outputTokens': 40,
}
const OPUS = 'global.anthropic.claude-opus-5-5'

test.each<[string, string, Attributes]>([
  [
    'OpenInference',
    '@arizeai/openinference-instrumentation-bedrock',
    {
      'openinference.span.kind': 'LLM',
      'llm.provider': 'aws',
      'llm.model_name': OPUS,
      'llm.token_count.prompt': 12,
      'llm.token_count.completion': 40,
      'output.value': JSON.stringify({ usage: { inputTokens: 12, outputTokens: 40, ...CONVERSE } }),
    },
  ],
  [
    'the AI SDK',
    'ai',
    {
      'ai.operationId': 'ai.generateText.doGenerate',
      'ai.model.provider': 'amazon-bedrock',
      'ai.model.id': OPUS,
      ...COUNTS,
      'ai.response.providerMetadata': JSON.stringify({ bedrock: { usage: CONVERSE } }),
    },
  ],
])('what Bedrock keeps for an hour was billed as kept for five minutes: %s', (_, scope, attributes) => {
  const ledger = price(buildSpan({ scope, attributes }))
  expect(ledger.costPicoUsd).toBe(
    12n * 4_000_000n + 1000n * 200_000n + 150n * 5_000_000n + 50n * 8_000_000n + 40n * 20_000_000n,
  )
})

test('what Claude read from the cache was billed nowhere under MLflow, which counts fresh tokens alone', () => {
  const { usage, lifetimes } = CLAUDE_WRITES
  const attributes = {
    'mlflow.spanType': '"CHAT_MODEL"',
    'mlflow.llm.model': '"claude-opus-5-5"',
    'mlflow.llm.provider': '"anthropic"',
    'mlflow.chat.tokenUsage': '{"input_tokens": 12, "output_tokens": 40, "total_tokens": 52}',
    'mlflow.spanOutputs': JSON.stringify({ id: 'msg_1', content: [], usage: { ...usage, ...lifetimes } }),
  }
  expect(units(price(buildSpan({ scope: 'mlflow', attributes })))).toStrictEqual({
    ...{ input_tokens: 12, cache_read_tokens: 1000, cache_write_5m_tokens: 150, cache_write_1h_tokens: 50 },
    output_tokens: 40,
  })
  // An agent's answer may have the usage of its last call alone.
  const agent = { ...attributes, 'mlflow.spanType': '"AGENT"' }
  expect(units(price(buildSpan({ scope: 'mlflow', attributes: agent })))).toStrictEqual({
    ...{ input_tokens: 12, output_tokens: 40 },
  })
})

test.each([
  { input_cache_creation_5m: 150, input_cache_creation_1h: 50 },
  { input_cache_creation: 200, input_cache_creation_5m: 150, input_cache_creation_1h: 50 },
  // As LangChain's callback names them.
  { input_cache_creation: 0, input_ephemeral_5m_input_tokens: 150, input_ephemeral_1h_input_tokens: 50 },
])('what was written to the cache under a lifetime was billed nowhere under Langfuse: %j', (writes) => {
  const attributes = {
    'langfuse.observation.type': 'generation',
    'langfuse.observation.model.name': 'claude-opus-5-5',
    'langfuse.observation.usage_details': JSON.stringify({
      input: 9,
      output: 40,
      input_text: 3,
      input_cache_read: 1000,
      ...writes,
    }),
  }
  expect(units(price(buildSpan({ scope: 'langfuse-sdk', attributes })))).toStrictEqual({
    ...{ input_tokens: 12, cache_read_tokens: 1000, cache_write_5m_tokens: 150, cache_write_1h_tokens: 50 },
    output_tokens: 40,
  })
})

test('images, and what was cached of a long context, were billed as fresh text under LangSmith', () => {
  const langsmith = (model: string, input: number, output: number, details: object, outputDetails: object) =>
    price(
      buildChat(
        model,
        { input_tokens: input, output_tokens: output },
        {
          scope: 'langsmith',
          attributes: {
            'gen_ai.system': 'google',
            'gen_ai.usage.input_token_details': JSON.stringify(details),
            'gen_ai.usage.output_token_details': JSON.stringify(outputDetails),
          },
        },
      ),
    )
  const long = langsmith('gemini-2.5-pro', 300_000, 10, { cache_read_over_200k: 50_000, over_200k: 250_000 }, {})
  expect(long.costPicoUsd).toBe(250_000n * 2_500_000n + 50_000n * 250_000n + 10n * 15_000_000n)
  const image = langsmith('gemini-2.5-flash-image', 10, 1300, { text: 10 }, { image: 1290 })
  expect(image.costPicoUsd).toBe(10n * 300_000n + 10n * 2_500_000n + 1290n * 30_000_000n)
  const seen = langsmith('gemini-3.1-flash-live-preview', 1000, 0, { image: 600 }, {})
  expect(seen.costPicoUsd).toBe(400n * 750_000n + 600n * 1_000_000n)
})

test.each([
  ['0.0000344', 34_400_000n],
  [0.02, 20_000_000_000n],
  ['', null],
  ['-1', null],
  ['dear', null],
  [null, null],
])('what Vercel’s gateway charged, %j, is kept beside our figure', (cost, reported) => {
  const attributes = {
    'ai.operationId': 'ai.generateText.doGenerate',
    'ai.model.provider': 'gateway',
    'ai.model.id': 'openai/gpt-4o',
    'ai.usage.inputTokens': 10,
    'ai.response.providerMetadata': JSON.stringify({ gateway: { cost } }),
  }
  const ledger = price(buildSpan({ scope: 'ai', attributes }))
  expect([ledger.costPicoUsd, ledger.reportedCostPicoUsd]).toStrictEqual([10n * 2_500_000n, reported])
})

const PLAIN = { input_tokens: 1000, output_tokens: 100 }
test('fresh tokens were taken for cached ones where the emitter copies Converse’s count, which leaves those out', () => {
  const attributes = {
    'openinference.span.kind': 'LLM',
    'llm.provider': 'aws',
    'llm.model_name': OPUS,
    'llm.token_count.prompt': 5000,
    'llm.token_count.completion': 40,
    'output.value': JSON.stringify({ usage: { inputTokens: 5000, outputTokens: 40, cacheReadInputTokens: 1000 } }),
  }
  const ledger = price(buildSpan({ scope: 'openinference.instrumentation.bedrock', attributes }))
  expect(units(ledger)).toStrictEqual({ input_tokens: 5000, cache_read_tokens: 1000, output_tokens: 40 })
})

test.each([
  ['default', 'standard', 'priced', 1000n * 800_000n],
  ['flex', undefined, 'priced', 1000n * 400_000n],
  ['priority', 'standard', 'unpriced', null],
  ['default', 'optimized', 'unpriced', null],
])('Bedrock’s tier %s with latency %s was billed at list price', (type, latency, status, cost) => {
  const answer = { serviceTier: { type }, performanceConfig: { latency } }
  const openinference = {
    'openinference.span.kind': 'LLM',
    'llm.provider': 'aws',
    'llm.model_name': 'amazon.nova-pro-v1:0',
    'llm.token_count.prompt': 1000,
    'output.value': JSON.stringify({ usage: { inputTokens: 1000 }, ...answer }),
  }
  const vercel = {
    'ai.operationId': 'ai.generateText.doGenerate',
    'ai.model.provider': 'amazon-bedrock',
    'ai.model.id': 'amazon.nova-pro-v1:0',
    'ai.usage.inputTokens': 1000,
    'ai.response.providerMetadata': JSON.stringify({ bedrock: answer }),
  }
  const scope = '@arizeai/openinference-instrumentation-bedrock'
  for (const sketch of [
    { scope, attributes: openinference },
    { scope: 'ai', attributes: vercel },
  ])
    expect(price(buildSpan(sketch))).toMatchObject({ costStatus: status, costPicoUsd: cost })
})

test.each([
  ['OpenRouter', { cost: 0.0125, is_byok: false }, 12_500_000_000n],
  ['Perplexity', { cost: { input_tokens_cost: 0.002, total_cost: 0.007 } }, 7_000_000_000n],
  ['nobody', { cost: 'dear' }, null],
])('what %s says in its response that it charged was not kept', (_who, usage, reported) => {
  const attributes = {
    'openinference.span.kind': 'LLM',
    'llm.provider': 'openai',
    'llm.model_name': 'openai/gpt-4o',
    'llm.token_count.prompt': 1000,
    'output.value': JSON.stringify({ usage: { prompt_tokens: 1000, ...usage } }),
  }
  const ledger = price(buildSpan({ scope: 'openinference.instrumentation.openai', attributes }))
  expect(ledger.reportedCostPicoUsd).toBe(reported)
})

const CLAUDE_WRITES = {
  usage: { input_tokens: 12, cache_read_input_tokens: 1000, cache_creation_input_tokens: 200 },
  lifetimes: { cache_creation: { ephemeral_5m_input_tokens: 150, ephemeral_1h_input_tokens: 50 } },
}

test('what Anthropic keeps for an hour was billed as kept for five minutes under OpenInference for Python', () => {
  const { usage, lifetimes } = CLAUDE_WRITES
  const attributes = {
    'openinference.span.kind': 'LLM',
    'llm.provider': 'anthropic',
    'llm.model_name': 'claude-opus-5-5',
    'llm.token_count.prompt': 1212,
    'llm.token_count.prompt_details.cache_read': 1000,
    'llm.token_count.prompt_details.cache_write': 200,
    'llm.token_count.completion': 40,
    'output.value': JSON.stringify({
      content: 'y'.repeat(100_000),
      usage: { ...usage, ...lifetimes, output_tokens: 40 },
    }),
  }
  const ledger = price(buildSpan({ scope: 'openinference.instrumentation.anthropic', attributes }))
  expect(units(ledger)).toStrictEqual({
    ...{ input_tokens: 12, cache_read_tokens: 1000, cache_write_5m_tokens: 150, cache_write_1h_tokens: 50 },
    output_tokens: 40,
  })
})

const claude = (usage: object) =>
  answered('anthropic', 'claude-opus-5-5', { ...PLAIN, cache_read_input_tokens: 0, ...usage }, PLAIN)

test('Claude in fast mode was billed at the list price of its usual speed', () => {
  const ledger = claude({ service_tier: 'standard', speed: 'fast' })
  expect(ledger).toMatchObject({ costStatus: 'unpriced', costPicoUsd: null })
  expect(JSON.parse(ledger.receipt).reason).toBe('no price for service tier fast')
  expect(claude({ speed: 'standard' }).costStatus).toBe('priced')
})

test('inference that is to stay in the United States costs a tenth more at Anthropic', () => {
  const list = 1000n * 4_000_000n + 100n * 20_000_000n
  const usual = ['global', 'not_available', null, undefined]
  for (const inference_geo of usual) expect(claude({ inference_geo }).costPicoUsd).toBe(list)
  expect(claude({ inference_geo: 'us' }).costPicoUsd).toBe((list * 11n) / 10n)
  expect(claude({ inference_geo: 'us', service_tier: 'standard' }).costPicoUsd).toBe((list * 11n) / 10n)
  expect(claude({ inference_geo: 'us', service_tier: 'batch' }).costPicoUsd).toBe((list * 11n) / 20n)
  expect(claude({ inference_geo: 'us', speed: 'fast' }).costStatus).toBe('unpriced')
})

test('what Claude thought was not told apart from what it said', () => {
  const { outputTokens, reasoningTokens } = claude({ output_tokens_details: { thinking_tokens: 60 } })
  expect([outputTokens, reasoningTokens]).toStrictEqual([100, 60])
})
