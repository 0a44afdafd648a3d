import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { decodeTracesJson } from '../otlp/decode-json.ts'
import { readConversation } from './conversation.ts'
import {
  answered,
  answeredAndSaid,
  asked,
  CONVENTIONS,
  called,
  calledAndSaid,
  expectedRows,
  FIXTURES,
  fixtureRows,
  instructed,
  plain,
  plainAndSaid,
  type Row,
  ran,
  ranUnnamed,
  returned,
  TOOL_CALL,
  TOOL_RESPONSE,
  text,
} from './test-conversation.ts'
import { KITS, LANGCHAIN, MONITORS } from './test-conversation-kits.ts'

const CLERK = text('system', 'You are an agent. Your internal name is "clerk".\n\nBe brief.')
const RETURNED_AS_TEXT = { ...returned, parts: [{ ...TOOL_RESPONSE, response: '{"degrees":21}' }] }
const RETURNED_AS_NAME = { role: 'tool', parts: [{ type: 'tool_call_response', response: '[tool-result: weather]' }] }

const RETURNED_AS_LIST = { ...returned, parts: [{ ...TOOL_RESPONSE, response: [{ json: { degrees: 21 } }] }] }
const CLAUDE_CODE = { id: 'f152d613-d1c1-44e5-80c7-89b214cede94' }

const HEAD = text('system', 'Be brief.\n<agents_memory>\nNo previous agent interactions found.\n</agents_memory>')
const TASK = { task: 'Hello?', targetAgents: ['clerk'], context: {} }
const DELEGATION = {
  role: 'assistant',
  parts: [{ type: 'tool_call', id: 'call_1', name: 'delegate_task', arguments: TASK }],
}
const DELEGATED = {
  role: 'tool',
  parts: [
    {
      type: 'tool_call_response',
      id: 'call_1',
      response: [
        {
          agentName: 'clerk',
          response: 'Hello.',
          usage: {
            inputTokens: 2000,
            inputTokenDetails: { noCacheTokens: 464, cacheReadTokens: 1536 },
            outputTokens: 150,
            outputTokenDetails: { textTokens: 86, reasoningTokens: 64 },
            totalTokens: 2150,
            raw: {
              prompt_tokens: 2000,
              completion_tokens: 150,
              total_tokens: 2150,
              prompt_tokens_details: { cached_tokens: 1536 },
              completion_tokens_details: {
                reasoning_tokens: 64,
                accepted_prediction_tokens: 0,
                rejected_prediction_tokens: 0,
              },
            },
            reasoningTokens: 64,
            cachedInputTokens: 1536,
          },
        },
      ],
    },
  ],
}

const VERCEL: readonly Row[] = [
  { span: 'ai.generateText.doGenerate', input: [asked], output: [called], reasons: ['tool_call'] },
  { span: 'ai.toolCall', ...ran },
  { span: 'ai.generateText.doGenerate', input: [asked, called, returned], output: [answered], reasons: ['stop'] },
  { span: 'ai.generateText', ...plain },
  { span: 'ai.generateText.doGenerate', ...plain },
  { span: 'ai.generateText', ...plain },
  { span: 'ai.embed.doEmbed' },
  { span: 'ai.embed' },
]

const EXPECTED: Readonly<Record<string, readonly Row[]>> = {
  // It keeps content to itself unless told otherwise.
  'opentelemetry-openai-0.22.0': [
    { span: 'chat gpt-5-mini', reasons: ['stop'] },
    { span: 'embeddings text-embedding-3-small' },
  ],
  'openllmetry-openai-0.27.0': [{ span: 'chat gpt-5-mini', ...plainAndSaid }],
  'openllmetry-anthropic-0.27.0': [{ span: 'chat claude-sonnet-4-5', ...plainAndSaid }],
  'openinference-openai-4.2.7': [{ span: 'OpenAI Chat Completions', ...plain }, { span: 'OpenAI Embeddings' }],
  'openinference-anthropic-0.2.8': [
    { span: 'Anthropic Messages', ...plain },
    { span: 'anthropic.messages.create', reasons: ['stop'] },
  ],
  // LangChain's thread is its conversation; the sequence's output is the model's message, serialised.
  'openinference-langchain-4.1.1': [
    { span: 'RunnableLambda', id: 't-1' },
    { span: 'ChatOpenAI', id: 't-1', ...plain },
    { span: 'RunnableSequence', id: 't-1', output: [answeredAndSaid], reasons: ['stop'] },
  ],
  'langsmith-0.12.0': [
    { span: 'ChatOpenAI', id: 't-1', ...plainAndSaid },
    { span: 'agent', id: 't-1', output: [answeredAndSaid], reasons: ['stop'] },
  ],
  // A workflow's and a task's inputs and outputs are any values.
  'openllmetry-llamaindex-0.27.0': [
    { span: 'base_embedding.get_query_embedding' },
    { span: 'vector_index_retriever.retrieve' },
    { span: 'retriever_query_engine.retrieve' },
    {
      span: 'chat gpt-5-mini',
      input: [
        text(
          'user',
          'Context information is below.\n---------------------\nBern.\n---------------------\n' +
            'Given the context information and not prior knowledge, answer the query.\nQuery: Hello?\nAnswer:',
        ),
      ],
      output: [answeredAndSaid],
      reasons: ['stop'],
    },
    { span: 'compact_and_refine.synthesize' },
    { span: 'retriever_query_engine.query' },
  ],
  'openllmetry-langchain-0.27.0': [
    { span: 'workflow RunnableLambda' },
    { span: 'chat gpt-5-mini', ...plainAndSaid },
    { span: 'workflow RunnableSequence' },
  ],
  'openllmetry-bedrock-0.27.0': [
    { span: 'chat claude-sonnet-4-5-20250929-v1:0', ...plainAndSaid },
    { span: 'bedrock.completion' },
  ],
  // It drops a prompt that is given as plain text.
  'openllmetry-vertexai-0.27.0': [{ span: 'vertexai.completion', output: [answeredAndSaid], reasons: ['stop'] }],
  'openinference-bedrock-0.5.1': [
    { span: 'bedrock.invoke_model', ...plain },
    { span: 'bedrock.converse', ...plain },
  ],
  'openinference-openai-agents-0.2.15': [
    { span: 'generation', input: [asked], output: [called], reasons: ['tool_call'] },
    { span: 'weather', ...ranUnnamed },
    { span: 'turn' },
    { span: 'generation', input: [asked, called, RETURNED_AS_TEXT], output: [answered], reasons: ['stop'] },
    { span: 'turn' },
    { span: 'clerk' },
    { span: 'Agent workflow' },
    { span: 'Agent workflow', input: [asked], output: [answered] },
  ],
  'google-adk-2.0.0': [
    { span: 'execute_tool weather', ...ran },
    {
      span: 'call_llm',
      id: 's-1',
      input: [CLERK, asked],
      output: [{ ...called, finish_reason: 'stop' }],
      reasons: ['stop'],
    },
    {
      span: 'call_llm',
      id: 's-1',
      input: [CLERK, asked, called, { ...returned, role: 'user' }],
      output: [answeredAndSaid],
      reasons: ['stop'],
    },
    { span: 'invoke_agent clerk', id: 's-1' },
    { span: 'invocation' },
  ],
  ...Object.fromEntries(
    [
      ...['google-1.2.22', 'google-2.0.108', 'google-3.0.141', 'bedrock-2.2.12', 'bedrock-3.0.137', 'bedrock-4.0.186'],
      ...['deepseek-0.2.16', 'deepseek-1.0.60', 'xai-1.2.18'],
    ].map((version) => [
      `vercel-${version}`,
      [
        { span: 'ai.generateText.doGenerate', ...plain },
        { span: 'ai.generateText', ...plain },
      ],
    ]),
  ),
  ...Object.fromEntries(
    Object.entries({
      'google-4.0.121': 'gemini-2.5-flash',
      'bedrock-5.0.101': 'anthropic.claude-sonnet-4-5-20250929-v1:0',
    }).map(([version, model]) => [
      `vercel-${version}`,
      [
        { span: `chat ${model}`, ...plainAndSaid },
        { span: 'step 1' },
        { span: `invoke_agent ${model}`, ...plainAndSaid },
      ],
    ]),
  ),
  'openrouter-vercel-2.10.0': [
    { span: 'ai.generateText.doGenerate', ...plain },
    { span: 'ai.generateText', ...plain },
  ],
  'openrouter-vercel-3.1.0': [
    { span: 'chat openai/gpt-5-mini', ...plainAndSaid },
    { span: 'step 1' },
    { span: 'invoke_agent openai/gpt-5-mini', ...plainAndSaid },
  ],
  'langfuse-5.11.1': [{ span: 'OpenAI.chat', input: [asked], output: [answered] }, { span: 'clerk' }],
  // A call says what came out, its step what went in.
  'mastra-1.4.0': [
    { span: 'model_chunk clerk' },
    { span: 'execute_tool weather', ...ran },
    { span: 'model_chunk clerk' },
    { span: 'chat gpt-5-mini', reasons: ['tool_call'] },
    { span: 'agent_step clerk', input: [instructed, asked], output: [called] },
    { span: 'model_chunk clerk' },
    { span: 'chat gpt-5-mini', output: [answered], reasons: ['stop'] },
    {
      span: 'agent_step clerk',
      input: [instructed, asked, text('assistant', '[tool: weather]'), RETURNED_AS_NAME],
      output: [answered],
    },
    {
      span: 'model_generation gpt-5-mini',
      input: [instructed, asked],
      output: [{ ...answered, parts: [...answered.parts, TOOL_CALL] }],
    },
    { span: 'invoke_agent clerk', input: [instructed, asked], output: [answered] },
    { span: 'model_chunk claude' },
    { span: 'chat claude-sonnet-4-5', output: [answered], reasons: ['stop'] },
    { span: 'agent_step claude', input: [instructed, asked], output: [answered] },
    { span: 'model_generation claude-sonnet-4-5', input: [instructed, asked], output: [answered] },
    { span: 'invoke_agent claude', input: [instructed, asked], output: [answered] },
  ],
  // Of Claude Code, Codex and Copilot what was said is kept to itself unless told otherwise, or cut off here.
  'claude-code-2.1.330': [
    { span: 'claude_code.tool.blocked_on_user', ...CLAUDE_CODE },
    { span: 'claude_code.llm_request', ...CLAUDE_CODE, reasons: ['tool_call'] },
    { span: 'claude_code.tool.execution', ...CLAUDE_CODE },
    { span: 'claude_code.tool', ...CLAUDE_CODE },
    { span: 'claude_code.llm_request', ...CLAUDE_CODE, reasons: ['stop'] },
    { span: 'claude_code.interaction', ...CLAUDE_CODE, input: [asked] },
  ],
  'codex-0.169.0': [
    { span: 'handle_responses' },
    { span: 'multi_agent_v1spawn_agent', id: '01a1fdcc-9d80-7421-bc93-0b3bc7515b1c' },
    { span: 'handle_responses' },
    { span: 'handle_responses' },
    { span: 'session_task.turn', id: '01a1fdcc-9e18-71d3-b080-948b23564e27' },
    { span: 'handle_responses' },
    { span: 'session_task.turn', id: '01a1fdcc-9d80-7421-bc93-0b3bc7515b1c' },
  ],
  'gemini-cli-0.61.0': [{ span: 'llm_call', id: 'b1bb0888-bd66-4d85-b101-75b2e5783d7a', output: [answered] }],
  'opencode-1.18.33': [
    { span: 'ai.streamText.doStream', output: [answered], reasons: ['stop'] },
    { span: 'ai.streamText', output: [answered], reasons: ['stop'] },
  ],
  'copilot-cli-1.0.102': [
    { span: 'chat claude-sonnet-4-5', id: '45ed3e4d-2b0d-433b-b261-139e0fb2a7d3', reasons: ['stop'] },
    { span: 'invoke_agent', id: '45ed3e4d-2b0d-433b-b261-139e0fb2a7d3', reasons: ['stop'] },
  ],
  'genkit-1.42.0': [
    {
      span: 'googleai/gemini-2.5-flash',
      input: [asked],
      output: [{ ...called, finish_reason: 'stop' }],
      reasons: ['stop'],
    },
    { span: 'weather', ...ranUnnamed },
    {
      span: 'googleai/gemini-2.5-flash',
      input: [asked, called, returned],
      output: [answeredAndSaid],
      reasons: ['stop'],
    },
    { span: 'generate', input: [asked, called, returned], output: [answeredAndSaid], reasons: ['stop'] },
    { span: 'generate', ...plainAndSaid },
    { span: 'openai/gpt-5-mini', ...plainAndSaid },
    { span: 'generate', ...plainAndSaid },
    { span: 'anthropic/claude-sonnet-4-5', ...plainAndSaid },
    { span: 'generate', ...plainAndSaid },
    { span: 'openai/text-embedding-3-small' },
    { span: 'clerk' },
  ],
  // A tool's answer does not say to which call.
  'tanstack-ai-0.58.0': [
    { span: 'execute_tool weather' },
    { span: 'chat gpt-5-mini #0', input: [asked], reasons: ['tool_call'] },
    {
      span: 'chat gpt-5-mini #1',
      input: [asked, { role: 'tool', parts: [{ type: 'tool_call_response', response: '{"degrees":21}' }] }],
      output: [answered],
      reasons: ['stop'],
    },
    { span: 'chat gpt-5-mini', reasons: ['stop'] },
    { span: 'chat claude-sonnet-4-5 #0', ...plain },
    { span: 'chat claude-sonnet-4-5', reasons: ['stop'] },
  ],
  'strands-1.19.0': [
    { span: 'chat', input: [asked], output: [calledAndSaid], reasons: ['tool_call'] },
    { span: 'execute_tool weather' },
    { span: 'execute_agent_loop_cycle' },
    { span: 'chat', input: [asked, called, RETURNED_AS_LIST], output: [answeredAndSaid], reasons: ['stop'] },
    { span: 'execute_agent_loop_cycle', input: [asked, called, RETURNED_AS_LIST] },
    { span: 'invoke_agent clerk', ...plainAndSaid },
    { span: 'chat', ...plainAndSaid },
    { span: 'execute_agent_loop_cycle' },
    { span: 'invoke_agent claude', ...plainAndSaid },
    { span: 'anthropic.messages.create', reasons: ['stop'] },
  ],
  // A model's span does not say what came out.
  'voltagent-2.10.0': [
    { span: 'memory.read', id: 'c-1' },
    { span: 'tool.execution:weather', id: 'c-1', ...ran },
    { span: 'llm:generateText', id: 'c-1', input: [instructed, asked], reasons: ['stop'] },
    { span: 'clerk', id: 'c-1', ...plain, input: [instructed, asked] },
    { span: 'memory.read', id: 'c-1' },
    { span: 'llm:generateText', id: 'c-1', input: [instructed, asked], reasons: ['stop'] },
    { span: 'claude', id: 'c-1', ...plain, input: [instructed, asked] },
    { span: 'memory.read', id: 'c-1' },
    { span: 'memory.read', id: 'c-1' },
    { span: 'tool.execution:weather', id: 'c-1', ...ran },
    { span: 'llm:streamText', id: 'c-1', input: [instructed, asked], reasons: ['stop'] },
    { span: 'subagent:clerk', id: 'c-1', ...plain, input: [instructed, asked] },
    { span: 'tool.execution:delegate_task', id: 'c-1', input: [DELEGATION], output: [DELEGATED] },
    { span: 'llm:generateText', id: 'c-1', input: [HEAD, asked], reasons: ['stop'] },
    { span: 'head', id: 'c-1', ...plain, input: [HEAD, asked] },
  ],
  'laminar-0.8.46': [
    { span: 'chat gpt-5-mini', ...plainAndSaid },
    { span: 'gemini.generate_content', input: [asked], output: [answered] },
  ],
  'openlit-1.15.0': [
    { span: 'chat gpt-5-mini', ...plainAndSaid },
    { span: 'chat claude-sonnet-4-5', ...plainAndSaid },
  ],
  'langwatch-0.16.1': [
    { span: 'llm', input: [asked], output: [answered] },
    { span: 'clerk', id: 't-1' },
  ],
  ...KITS,
  ...LANGCHAIN,
  ...MONITORS,
  'vercel-ai-4.3.19': VERCEL,
  'vercel-ai-5.0.277': VERCEL,
  'vercel-ai-6.0.326': VERCEL,
  'vercel-ai-7.0.173': [
    { span: 'chat gpt-5-mini', input: [asked], output: [calledAndSaid], reasons: ['tool_call'] },
    { span: 'execute_tool weather', ...ran },
    { span: 'step 1' },
    { span: 'chat gpt-5-mini', input: [asked, called, returned], output: [answeredAndSaid], reasons: ['stop'] },
    { span: 'step 2' },
    {
      span: 'invoke_agent gpt-5-mini',
      input: [asked],
      output: [{ ...answeredAndSaid, parts: [...answered.parts, TOOL_CALL, TOOL_RESPONSE] }],
      reasons: ['stop'],
    },
    { span: 'chat claude-sonnet-4-5', ...plainAndSaid },
    { span: 'step 1' },
    { span: 'invoke_agent claude-sonnet-4-5', ...plainAndSaid },
    { span: 'embeddings text-embedding-3-small' },
    { span: 'embeddings text-embedding-3-small' },
  ],
}

test('every recorded emitter has its expected conversation', () => {
  const recorded = readdirSync(FIXTURES).filter((file) => /\d\.json$/.test(file))
  expect(recorded.map((file) => file.replace('.json', '')).toSorted()).toStrictEqual(Object.keys(EXPECTED).toSorted())
})

test.each(Object.entries(EXPECTED))('%s', (fixture, rows) => {
  expect(fixtureRows(join(FIXTURES, `${fixture}.json`))).toStrictEqual(expectedRows(rows))
})

test('without messages, finish reasons and conversation are the same', () => {
  const files = [FIXTURES, CONVENTIONS].flatMap((folder) => readdirSync(folder).map((file) => join(folder, file)))
  for (const file of files.filter((name) => name.endsWith('.json') && !name.endsWith('package.json'))) {
    for (const span of decodeTracesJson(readFileSync(file)).spans) {
      const whole = readConversation(span)
      const brief = readConversation(span, { messages: false })
      expect(brief).toStrictEqual(whole && { ...whole, inputMessages: [], outputMessages: [] })
    }
  }
})
