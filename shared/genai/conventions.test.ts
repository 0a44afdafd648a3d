import { expect, test } from 'vitest'
import { buildSpan, type SpanSketch } from '../../test/support/span.ts'
import { readCall } from './call.ts'
import { counts, known, read } from './test-call.ts'
import { outputTokens } from './usage.ts'

/** What the fixtures of emitters leave out. */

test('Pydantic AI: an agent run of version 5 declares a sum; details name audio and cache', () => {
  const agent = read({
    scope: 'pydantic-ai',
    attributes: {
      agent_name: 'clerk',
      'gen_ai.operation.name': 'invoke_agent',
      'gen_ai.aggregated_usage.input_tokens': 9,
    },
  })
  expect(agent).toMatchObject({ dialect: 'pydantic_ai', summary: true, composite: true, agentName: 'clerk' })
  const call = read({
    scope: 'pydantic-ai',
    attributes: {
      'gen_ai.operation.name': 'chat',
      'gen_ai.usage.input_tokens': 100,
      'gen_ai.usage.details.cache_read_tokens': 60,
      'gen_ai.usage.details.input_audio_tokens': 30,
      'gen_ai.usage.details.cache_audio_read_tokens': 20,
      'gen_ai.usage.output_tokens': 5,
      'operation.cost': 0.001,
    },
  })
  expect(known(call)).toStrictEqual({
    rule: 'emitter_inclusive',
    input_tokens: 30,
    cache_read_tokens: 40,
    input_audio_tokens: 10,
    cache_read_audio_tokens: 20,
    output_tokens: 5,
    requests: 1,
  })
  expect(call.reportedCostUsd).toBe(0.001)
})

test('OpenRouter: the bill is its own, whoever served', () => {
  const call = read({
    scope: 'openrouter',
    name: 'LLM Generation',
    attributes: {
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': 'anthropic',
      'gen_ai.request.model': 'anthropic/claude-sonnet-4.5',
      'gen_ai.usage.input_tokens': 100,
      'gen_ai.usage.input_tokens.cached': 80,
      'gen_ai.usage.input_tokens.cache_write': 5,
      'gen_ai.usage.output_tokens': 10,
      'gen_ai.usage.output_tokens.reasoning': 4,
      'gen_ai.usage.total_cost': 0.00123,
    },
  })
  expect(call).toMatchObject({ dialect: 'openrouter', provider: 'openrouter', reportedCostUsd: 0.00123 })
  expect(known(call)).toStrictEqual({
    rule: 'emitter_inclusive',
    input_tokens: 15,
    cache_read_tokens: 80,
    cache_write_5m_tokens: 5,
    output_tokens: 6,
    reasoning_tokens: 4,
    requests: 1,
  })
})

test('OpenLLMetry adds what was cached to the input for LangChain; of LlamaIndex nobody knows', () => {
  const openllmetry = (scope: string) =>
    read({
      scope,
      attributes: {
        'gen_ai.system': 'anthropic',
        'llm.request.type': 'chat',
        'gen_ai.usage.input_tokens': 100,
        'gen_ai.usage.cache_read_input_tokens': 60,
        'gen_ai.usage.output_tokens': 5,
        'traceloop.association.properties.session_id': 's-1',
      },
    })
  const langChain = openllmetry('opentelemetry.instrumentation.langchain')
  expect(langChain).toMatchObject({ dialect: 'openllmetry', sessionId: 's-1' })
  expect(known(langChain)).toMatchObject({ rule: 'emitter_inclusive', input_tokens: 40, cache_read_tokens: 60 })
  expect(openllmetry('opentelemetry.instrumentation.llamaindex').resolution).toMatchObject({
    kind: 'ambiguous',
    rule: 'cache_unknown',
  })
})

test('totals that add up one way only settle what an emitter leaves open', () => {
  const call = (total: number) =>
    read({
      scope: 'opentelemetry.instrumentation.bedrock',
      scopeVersion: '0.99.0',
      attributes: {
        'gen_ai.system': 'aws.bedrock',
        'gen_ai.usage.input_tokens': 100,
        'gen_ai.usage.cache_read.input_tokens': 60,
        'gen_ai.usage.output_tokens': 5,
        'gen_ai.usage.total_tokens': total,
      },
    })
  expect(known(call(165))).toMatchObject({ rule: 'total_includes_cache', input_tokens: 100, cache_read_tokens: 60 })
  expect(call(105).resolution.kind).toBe('ambiguous')
})

test('tokens that only the total knows of are reasoning where the provider counts it beside the output', () => {
  const call = (provider: string, usage: Record<string, number>) =>
    read({
      attributes: {
        'gen_ai.provider.name': provider,
        'gen_ai.usage.input_tokens': 100,
        'gen_ai.usage.output_tokens': 10,
        'gen_ai.usage.total_tokens': 135,
        ...usage,
      },
    })
  for (const provider of ['gcp.gemini', 'gcp.vertex_ai', 'x_ai'])
    expect(known(call(provider, {}))).toStrictEqual({
      rule: 'total_includes_reasoning',
      input_tokens: 100,
      output_tokens: 10,
      reasoning_tokens: 25,
      requests: 1,
    })
  // Of others they may be anything: as cheap as what is read from a cache, as dear as output.
  for (const more of [{}, { 'gen_ai.usage.reasoning_tokens': 5 }]) {
    const { resolution } = call('aws.bedrock', more)
    if (resolution.kind !== 'ambiguous') throw new Error('known')
    expect(resolution.rule).toBe('total_exceeds_parts')
    expect(counts(resolution.usage)).toMatchObject({ input_tokens: 100, cache_read_tokens: 25 })
    expect(outputTokens(resolution.other)).toBe(35)
  }
  expect(known(call('gcp.gemini', { 'gen_ai.usage.reasoning_tokens': 25 })).rule).toBe('no_cache')
})

test('OpenInference: of JavaScript’s Bedrock alone cached tokens are not in the prompt', () => {
  const cached = (scope: string) =>
    known(
      read({
        scope,
        attributes: {
          'openinference.span.kind': 'LLM',
          'llm.provider': 'aws',
          'llm.token_count.prompt': 5000,
          'llm.token_count.prompt_details.cache_read': 1000,
        },
      }),
    )
  expect(cached('@arizeai/openinference-instrumentation-bedrock')).toMatchObject({ input_tokens: 5000 })
  expect(cached('openinference.instrumentation.bedrock')).toMatchObject({ input_tokens: 4000 })
})

test('Langfuse: each token has one key, whatever the provider; raw objects are read as the provider means them', () => {
  const usage = (details: object) =>
    known(
      read({
        scope: 'langfuse-sdk',
        attributes: {
          'langfuse.observation.type': 'generation',
          'langfuse.observation.usage_details': JSON.stringify(details),
        },
      }),
    )
  const told = { input_tokens: 12, cache_read_tokens: 1000, cache_write_5m_tokens: 200, output_tokens: 40, requests: 1 }
  const rule = 'uncached_reported'
  const own = { input: 12, input_cache_read: 1000, input_cache_creation: 200, output: 40 }
  expect(usage(own)).toStrictEqual({ rule, ...told })
  const anthropic = { cache_read_input_tokens: 1000, cache_creation_input_tokens: 200 }
  expect(usage({ input: 12, output: 40, ...anthropic })).toStrictEqual({ rule, ...told })
  expect(usage({ input_tokens: 12, output_tokens: 40, ...anthropic })).toStrictEqual({ rule, ...told })
  const openai = { prompt_tokens: 20, completion_tokens: 4, prompt_tokens_details: { cached_tokens: 15 } }
  expect(usage(openai)).toMatchObject({ rule: 'emitter_inclusive', input_tokens: 5, cache_read_tokens: 15 })
  const audio = { input: 5, input_audio_tokens: 7, output: 3, output_audio_tokens: 2, output_reasoning_tokens: 4 }
  expect(usage(audio)).toStrictEqual({
    rule,
    input_tokens: 5,
    input_audio_tokens: 7,
    output_tokens: 3,
    reasoning_tokens: 4,
    output_audio_tokens: 2,
    requests: 1,
  })
})

test('Mastra: lifetimes of cache writes, and audio', () => {
  const call = read({
    scope: '@mastra/otel-exporter',
    attributes: {
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': 'anthropic',
      'gen_ai.usage.input_tokens': 1000,
      'gen_ai.usage.cache_creation.input_tokens': 300,
      'gen_ai.usage.cache_creation.5m_input_tokens': 100,
      'gen_ai.usage.cache_creation.1h_input_tokens': 200,
      'gen_ai.usage.audio_input_tokens': 50,
    },
  })
  expect(known(call)).toStrictEqual({
    rule: 'emitter_inclusive',
    input_tokens: 650,
    cache_write_5m_tokens: 100,
    cache_write_1h_tokens: 200,
    input_audio_tokens: 50,
    requests: 1,
  })
})

test.each<[string, SpanSketch]>([
  [
    'OpenTelemetry',
    {
      attributes: {
        'gen_ai.system': 'openai',
        'openai.request.service_tier': 'auto',
        'openai.response.service_tier': 'flex',
      },
    },
  ],
  [
    'Anthropic’s SDK',
    {
      scope: 'com.anthropic.sdk.typescript',
      attributes: { 'gen_ai.request.service_tier': 'auto', 'anthropic.response.service_tier': 'flex' },
    },
  ],
  [
    'OpenInference, whose response has it',
    {
      attributes: {
        'openinference.span.kind': 'LLM',
        'output.value': JSON.stringify({ text: '"service_tier":"batch"', usage: {}, service_tier: 'flex' }),
      },
    },
  ],
  [
    'Vercel AI SDK with OpenAI',
    { scope: 'ai', attributes: { 'ai.response.providerMetadata': '{"openai":{"serviceTier":"flex"}}' } },
  ],
  [
    'Vercel AI SDK with Anthropic',
    { scope: 'ai', attributes: { 'ai.response.providerMetadata': '{"anthropic":{"usage":{"service_tier":"flex"}}}' } },
  ],
  [
    'Vercel AI SDK with Vertex AI',
    {
      scope: 'ai',
      attributes: {
        'ai.response.providerMetadata': '{"vertex":{"usageMetadata":{"trafficType":"ON_DEMAND_FLEX"}}}',
      },
    },
  ],
  [
    'Google ADK',
    {
      scope: 'gcp.vertex.agent',
      attributes: { 'gcp.vertex.agent.llm_response': '{"usageMetadata":{"trafficType":"ON_DEMAND_FLEX"}}' },
    },
  ],
  ['LangChain', { scope: 'langsmith', attributes: { 'gen_ai.usage.input_token_details': '{"flex":5}' } }],
])('the service tier that answered: %s', (_emitter, sketch) => {
  expect(read(sketch).serviceTier).toBe('flex')
})

test('a scope decides over attributes, an attribute over none, and no GenAI attribute means no call', () => {
  const marked = { 'openinference.span.kind': 'LLM', 'gen_ai.system': 'openai' }
  expect(read({ attributes: marked }).dialect).toBe('openinference')
  expect(read({ scope: 'pydantic-ai', attributes: marked }).dialect).toBe('pydantic_ai')
  const plain = buildSpan({
    attributes: { 'http.method': 'GET', 'user.id': 'u-1' },
    resource: { 'deployment.environment': 'prod' },
  })
  expect(readCall(plain)).toStrictEqual({ userId: 'u-1', sessionId: '', environment: 'prod' })
})
