import { expect, test } from 'vitest'
import { buildSpan, type SpanSketch } from '../../test/support/span.ts'
import { type GenAiCall, isGenAiCall, readCall } from './call.ts'
import { LEAVES, type Usage } from './usage.ts'

/** Emitters that cannot be run here, by their published conventions; the comments say where a count comes from. */
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

test('OpenTelemetry 1.26: gen_ai.system, prompt and completion tokens', () => {
  const call = read({
    attributes: {
      'gen_ai.system': 'openai',
      'gen_ai.request.model': 'gpt-4',
      'gen_ai.usage.prompt_tokens': 10,
      'gen_ai.usage.completion_tokens': 4,
    },
  })
  expect(call).toMatchObject({ dialect: 'opentelemetry', operation: 'chat', provider: 'openai', requestModel: 'gpt-4' })
  expect(known(call)).toStrictEqual({ rule: 'no_cache', input_tokens: 10, output_tokens: 4, requests: 1 })
})

test('OpenTelemetry 1.41: cache read and creation are within the input, reasoning within the output', () => {
  const call = read({
    attributes: {
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': 'anthropic',
      'gen_ai.usage.input_tokens': 1200,
      'gen_ai.usage.cache_read.input_tokens': 900,
      'gen_ai.usage.cache_creation.input_tokens': 100,
      'gen_ai.usage.output_tokens': 50,
      'gen_ai.usage.reasoning.output_tokens': 20,
    },
  })
  expect(known(call)).toStrictEqual({
    rule: 'emitter_inclusive',
    input_tokens: 200,
    cache_read_tokens: 900,
    cache_write_5m_tokens: 100,
    output_tokens: 30,
    reasoning_tokens: 20,
    requests: 1,
  })
})

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

test('MLflow: attributes are JSON text, usage is one object', () => {
  const call = read({
    scope: 'mlflow',
    attributes: {
      'mlflow.spanType': '"CHAT_MODEL"',
      'mlflow.llm.provider': '"openai"',
      'mlflow.llm.model': '"gpt-4o"',
      'mlflow.trace.user': '"u-1"',
      'mlflow.chat.tokenUsage':
        '{"input_tokens":100,"output_tokens":7,"total_tokens":107,"cache_read_input_tokens":40}',
      'mlflow.llm.cost': '{"total_cost":0.5}',
    },
  })
  expect(call).toMatchObject({
    dialect: 'mlflow',
    operation: 'chat',
    provider: 'openai',
    requestModel: 'gpt-4o',
    userId: 'u-1',
  })
  expect(known(call)).toMatchObject({
    rule: 'emitter_inclusive',
    input_tokens: 60,
    cache_read_tokens: 40,
    output_tokens: 7,
  })
  expect(call.reportedCostUsd).toBe(0.5)
})

test('Google ADK: thoughts are beside the candidates, and only the attached response tells', () => {
  const usage = { prompt_token_count: 100, candidates_token_count: 10, thoughts_token_count: 5, total_token_count: 115 }
  const call = read({
    scope: 'gcp.vertex.agent',
    name: 'call_llm',
    attributes: {
      'gen_ai.system': 'gcp.vertex.agent',
      'gen_ai.request.model': 'gemini-2.5-flash',
      'gen_ai.usage.input_tokens': 100,
      'gen_ai.usage.output_tokens': 10,
      'gcp.vertex.agent.session_id': 's-1',
      'gcp.vertex.agent.llm_response': JSON.stringify({ content: {}, usage_metadata: usage }),
    },
  })
  expect(call).toMatchObject({ dialect: 'google_adk', operation: 'chat', sessionId: 's-1' })
  expect(known(call)).toStrictEqual({
    rule: 'no_cache',
    input_tokens: 100,
    output_tokens: 10,
    reasoning_tokens: 5,
    requests: 1,
  })
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

test('LiteLLM: OpenAI’s form for every provider, its own cost, the key’s user', () => {
  const call = read({
    scope: 'litellm',
    name: 'litellm_request',
    attributes: {
      'llm.request.type': 'acompletion',
      'gen_ai.system': 'bedrock',
      'gen_ai.request.model': 'us.anthropic.claude-sonnet-4-5-20250929-v1:0',
      'gen_ai.usage.input_tokens': 36,
      'gen_ai.usage.output_tokens': 48,
      'gen_ai.cost.total_cost': 0.25,
      'metadata.user_api_key_user_id': 'u-1',
    },
  })
  expect(call).toMatchObject({
    dialect: 'litellm',
    operation: 'chat',
    provider: 'aws.bedrock',
    userId: 'u-1',
    reportedCostUsd: 0.25,
  })
})

test('LlamaIndex and LangChain, through OpenLLMetry and OpenInference', () => {
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
  const openinference = read({
    scope: 'openinference.instrumentation.llama_index',
    attributes: {
      'openinference.span.kind': 'EMBEDDING',
      'embedding.model_name': 'text-embedding-3-small',
      'llm.token_count.prompt': 8,
      'llm.token_count.total': 8,
    },
  })
  expect(openinference).toMatchObject({ operation: 'embeddings', requestModel: 'text-embedding-3-small' })
  expect(known(openinference)).toStrictEqual({ rule: 'no_cache', input_tokens: 8, requests: 1 })
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
