import { expect, test } from 'vitest'
import { buildSpan, type SpanSketch } from '../../test/support/span.ts'
import { type GenAiCall, isGenAiCall, readCall } from './call.ts'
import { LEAVES, outputTokens, type Usage } from './usage.ts'

/** What the fixtures of emitters leave out. */
function read(sketch: SpanSketch): GenAiCall {
  const call = readCall(buildSpan(sketch))
  if (!isGenAiCall(call)) throw new Error('no GenAI call')
  return call
}

function counts(usage: Usage): Record<string, number> {
  return Object.fromEntries(
    LEAVES.map((leaf, index) => [leaf, usage[index]!] as const).filter(([, count]) => count > 0),
  )
}

function known({ resolution }: GenAiCall) {
  if (resolution.kind !== 'known') throw new Error(`usage is ${resolution.kind}`)
  return { rule: resolution.rule, ...counts(resolution.usage) }
}

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

test('Claude Code: its common names mean counts in its scope alone, beside which stands what was cached', () => {
  const attributes = {
    'span.type': 'llm_request',
    'gen_ai.request.model': 'claude-opus-4-6[1m]',
    'gen_ai.system': 'anthropic',
    input_tokens: 5000,
    output_tokens: 5,
    cache_read_tokens: 1000,
    cache_creation_tokens: 200,
    speed: 'fast',
  }
  const call = read({ scope: 'com.anthropic.claude_code.tracing', attributes })
  expect(call).toMatchObject({ operation: 'chat', requestModel: 'claude-opus-4-6', serviceTier: 'fast' })
  expect(known(call)).toStrictEqual({
    rule: 'emitter_exclusive',
    input_tokens: 5000,
    cache_read_tokens: 1000,
    cache_write_5m_tokens: 200,
    output_tokens: 5,
    requests: 1,
  })
  expect(read({ scope: 'app', attributes }).resolution.kind).toBe('none')
})

test('TanStack AI: cached tokens are beside the input of Anthropic alone', () => {
  const attributes = {
    'tanstack.ai.iteration': 0,
    'gen_ai.usage.input_tokens': 5000,
    'gen_ai.usage.total_tokens': 5005,
    'gen_ai.usage.output_tokens': 5,
    'gen_ai.usage.cache_read.input_tokens': 1000,
  }
  const cached = (provider: string) => known(read({ attributes: { ...attributes, 'gen_ai.system': provider } }))
  expect(cached('anthropic')).toMatchObject({ rule: 'emitter_exclusive', input_tokens: 5000 })
  expect(cached('gemini')).toMatchObject({ rule: 'emitter_inclusive', input_tokens: 4000 })
})

test('Vercel AI SDK 5 with Anthropic: cached tokens are beside the input, also under a tracer of the application’s own', () => {
  const attributes = {
    'ai.operationId': 'ai.streamText.doStream',
    'ai.model.provider': 'anthropic.messages',
    'ai.usage.inputTokens': 5000,
    'ai.usage.outputTokens': 5,
    'ai.usage.cachedInputTokens': 1000,
  }
  for (const scope of ['ai', 'my-app'])
    expect(known(read({ scope, attributes }))).toMatchObject({ rule: 'emitter_exclusive', input_tokens: 5000 })
  const since6 = { 'ai.usage.inputTokenDetails.noCacheTokens': 4000 }
  expect(known(read({ scope: 'my-app', attributes: { ...attributes, ...since6 } }))).toMatchObject({
    rule: 'uncached_reported',
    input_tokens: 4000,
  })
})

test('Strands: its total settles what is in the input, but for Claude at Anthropic itself', () => {
  const cached = (model: string, total?: number) => {
    const usage = { 'gen_ai.usage.input_tokens': 5000, 'gen_ai.usage.output_tokens': 5 }
    const said = { 'gen_ai.request.model': model, 'gen_ai.usage.cache_read.input_tokens': 1000, ...usage }
    const attributes = { ...said, ...(total !== undefined && { 'gen_ai.usage.total_tokens': total }) }
    return read({ scope: 'strands-agents', attributes }).resolution
  }
  expect(cached('gpt-5-mini', 5005)).toMatchObject({ kind: 'known', rule: 'emitter_inclusive' })
  expect(cached('anthropic/claude-sonnet-4-5', 5005)).toMatchObject({ kind: 'known', rule: 'emitter_inclusive' })
  expect(cached('claude-sonnet-4-5', 5005)).toMatchObject({ kind: 'known', rule: 'emitter_exclusive' })
  expect(cached('us.anthropic.claude-sonnet-4-5', 6005)).toMatchObject({ kind: 'known', rule: 'total_includes_cache' })
  expect(cached('gpt-5-mini')).toMatchObject({ kind: 'ambiguous' })
})

test('Genkit: of a provider whose response is not attached, its own usage', () => {
  const usage = (output: object) =>
    known(
      read({
        scope: 'genkit-tracer',
        attributes: {
          'genkit:type': 'action',
          'genkit:metadata:subtype': 'model',
          'genkit:name': 'xai/grok-4',
          'genkit:output': JSON.stringify(output),
        },
      }),
    )
  const plain = { inputTokens: 100, outputTokens: 10, totalTokens: 110, cachedContentTokens: 60 }
  expect(usage({ usage: plain })).toMatchObject({ rule: 'emitter_inclusive', input_tokens: 40, cache_read_tokens: 60 })
  const custom = { cache_read_input_tokens: 60, cache_creation_input_tokens: 20, ephemeral_1h_input_tokens: 20 }
  expect(usage({ usage: { inputTokens: 100, outputTokens: 10, custom } })).toMatchObject({
    rule: 'uncached_reported',
    input_tokens: 100,
    cache_read_tokens: 60,
  })
})

test('Spring AI: counts are text there, as everything is; of Anthropic nobody knows what is in them', () => {
  const spring = (scope: string, provider: string, input: string) =>
    read({
      scope,
      attributes: {
        'gen_ai.operation.name': 'chat',
        'gen_ai.system': provider,
        'gen_ai.request.model': 'none',
        'gen_ai.usage.input_tokens': input,
        'gen_ai.usage.cache_read.input_tokens': '60',
        'gen_ai.usage.output_tokens': '5',
      },
    })
  const boot = 'org.springframework.boot'
  const call = spring(boot, 'openai', '100')
  expect(call).toMatchObject({ dialect: 'spring_ai', requestModel: '' })
  expect(known(call)).toMatchObject({ rule: 'emitter_inclusive', input_tokens: 40, cache_read_tokens: 60 })
  expect(spring(boot, 'anthropic', '100').resolution).toMatchObject({ kind: 'ambiguous', rule: 'cache_unknown' })
  for (const [scope, input] of [
    [boot, '-5'],
    [boot, '1e300'],
    [boot, '4.5'],
    [boot, '99999999999'],
    ['app', '100'],
  ])
    expect(spring(scope!, 'openai', input!).resolution.kind).toBe('refused')
  const plain = buildSpan({ scope: boot, attributes: { 'http.request.method': 'POST' } })
  expect(isGenAiCall(readCall(plain))).toBe(false)
})

test('OpenLIT: cached tokens are beside the input where it calls Anthropic or Bedrock itself', () => {
  const cached = (scope: string, provider: string) =>
    read({
      scope,
      attributes: {
        'gen_ai.provider.name': provider,
        'gen_ai.usage.input_tokens': 5000,
        'gen_ai.usage.cache_read.input_tokens': 1000,
      },
    }).resolution
  const exclusive = { kind: 'known', rule: 'emitter_exclusive' }
  expect(cached('@openlit/instrumentation-anthropic', 'anthropic')).toMatchObject(exclusive)
  expect(cached('@openlit/instrumentation-bedrock', 'aws.bedrock')).toMatchObject(exclusive)
  expect(cached('openlit.otel.tracing', 'anthropic')).toMatchObject(exclusive)
  expect(cached('@openlit/instrumentation-openai', 'openai')).toMatchObject({ rule: 'emitter_inclusive' })
  expect(cached('@openlit/instrumentation-langchain', 'anthropic')).toMatchObject({ rule: 'cache_unknown' })
})

test('OpenTelemetry by hand: a model and its counts are a call, without more being said', () => {
  const attributes = { 'gen_ai.request.model': 'gpt-4o', 'gen_ai.usage.input_tokens': 100 }
  const call = read({ scope: 'my-app', attributes })
  expect(call).toMatchObject({ dialect: 'opentelemetry', operation: 'chat', requestModel: 'gpt-4o' })
  expect(known(call)).toMatchObject({ input_tokens: 100 })
})

test('Laminar: an answer that is replayed costs nothing again', () => {
  const usage = { 'gen_ai.system': 'openai', 'gen_ai.usage.input_tokens': 100, 'gen_ai.usage.output_tokens': 10 }
  expect(read({ attributes: { ...usage, 'lmnr.span.type': 'LLM' } }).resolution.kind).toBe('known')
  expect(read({ attributes: { ...usage, 'lmnr.span.type': 'CACHED' } }).resolution.kind).toBe('none')
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
