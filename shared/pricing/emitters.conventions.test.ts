import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import {
  BEDROCK_CLAUDE,
  CLAUDE,
  CLAUDE_5M,
  CLAUDE_TOKENS,
  CONVENTIONS,
  EMBEDDING,
  fixtureRows,
  GEMINI,
  GPT,
  GPT_TOKENS,
  GPT_UNCACHED,
  NONE,
  priceFixture,
  README,
  ROLLED,
  type Row,
} from './test-emitters.ts'

/** Emitters that npm does not have, as their conventions say they are; each file names its sources. */
const EXPECTED: Readonly<Record<string, readonly Row[]>> = {
  'opentelemetry-1.26.0': [['gpt-5-mini', 'opentelemetry', 'chat', 'priced', GPT_UNCACHED, 2000, 0, 0, 150, 0]],
  'opentelemetry-1.27.0': [['chat gpt-5-mini', 'opentelemetry', 'chat', 'priced', GPT_UNCACHED, 2000, 0, 0, 150, 0]],
  // The response's tier holds, not the request's: half of 0.0008.
  'opentelemetry-1.31.0': [
    ['invoke_agent clerk', 'opentelemetry', 'invoke_agent', 'rollup', null, ...ROLLED],
    ['chat gpt-5-mini', 'opentelemetry', 'chat', 'priced', 400_000_000n, 2000, 0, 0, 150, 0],
    ['execute_tool weather', 'opentelemetry', 'execute_tool', 'no_usage', null, ...NONE],
  ],
  // Priority: 2000 × 0.45 + 150 × 3.6, 1.8 times 0.0008.
  'opentelemetry-1.37.0': [['chat gpt-5-mini', 'opentelemetry', 'chat', 'priced', 1_440_000_000n, 2000, 0, 0, 150, 0]],
  'opentelemetry-1.38.0': [
    ['chat gpt-5-mini', 'opentelemetry', 'chat', 'priced', GPT_UNCACHED, 2000, 0, 0, 150, 0],
    ['execute_tool weather', 'opentelemetry', 'execute_tool', 'no_usage', null, ...NONE],
  ],
  'opentelemetry-1.40.0': [['chat claude-sonnet-4-5', 'opentelemetry', 'chat', 'priced', CLAUDE_5M, ...CLAUDE_TOKENS]],
  'opentelemetry-1.41.0': [['chat gpt-5-mini', 'opentelemetry', 'chat', 'priced', GPT, ...GPT_TOKENS]],
  'opentelemetry-genai-2026-09': [
    ['generate_content gemini-2.5-flash', 'opentelemetry', 'generate_content', 'priced', GEMINI, 1000, 600, 0, 65, 25],
  ],
  'pydantic-ai-1': [
    ['agent run', 'pydantic_ai', 'invoke_agent', 'rollup', null, ...ROLLED],
    ['running 1 tool', 'pydantic_ai', '', 'no_usage', null, ...NONE],
    ['running tool', 'pydantic_ai', 'execute_tool', 'no_usage', null, ...NONE],
    ['chat gpt-5-mini', 'pydantic_ai', 'chat', 'priced', GPT, ...GPT_TOKENS],
  ],
  // The run declares what two requests used; one of them is not here.
  'pydantic-ai-5': [
    ['invoke_agent clerk', 'pydantic_ai', 'invoke_agent', 'rollup', null, ...ROLLED],
    ['execute_tool weather', 'pydantic_ai', 'execute_tool', 'no_usage', null, ...NONE],
    ['chat gpt-5-mini', 'pydantic_ai', 'chat', 'priced', GPT, ...GPT_TOKENS],
  ],
  // What was cached is in the response alone.
  'logfire-openai-1': [
    ['Chat Completion with {request_data[model]!r}', 'pydantic_ai', 'chat', 'priced', GPT, ...GPT_TOKENS],
  ],
  // Of the second call it says only what reading and writing the cache cost. The fourth asks for an answer of before.
  'litellm-otel-v2': [
    ['execute_guardrail mask', 'litellm', 'guardrail', 'no_usage', null, ...NONE],
    ['redis set', 'litellm', '', 'no_usage', null, ...NONE],
    ['chat fast', 'litellm', 'chat', 'priced', GPT_UNCACHED, 2000, 0, 0, 150, 0],
    ['chat smart', 'litellm', 'chat', 'ambiguous', null, 1212, null, null, 40, null],
    ['chat fast', 'litellm', 'chat', 'priced', GPT_UNCACHED, 2000, 0, 0, 150, 0],
    ['litellm.responses_management fast', 'litellm', 'litellm.responses_management', 'no_usage', null, ...NONE],
    ['tools/call weather', 'litellm', 'execute_tool', 'no_usage', null, ...NONE],
  ],
  'litellm-1.80': [
    ['litellm_request', 'litellm', 'chat', 'priced', CLAUDE, ...CLAUDE_TOKENS],
    ['raw_gen_ai_request', 'litellm', '', 'no_usage', null, ...NONE],
  ],
  // Flex: half of 0.0004544.
  'langsmith-python-0.4': [
    ['clerk', 'langsmith', 'invoke_workflow', 'no_usage', null, ...NONE],
    ['retriever', 'langsmith', 'retrieval', 'no_usage', null, ...NONE],
    ['weather', 'langsmith', 'execute_tool', 'no_usage', null, ...NONE],
    ['ChatOpenAI', 'langsmith', 'chat', 'priced', 227_200_000n, ...GPT_TOKENS],
  ],
  // Whether its input count includes cached tokens is not known of Anthropic.
  'mlflow-3.10.1': [
    ['clerk', 'mlflow', 'invoke_agent', 'rollup', null, ...ROLLED],
    ['weather', 'mlflow', 'execute_tool', 'no_usage', null, ...NONE],
    ['Completions', 'mlflow', 'chat', 'priced', GPT, 2000, 1536, 0, 150, 0],
    ['Messages', 'mlflow', 'chat', 'ambiguous', null, null, 1000, null, 40, null],
  ],
  'mlflow-tracing-0.1.3': [
    ['Completions', 'mlflow', 'chat', 'priced', GPT, ...GPT_TOKENS],
    ['Embeddings', 'mlflow', 'embeddings', 'priced', EMBEDDING, 8, 0, 0, 0, 0],
  ],
  // 50 tokens that a built-in tool read are billed as input: 150 × 0.3 instead of 100 × 0.3.
  'google-adk-python-1': [
    ['invoke_agent clerk', 'google_adk', 'invoke_agent', 'no_usage', null, ...NONE],
    ['call_llm', 'google_adk', 'chat', 'priced', 525_500_000n, 1050, 600, 0, 65, 25],
    ['execute_tool weather', 'google_adk', 'execute_tool', 'no_usage', null, ...NONE],
  ],
  // The agent was run before: its sum has those calls too.
  'strands-python-1': [
    ['chat', 'strands', 'chat', 'priced', BEDROCK_CLAUDE, ...CLAUDE_TOKENS],
    ['execute_event_loop_cycle', 'strands', '', 'no_usage', null, ...NONE],
    ['invoke_agent clerk', 'strands', 'invoke_agent', 'rollup', null, ...ROLLED],
  ],
  'spring-ai-2.1': [
    ['spring_ai chat_client', 'spring_ai', 'invoke_agent', 'no_usage', null, ...NONE],
    ['call', 'spring_ai', 'invoke_workflow', 'no_usage', null, ...NONE],
    ['chat gpt-5-mini', 'spring_ai', 'chat', 'priced', GPT, 2000, 1536, 0, 150, 0],
    ['tool_call weather', 'spring_ai', 'execute_tool', 'no_usage', null, ...NONE],
    ['embedding text-embedding-3-small', 'spring_ai', 'embeddings', 'priced', EMBEDDING, 8, 0, 0, 0, 0],
  ],
  // The run's sum stands beside its calls; earlier releases had no counts but those.
  'openclaw-2026.9': [
    ['openclaw.model.call', 'openclaw', 'chat', 'priced', CLAUDE_5M, ...CLAUDE_TOKENS],
    ['openclaw.tool.execution', 'openclaw', 'execute_tool', 'no_usage', null, ...NONE],
    ['openclaw.model.call', 'openclaw', 'chat', 'priced', CLAUDE_5M, ...CLAUDE_TOKENS],
    ['openclaw.model.usage', 'openclaw', 'usage_summary', 'rollup', null, ...ROLLED],
    ['openclaw.model.call', 'openclaw', 'chat', 'no_usage', null, ...NONE],
    ['openclaw.model.usage', 'openclaw', 'usage_summary', 'priced', CLAUDE_5M, ...CLAUDE_TOKENS],
  ],
  'braintrust-go-2026': [
    ['clerk', 'braintrust', 'invoke_workflow', 'no_usage', null, ...NONE],
    ['anthropic.messages.create', 'braintrust', 'chat', 'priced', CLAUDE_5M, ...CLAUDE_TOKENS],
    ['openai.chat.completions.create', 'braintrust', 'chat', 'priced', GPT, ...GPT_TOKENS],
  ],
  // What was cached is in the response alone, where that is kept.
  'cloudflare-ai-gateway-2026': [
    ['ai-gateway request', 'cloudflare_ai_gateway', 'chat', 'priced', GPT_UNCACHED, 2000, 0, 0, 150, 0],
    ['ai-gateway request', 'cloudflare_ai_gateway', 'chat', 'priced', CLAUDE, ...CLAUDE_TOKENS],
  ],
  // 5000 × 3 + 1000 × 0.3 + 200 × 3.75 + 40 × 15
  'openlit-python-2026': [
    ['chat claude-sonnet-4-5', 'openlit', 'chat', 'priced', 16_650_000_000n, 6200, 1000, 200, 40, 0],
  ],
  // The first and the last are the same call: 5000 × 3 + 1000 × 0.3 + 200 × 3.75 + 40 × 15
  'envoy-ai-gateway-2026': [
    ['chat claude-sonnet-4-5', 'envoy_ai_gateway', 'chat', 'priced', 16_650_000_000n, 6200, 1000, 200, 40, 0],
    ['chat gpt-5-mini', 'envoy_ai_gateway', 'chat', 'priced', GPT, ...GPT_TOKENS],
    ['embeddings text-embedding-3-small', 'envoy_ai_gateway', 'embeddings', 'priced', EMBEDDING, 8, 0, 0, 0, 0],
    ['Message', 'envoy_ai_gateway', 'chat', 'priced', 16_650_000_000n, 6200, 1000, 200, 40, 0],
  ],
  'bifrost-2026': [
    ['llm.call', 'bifrost', 'chat', 'priced', CLAUDE, ...CLAUDE_TOKENS],
    ['llm.call', 'bifrost', 'chat', 'priced', GPT, ...GPT_TOKENS],
  ],
  // What was cached is in no count: 1212 × 3 + 40 × 15, 1000 × 0.3 + 65 × 2.5, and the first × 1.1.
  'tensorzero-2026': [
    ['model_provider_inference', 'opentelemetry', 'chat', 'priced', 4_236_000_000n, 1212, 0, 0, 40, 0],
    ['model_provider_inference', 'opentelemetry', 'chat', 'priced', 462_500_000n, 1000, 0, 0, 65, 0],
    ['model_provider_inference', 'opentelemetry', 'chat', 'priced', 462_500_000n, 1000, 0, 0, 65, 0],
    ['model_provider_inference', 'opentelemetry', 'chat', 'priced', 4_659_600_000n, 1212, 0, 0, 40, 0],
  ],
  // What was cached is in no count: 1000 × 1.25 + 100 × 2.5
  'dify-1.12': [
    ['Start', 'opentelemetry', 'invoke_workflow', 'no_usage', null, ...NONE],
    ['LLM', 'opentelemetry', 'chat', 'priced', GPT_UNCACHED, 2000, 0, 0, 150, 0],
    ['LLM 2', 'opentelemetry', 'chat', 'priced', 462_500_000n, 1000, 0, 0, 65, 0],
    ['LLM 3', 'opentelemetry', 'chat', 'priced', 1_500_000_000n, 1000, 0, 0, 100, 0],
    ['weather', 'opentelemetry', 'execute_tool', 'no_usage', null, ...NONE],
  ],
  // 5000 × 3 + 1000 × 0.3 + 200 × 3.75 + 40 × 15; 400 × 0.3 + 600 × 0.03 + (40 + 25) × 2.5
  'obi-2026': [
    ['message claude-sonnet-4-5', 'opentelemetry', 'chat', 'priced', CLAUDE_5M, ...CLAUDE_TOKENS],
    ['response gpt-5-mini', 'opentelemetry', 'chat', 'priced', GPT, ...GPT_TOKENS],
    [
      'invoke_model anthropic.claude-sonnet-4-5-20250929-v1:0',
      'opentelemetry',
      'chat',
      'priced',
      BEDROCK_CLAUDE,
      ...CLAUDE_TOKENS,
    ],
    [
      'generate_content gemini-2.5-flash',
      'opentelemetry',
      'generate_content',
      'priced',
      300_500_000n,
      1000,
      600,
      0,
      65,
      25,
    ],
    ['error claude-sonnet-4-5', 'opentelemetry', 'error', 'no_usage', null, ...NONE],
    ['embeddings text-embedding-3-small', 'opentelemetry', 'embeddings', 'priced', EMBEDDING, 8, 0, 0, 0, 0],
    ['tools/call get-weather', 'opentelemetry', 'execute_tool', 'no_usage', null, ...NONE],
  ],
  // Of one call both the SDK and the API have a span, the latter below the former; of AWS in a trace of its own.
  'claude-platform-2026-10': [
    ['anthropic.messages.create', 'anthropic_sdk', 'chat', 'rollup', null, ...ROLLED],
    ['anthropic.messages.create', 'anthropic_sdk', 'chat', 'priced', CLAUDE, ...CLAUDE_TOKENS],
    ['anthropic.messages.create', 'anthropic_sdk', 'chat', 'priced', CLAUDE, ...CLAUDE_TOKENS],
    ['anthropic.sessions.events.send', 'anthropic_sdk', '', 'no_usage', null, ...NONE],
    ['anthropic.tool_use weather', 'anthropic_sdk', 'execute_tool', 'no_usage', null, ...NONE],
  ],
  'grafana-2026': [
    ['generateText claude-sonnet-4-5', 'grafana', 'chat', 'priced', CLAUDE_5M, ...CLAUDE_TOKENS],
    ['streamText gpt-5-mini', 'grafana', 'chat', 'priced', GPT, ...GPT_TOKENS],
    ['generateText gemini-2.5-flash', 'grafana', 'chat', 'priced', 300_500_000n, 1000, 600, 0, 65, 25],
    // Nothing tells whether what was cached is within.
    ['generateText claude-sonnet-4-5', 'grafana', 'chat', 'ambiguous', null, null, 1000, null, 40, null],
    ['generateText claude-sonnet-4-5', 'grafana', 'chat', 'priced', CLAUDE_5M, ...CLAUDE_TOKENS],
    ['generateText gemini-2.5-flash', 'grafana', 'chat', 'priced', 300_500_000n, 1000, 600, 0, 65, 25],
    ['execute_tool weather', 'grafana', 'execute_tool', 'no_usage', null, ...NONE],
    ['embeddings text-embedding-3-small', 'grafana', 'embeddings', 'priced', EMBEDDING, 8, 0, 0, 0, 0],
  ],
  'pipecat-2026': [
    ['stt', 'pipecat', 'transcription', 'no_usage', null, ...NONE],
    ['llm', 'pipecat', 'chat', 'priced', 16_650_000_000n, 6200, 1000, 200, 40, 0],
    ['llm', 'pipecat', 'chat', 'priced', 300_500_000n, 1000, 600, 0, 65, 25],
    ['llm', 'pipecat', 'chat', 'priced', GPT, ...GPT_TOKENS],
    ['tts', 'pipecat', 'speech', 'no_usage', null, ...NONE],
  ],
  // What it had cached, and thoughts, are in its metrics; what Bedrock wrote to the cache in their total.
  'livekit-python-1.3': [
    ['llm_node', 'livekit', 'agent_step', 'no_usage', null, ...NONE],
    ['llm_request', 'livekit', 'chat', 'priced', GPT, 2000, 1536, 0, 150, 0],
    ['llm_request', 'livekit', 'chat', 'priced', 300_500_000n, 1000, 600, 0, 65, 25],
    ['llm_request', 'livekit', 'chat', 'ambiguous', null, ...NONE],
    ['llm_request', 'livekit', 'chat', 'priced', GPT, 2000, 1536, 0, 150, 0],
    ['llm_request', 'livekit', 'chat', 'unpriced', null, 2000, 1536, 0, 150, 0],
    ['function_tool', 'livekit', 'execute_tool', 'no_usage', null, ...NONE],
  ],
  // 5000 × 3 + 1000 × 0.3 + 200 × 3.75 + 40 × 15; (420 × 0.3 + 600 × 0.03 + (40 + 25) × 2.5). The last two are of a later release.
  'rig-2026': [
    ['invoke_agent', 'rig', 'invoke_agent', 'rollup', null, ...ROLLED],
    ['chat', 'rig', 'chat', 'priced', 16_650_000_000n, 6200, 1000, 200, 40, 0],
    ['execute_tool', 'opentelemetry', 'execute_tool', 'no_usage', null, ...NONE],
    ['chat_streaming', 'rig', 'chat', 'priced', 306_500_000n, 1020, 600, 0, 65, 25],
    ['chat', 'rig', 'chat', 'priced', GPT, ...GPT_TOKENS],
    ['chat', 'opentelemetry', 'chat', 'priced', 16_650_000_000n, 6200, 1000, 200, 40, 0],
    ['generate_content', 'opentelemetry', 'generate_content', 'priced', 300_500_000n, 1000, 600, 0, 65, 25],
  ],
  'semantic-kernel-1': [
    ['invoke_agent clerk', 'opentelemetry', 'invoke_agent', 'no_usage', null, ...NONE],
    ['chat.completions gpt-5-mini', 'opentelemetry', 'chat', 'priced', GPT_UNCACHED, 2000, 0, 0, 150, 0],
    ['text.completions gpt-5-mini', 'opentelemetry', 'text_completion', 'priced', GPT_UNCACHED, 2000, 0, 0, 150, 0],
    ['chat.completions gpt-5-mini', 'opentelemetry', 'chat', 'priced', GPT_UNCACHED, 2000, 0, 0, 150, 0],
    ['chat.completions gpt-5-mini', 'opentelemetry', 'chat', 'no_usage', null, ...NONE],
  ],
  // Of the third call's input nobody says how much was cached. 1000 × 0.3 + 65 × 2.5.
  'goose-2026': [
    ['reply', 'opentelemetry', 'invoke_agent', 'rollup', null, ...ROLLED],
    ['stream_response_from_provider', 'opentelemetry', 'chat', 'priced', 16_650_000_000n, 6200, 1000, 200, 40, 0],
    ['chat', 'goose', 'chat', 'ambiguous', null, 6200, null, null, 40, null],
    ['chat', 'goose', 'chat', 'priced', 462_500_000n, 1000, 0, 0, 65, 0],
  ],
  // The application takes it for OpenAI.
  'vllm-2026': [
    ['chat Qwen/Qwen3-32B', 'opentelemetry', 'chat', 'rollup', null, ...ROLLED],
    ['llm_request', 'vllm', 'chat', 'free', 0n, 2000, 0, 0, 150, 0],
    ['llm_request', 'vllm', 'chat', 'free', 0n, 2000, 0, 0, 150, 0],
  ],
  'openrouter-broadcast': [['LLM Generation', 'openrouter', 'chat', 'priced', GPT, ...GPT_TOKENS]],
  'openllmetry-python-anthropic-0.53.1': [
    ['anthropic.chat', 'openllmetry', 'chat', 'priced', CLAUDE_5M, ...CLAUDE_TOKENS],
  ],
  // 5000 × 3.3 + 1000 × 0.33 + 40 × 16.5
  'openllmetry-python-bedrock-0.62.3': [
    ['bedrock.converse', 'openllmetry', 'chat', 'priced', 17_490_000_000n, 6000, 1000, 0, 40, 0],
  ],
  'openllmetry-python-llamaindex-0.53.1': [
    ['retriever_query_engine.workflow', 'openllmetry', 'invoke_workflow', 'no_usage', null, ...NONE],
    ['weather.tool', 'openllmetry', 'execute_tool', 'no_usage', null, ...NONE],
    ['openai.chat', 'openllmetry', 'chat', 'priced', GPT_UNCACHED, 2000, 0, 0, 150, 0],
  ],
  'openinference-python-llama-index-4.4.7': [
    ['RetrieverQueryEngine.query', 'openinference', 'invoke_workflow', 'no_usage', null, ...NONE],
    ['OpenAIEmbedding.get_query_embedding', 'openinference', 'embeddings', 'priced', EMBEDDING, 8, 0, 0, 0, 0],
    ['FunctionTool.call', 'openinference', 'execute_tool', 'no_usage', null, ...NONE],
    // Flex: half of 0.0004544.
    ['OpenAI.chat', 'openinference', 'chat', 'priced', 227_200_000n, ...GPT_TOKENS],
  ],
}

const path = (fixture: string) => join(CONVENTIONS, `${fixture}.json`)

test('every convention has its expected usage, and names its sources', () => {
  const written = readdirSync(CONVENTIONS).map((file) => file.replace('.json', ''))
  expect(written.toSorted()).toStrictEqual(Object.keys(EXPECTED).toSorted())
  for (const fixture of written) {
    const { source } = JSON.parse(readFileSync(path(fixture), 'utf8'))
    expect(README).toContain(`\`${fixture}\``)
    expect(source[0], fixture).toMatch(/^https:\/\//)
  }
})

test.each(Object.entries(EXPECTED))('%s', (fixture, expected) => {
  expect(fixtureRows(path(fixture))).toStrictEqual(expected)
})

test('user and session come from where each emitter puts them', () => {
  const subjects = (fixture: string, span: number) => {
    const { userId, sessionId } = priceFixture(path(fixture)).ledgers[span]!
    return [userId, sessionId]
  }
  expect(subjects('litellm-1.80', 0)).toStrictEqual(['u-1', ''])
  expect(subjects('litellm-otel-v2', 2)).toStrictEqual(['u-1', ''])
  expect(subjects('langsmith-python-0.4', 3)).toStrictEqual(['u-1', 't-1'])
  expect(subjects('mlflow-3.10.1', 0)).toStrictEqual(['u-1', 's-1'])
  expect(subjects('mlflow-tracing-0.1.3', 0)).toStrictEqual(['u-1', 's-1'])
  expect(subjects('openrouter-broadcast', 0)).toStrictEqual(['u-1', 's-1'])
  expect(subjects('openllmetry-python-anthropic-0.53.1', 0)).toStrictEqual(['u-1', 's-1'])
  expect(subjects('openinference-python-llama-index-4.4.7', 0)).toStrictEqual(['u-1', 's-1'])
})

test('a cost that the emitter reports is kept beside ours', () => {
  const reported = (fixture: string, span: number) => priceFixture(path(fixture)).ledgers[span]!.reportedCostPicoUsd
  expect(reported('litellm-1.80', 0)).toBe(CLAUDE)
  expect(reported('openrouter-broadcast', 0)).toBe(GPT)
  expect(reported('openlit-python-2026', 0)).toBe(16_650_000_000n)
  expect(reported('pydantic-ai-5', 2)).toBe(GPT)
  expect(reported('logfire-openai-1', 0)).toBe(GPT)
  expect(reported('mlflow-3.10.1', 2)).toBe(GPT)
})

test('a tool is named by its attribute, or by its span', () => {
  const tool = (fixture: string, span: number) => priceFixture(path(fixture)).ledgers[span]!.toolName
  expect(tool('pydantic-ai-1', 2)).toBe('weather')
  expect(tool('langsmith-python-0.4', 2)).toBe('weather')
  expect(tool('mlflow-3.10.1', 1)).toBe('weather')
  expect(tool('spring-ai-2.1', 4)).toBe('weather')
})
