import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import {
  answered,
  asked,
  CONVENTIONS,
  calledAndSaid,
  expectedRows,
  fixtureRows,
  instructed,
  plain,
  plainAndSaid,
  type Row,
  ran,
  ranUnnamed,
} from './test-conversation.ts'

/** Emitters that npm does not have, as their conventions say they are. */
const EXPECTED: Readonly<Record<string, readonly Row[]>> = {
  'opentelemetry-1.26.0': [{ span: 'gpt-5-mini', ...plain }],
  'opentelemetry-1.27.0': [{ span: 'chat gpt-5-mini', ...plain }],
  'opentelemetry-1.31.0': [
    { span: 'invoke_agent clerk' },
    { span: 'chat gpt-5-mini', input: [instructed, asked], output: [calledAndSaid], reasons: ['tool_call'] },
    { span: 'execute_tool weather' },
  ],
  'opentelemetry-1.37.0': [{ span: 'chat gpt-5-mini', id: 'c-1', ...plainAndSaid, input: [instructed, asked] }],
  'opentelemetry-1.38.0': [
    { span: 'chat gpt-5-mini', ...plainAndSaid },
    { span: 'execute_tool weather', ...ran },
  ],
  'opentelemetry-1.40.0': [{ span: 'chat claude-sonnet-4-5', ...plainAndSaid }],
  'opentelemetry-1.41.0': [{ span: 'chat gpt-5-mini', ...plainAndSaid }],
  'opentelemetry-genai-2026-09': [{ span: 'generate_content gemini-2.5-flash', ...plainAndSaid }],
  'strands-python-1': [
    { span: 'chat', ...plainAndSaid },
    { span: 'execute_event_loop_cycle' },
    { span: 'invoke_agent clerk' },
  ],
  'spring-ai-2.1': [
    { span: 'spring_ai chat_client', id: 'c-1' },
    { span: 'call' },
    { span: 'chat gpt-5-mini', reasons: ['stop'] },
    { span: 'tool_call weather', ...ranUnnamed },
    { span: 'embedding text-embedding-3-small' },
  ],
  'openclaw-2026.9': [
    { span: 'openclaw.model.call' },
    { span: 'openclaw.tool.execution' },
    { span: 'openclaw.model.call' },
    { span: 'openclaw.model.usage' },
    { span: 'openclaw.model.call' },
    { span: 'openclaw.model.usage' },
  ],
  'braintrust-go-2026': [
    { span: 'clerk' },
    { span: 'anthropic.messages.create', input: [asked], output: [answered] },
    { span: 'openai.chat.completions.create', ...plainAndSaid },
  ],
  'cloudflare-ai-gateway-2026': [
    { span: 'ai-gateway request', input: [asked] },
    { span: 'ai-gateway request', ...plainAndSaid },
  ],
  'envoy-ai-gateway-2026': [
    { span: 'chat claude-sonnet-4-5', reasons: ['stop'] },
    { span: 'chat gpt-5-mini', reasons: ['stop'] },
    { span: 'embeddings text-embedding-3-small' },
    { span: 'Message', input: [asked], output: [answered] },
  ],
  'bifrost-2026': [
    { span: 'llm.call', ...plain },
    { span: 'llm.call', ...plain },
  ],
  'tensorzero-2026': Array.from({ length: 4 }, () => ({ span: 'model_provider_inference' })),
  'dify-1.12': [
    { span: 'Start' },
    { span: 'LLM', ...plainAndSaid },
    { span: 'LLM 2', ...plainAndSaid },
    { span: 'LLM 3', ...plainAndSaid },
    { span: 'weather', ...ranUnnamed },
  ],
  'obi-2026': [
    { span: 'message claude-sonnet-4-5', ...plainAndSaid },
    { span: 'response gpt-5-mini' },
    { span: 'invoke_model anthropic.claude-sonnet-4-5-20250929-v1:0' },
    { span: 'generate_content gemini-2.5-flash' },
    { span: 'error claude-sonnet-4-5' },
    { span: 'embeddings text-embedding-3-small' },
    { span: 'tools/call get-weather' },
  ],
  'claude-platform-2026-10': [
    { span: 'anthropic.messages.create', reasons: ['stop'] },
    { span: 'anthropic.messages.create', reasons: ['stop'] },
    { span: 'anthropic.messages.create', reasons: ['stop'] },
    { span: 'anthropic.sessions.events.send' },
    { span: 'anthropic.tool_use weather', ...ran },
  ],
  'grafana-2026': [
    { span: 'generateText claude-sonnet-4-5', id: 'c-1', reasons: ['stop'] },
    { span: 'streamText gpt-5-mini', id: 'c-1', reasons: ['stop'] },
    { span: 'generateText gemini-2.5-flash', id: 'c-1', reasons: ['stop'] },
    { span: 'generateText claude-sonnet-4-5', id: 'c-1', reasons: ['stop'] },
    { span: 'generateText claude-sonnet-4-5', id: 'c-1', reasons: ['stop'] },
    { span: 'generateText gemini-2.5-flash', id: 'c-1', reasons: ['stop'] },
    { span: 'execute_tool weather', ...ran },
    { span: 'embeddings text-embedding-3-small' },
  ],
  'pipecat-2026': [
    { span: 'stt' },
    ...['llm', 'llm', 'llm'].map((span) => ({ span, input: [asked], output: [answered] })),
    { span: 'tts' },
  ],
  'livekit-python-1.3': [
    { span: 'llm_node', output: [answered] },
    ...Array<Row>(5).fill({ span: 'llm_request' }),
    { span: 'function_tool', ...ranUnnamed },
  ],
  'rig-2026': [
    { span: 'invoke_agent', input: [asked], output: [answered] },
    { span: 'chat' },
    { span: 'execute_tool', ...ran },
    { span: 'chat_streaming' },
    { span: 'chat' },
    { span: 'chat' },
    { span: 'generate_content' },
  ],
  'semantic-kernel-1': [
    { span: 'invoke_agent clerk' },
    { span: 'chat.completions gpt-5-mini' },
    { span: 'text.completions gpt-5-mini' },
    { span: 'chat.completions gpt-5-mini', reasons: ['[stop]'] },
    { span: 'chat.completions gpt-5-mini', reasons: ['[stop]'] },
  ],
  'goose-2026': [
    { span: 'reply' },
    { span: 'stream_response_from_provider', id: 's-1' },
    { span: 'chat' },
    { span: 'chat' },
  ],
  'vllm-2026': [{ span: 'chat Qwen/Qwen3-32B' }, { span: 'llm_request' }, { span: 'llm_request' }],
  'openlit-python-2026': [{ span: 'chat claude-sonnet-4-5', reasons: ['stop'] }],
  'pydantic-ai-1': [
    { span: 'agent run', input: [asked], output: [answered] },
    { span: 'running 1 tool' },
    { span: 'running tool', ...ran },
    { span: 'chat gpt-5-mini', ...plain },
  ],
  'pydantic-ai-5': [
    { span: 'invoke_agent clerk', ...plainAndSaid },
    { span: 'execute_tool weather', ...ran },
    { span: 'chat gpt-5-mini', ...plainAndSaid },
  ],
  'logfire-openai-1': [{ span: 'Chat Completion with {request_data[model]!r}', input: [asked], output: [answered] }],
  'litellm-otel-v2': [
    { span: 'execute_guardrail mask' },
    { span: 'redis set' },
    { span: 'chat fast' },
    { span: 'chat smart' },
    { span: 'chat fast' },
    { span: 'litellm.responses_management fast' },
    { span: 'tools/call weather', ...ranUnnamed },
  ],
  'litellm-1.80': [{ span: 'litellm_request', ...plainAndSaid }, { span: 'raw_gen_ai_request' }],
  'langsmith-python-0.4': [
    { span: 'clerk', id: 't-1' },
    { span: 'retriever' },
    { span: 'weather', ...ranUnnamed },
    { span: 'ChatOpenAI', id: 't-1', ...plainAndSaid },
  ],
  'mlflow-3.10.1': [
    { span: 'clerk' },
    { span: 'weather', ...ranUnnamed },
    { span: 'Completions', ...plainAndSaid },
    { span: 'Messages' },
  ],
  // What is embedded is a prompt too.
  'mlflow-tracing-0.1.3': [
    { span: 'Completions', ...plainAndSaid },
    { span: 'Embeddings', input: [asked] },
  ],
  'google-adk-python-1': [
    { span: 'invoke_agent clerk', id: 's-1' },
    { span: 'call_llm', id: 's-1', ...plainAndSaid, input: [instructed, asked] },
    { span: 'execute_tool weather', ...ran },
  ],
  'openrouter-broadcast': [{ span: 'LLM Generation', ...plain }],
  'openllmetry-python-anthropic-0.53.1': [{ span: 'anthropic.chat', ...plainAndSaid }],
  'openllmetry-python-bedrock-0.62.3': [{ span: 'bedrock.converse', ...plainAndSaid }],
  'openllmetry-python-llamaindex-0.53.1': [
    { span: 'retriever_query_engine.workflow' },
    { span: 'weather.tool', ...ranUnnamed },
    { span: 'openai.chat', ...plain },
  ],
  // A tool's answer may be plain text; a chain's is not shown, since it may be anything.
  'openinference-python-llama-index-4.4.7': [
    { span: 'RetrieverQueryEngine.query' },
    { span: 'OpenAIEmbedding.get_query_embedding' },
    {
      span: 'FunctionTool.call',
      input: ranUnnamed.input,
      output: [{ role: 'tool', parts: [{ type: 'tool_call_response', response: '21 degrees' }] }],
    },
    { span: 'OpenAI.chat', input: [asked], output: [answered] },
  ],
}

test('every convention has its expected conversation', () => {
  const written = readdirSync(CONVENTIONS).map((file) => file.replace('.json', ''))
  expect(written.toSorted()).toStrictEqual(Object.keys(EXPECTED).toSorted())
})

test.each(Object.entries(EXPECTED))('%s', (fixture, rows) => {
  expect(fixtureRows(join(CONVENTIONS, `${fixture}.json`))).toStrictEqual(expectedRows(rows))
})
