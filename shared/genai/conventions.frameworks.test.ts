import { expect, test } from 'vitest'
import { buildSpan } from '../../test/support/span.ts'
import { isGenAiCall, readCall } from './call.ts'
import { known, read } from './test-call.ts'

/** What the fixtures of coding agents and frameworks leave out. */

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

test('Datadog: a call that it could not measure was priced at nothing; spans of other work are no calls', () => {
  const counts = (input: number, output: number) => ({
    'gen_ai.usage.input_tokens': input,
    'gen_ai.usage.output_tokens': output,
    'gen_ai.usage.total_tokens': input + output,
  })
  const said = { 'gen_ai.operation.name': 'llm', 'gen_ai.provider.name': 'amazon_bedrock' }
  const call = (input: number, output: number) =>
    read({ scope: 'dd-trace-js', attributes: { ...said, ...counts(input, output) } })
  expect(call(0, 0).resolution.kind).toBe('none')
  expect(known(call(8, 0))).toMatchObject({ input_tokens: 8 })
  expect(isGenAiCall(readCall(buildSpan({ scope: 'dd-trace-js', attributes: { 'http.method': 'POST' } })))).toBe(false)
})

test('Qwen Code: thoughts that are no count refuse the usage', () => {
  const attributes = {
    'gen_ai.operation.name': 'generate_content',
    'gen_ai.usage.input_tokens': 1000,
    'gen_ai.usage.output_tokens': 40,
    thoughts_token_count: -25,
  }
  expect(read({ scope: 'qwen-code', attributes }).resolution.kind).toBe('refused')
})

test('LangSmith: cached tokens beyond the first 200,000 have a count of their own, and were billed as fresh', () => {
  const attributes = {
    'langsmith.span.kind': 'llm',
    'gen_ai.usage.input_tokens': 300_000,
    'gen_ai.usage.output_tokens': 5,
    'gen_ai.usage.input_token_details': '{"cache_read":200000,"cache_read_over_200k":50000}',
  }
  expect(known(read({ scope: 'langsmith', attributes }))).toMatchObject({
    input_tokens: 50_000,
    cache_read_tokens: 250_000,
  })
})

test('BeeAI: of the spans that one call has, that of its answer or its error alone is the call', () => {
  const event = (target: string, rest = {}) =>
    read({
      scope: '@arizeai/openinference-instrumentation-beeai',
      attributes: { target, 'openinference.span.kind': 'LLM', 'llm.model_name': 'gpt-5-mini', ...rest },
    })
  const chat = ['start', 'success', 'error', 'finish', 'run.error'].map(
    (end) => event(`backend.openai.chat.${end}`).composite,
  )
  expect(chat).toStrictEqual([true, false, false, true, true])
  const data = JSON.stringify({ value: { values: ['Hello?'], embeddings: [[0.1]], usage: { tokens: 8 } } })
  expect(event('backend.openai.embedding.success', { data })).toMatchObject({
    operation: 'embeddings',
    provider: 'openai',
  })
  expect(known(event('backend.openai.embedding.success', { data }))).toMatchObject({ input_tokens: 8 })
  expect(event('tool.dynamic.weather.start', { 'openinference.span.kind': 'TOOL' }).toolName).toBe('weather')
  for (const hostile of ['', '.', '..', 'backend.', 'tool.', 'backend..'])
    expect(event(hostile).resolution.kind).toBe('none')
})

test('Langtrace: where it says input as output they are told apart again, and nowhere else', () => {
  const input = (service: string, streams = false) => {
    const span = buildSpan({
      scope: '@langtrase/typescript-sdk',
      attributes: {
        'langtrace.service.name': service,
        'gen_ai.operation.name': 'chat',
        'gen_ai.request.model': 'm',
        'gen_ai.usage.input_tokens': 5,
        'gen_ai.usage.output_tokens': 7,
      },
    })
    const event = { timeUnixNano: 0n, name: 'stream.start', attributes: new Map(), droppedAttributesCount: 0 }
    const call = readCall(streams ? { ...span, events: [event] } : span)
    if (!isGenAiCall(call)) throw new Error('no call')
    return { provider: call.provider, ...known(call) }
  }
  expect([input('anthropic'), input('anthropic', true), input('ollama')]).toMatchObject([
    { provider: 'anthropic', input_tokens: 7 },
    { provider: 'anthropic', input_tokens: 7 },
    { provider: 'ollama', input_tokens: 7 },
  ])
  expect([input('openai'), input('openai', true), input('XAI', true)]).toMatchObject([
    { provider: 'openai', input_tokens: 5 },
    { provider: 'openai', input_tokens: 7 },
    { provider: 'x_ai', input_tokens: 7 },
  ])
  expect([input('awsbedrock', true), input('groq', true), input('ai', true)]).toMatchObject([
    { provider: 'aws.bedrock', input_tokens: 7 },
    { provider: 'groq', input_tokens: 5 },
    { provider: '', input_tokens: 5 },
  ])
})
