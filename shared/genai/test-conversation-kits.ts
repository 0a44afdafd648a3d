import type { Message } from './messages/message.ts'
import {
  answered,
  asked,
  called,
  instructed,
  plain,
  plainAndSaid,
  type Row,
  ran,
  returned,
  text,
} from './test-conversation.ts'

const ended = { ...answered, finish_reason: 'stop' }
const said = { input: [asked], output: [answered] }
/** A tool's answer as Anthropic has it. */
const BLOCKS = { type: 'tool_call_response', id: 'call_1', response: [{ type: 'text', text: '{"degrees":21}' }] }

/** Of test/fixtures/emitters/monitors.mjs, and Qwen Code: what is expected of each file. */
const SENTRY: readonly Row[] = [
  { span: 'chat gpt-5-mini', id: 'c-1', input: [asked], output: [called], reasons: ['tool_call'] },
  { span: 'chat gpt-5-mini', id: 'c-1', ...plain },
  { span: 'embeddings text-embedding-3-small', id: 'c-1' },
  { span: 'chat claude-sonnet-4-5', id: 'c-1', input: [asked], output: [called] },
  { span: 'generate_content gemini-2.5-flash', id: 'c-1', input: [asked], output: [answered] },
  { span: 'generate_content claude-sonnet-4-5', id: 'c-1', ...plain },
  { span: 'invoke_agent', id: 'c-1', ...plain },
]

function silent(finish_reason: string): Message {
  return { role: 'assistant', parts: [], finish_reason }
}

function qwenCode(id: string): readonly Row[] {
  return [
    { span: 'qwen-code.llm_request', id, reasons: ['stop'] },
    { span: 'qwen-code.interaction', id },
    { span: 'qwen-code.llm_request', id, reasons: ['stop'] },
  ]
}

export const MONITORS: Readonly<Record<string, readonly Row[]>> = {
  'sentry-10.50.0': SENTRY,
  'sentry-10.78.0': SENTRY,
  'datadog-6.21.0': [
    { span: 'createChatCompletion' },
    { span: 'createEmbedding' },
    { span: 'createChatCompletion' },
    { span: 'Messages.create' },
    { span: 'Models.generate_content' },
    { span: 'invokeModel' },
    { span: 'converse' },
  ],
  'langtrace-6.3.7': [
    { span: 'openai.chat.completions.create', ...said },
    { span: 'openai.chat.completions.create', ...said },
    { span: 'anthropic.messages.create', ...said },
    {
      span: 'gemini.GenerativeModel.generateContent',
      input: [asked],
      output: [text('assistant', '"Hello."')],
      reasons: ['stop'],
    },
    { span: 'gemini.GenerativeModel.generateContentStream', ...said },
  ],
  'opentelemetry-aws-sdk-0.79.0': [
    { span: 'BedrockRuntime.InvokeModel', reasons: ['stop'] },
    { span: 'chat anthropic.claude-sonnet-4-5-20250929-v1:0', reasons: ['stop'] },
  ],
  'azure-ai-projects-2.10.0': [
    { span: 'chat gpt-5-mini', ...plainAndSaid },
    { span: 'invoke_agent clerk', ...plainAndSaid },
  ],
  'qwen-code-0.24.4': qwenCode('c2a5e064-2c9b-4c69-85a6-7417dfda3e3b'),
  'qwen-code-gemini-0.24.4': qwenCode('2aa988fb-2b45-407a-8dd3-f8dbc3c87d18'),
}

/** Of test/fixtures/emitters/langchain.mjs. */
export const LANGCHAIN: Readonly<Record<string, readonly Row[]>> = {
  'langchain-openinference-4.1.1': [
    { span: 'ChatAnthropic', ...plain },
    { span: 'ChatBedrockConverse', ...plain },
    { span: 'ChatGoogleGenerativeAI', ...plain },
  ],
  'langchain-openllmetry-0.27.0': [
    { span: 'chat claude-sonnet-4-5', ...said },
    { span: 'chat ChatBedrockConverse', ...said },
    { span: 'chat ChatGoogleGenerativeAI', ...said },
  ],
  'langchain-langfuse-5.11.1': [
    { span: 'ChatAnthropic', ...said },
    { span: 'ChatBedrockConverse', ...said },
    { span: 'ChatGoogleGenerativeAI', ...said },
  ],
  'langchain-microsoft-1.4.0': [
    { span: 'chat claude-sonnet-4-5', id: 'c-1', ...said },
    { span: 'chat anthropic.claude-sonnet-4-5-20250929-v1:0', id: 'c-1', ...said },
    { span: 'chat gemini-2.5-flash', id: 'c-1', ...said },
  ],
  'langchain-langsmith-0.12.0': [{ span: 'agent', id: 't-1', ...plainAndSaid }],
}

const BASH = { type: 'tool_call', name: 'Bash', arguments: { command: 'echo 21', description: 'weather' } }
const BASH_RESULT = {
  type: 'tool_call_response',
  response: { stdout: '21', stderr: '', interrupted: false, isImage: false, noOutputExpected: false },
}

const TASK = { type: 'text', content: 'Your task: Hello?\n' }
const FINAL: Message = {
  role: 'assistant',
  parts: [{ type: 'tool_call', id: 'call_1', name: 'final_answer', arguments: { response: 'Hello.' } }],
}
const RETURNED_TEXT: Message = {
  role: 'tool',
  parts: [{ type: 'tool_call_response', id: 'call_1', response: '{"degrees":21}' }],
}

const CALLS = ['tool_call']
/** What Mastra says of a tool's run to whom it exports. */
const SHORTENED: readonly Message[] = [
  text('assistant', '[tool: weather]'),
  { role: 'tool', parts: [{ type: 'tool_call_response', response: '[tool-result: weather]' }] },
]

/** Of test/fixtures/emitters/frameworks.mjs, for some, and Promptfoo. */
export const KITS: Readonly<Record<string, readonly Row[]>> = {
  'openinference-vercel-3.2.1': [
    { span: 'chat claude-sonnet-4-5', ...plainAndSaid },
    { span: 'step 1' },
    { span: 'invoke_agent claude-sonnet-4-5', ...plainAndSaid },
  ],
  // What was asked is said of one event of a call, what was answered of another.
  'openinference-beeai-1.5.30': [
    ...beeAiCall('backend.openai.chat', 1, { role: 'user', parts: [TASK] }, called),
    ...beeAiTool('tool.dynamic.weather', { city: 'Bern' }, '21'),
    { span: 'agent.toolCalling.start-1' },
    { span: 'agent.toolCalling.success-1' },
    ...beeAiCall('backend.openai.chat', 2, { role: 'user', parts: [TASK] }, FINAL),
    ...beeAiTool('tool.dynamic.finalAnswer', { response: 'Hello.' }, 'Message has been sent'),
    { span: 'agent.toolCalling.start-2' },
    { span: 'agent.toolCalling.success-2' },
    { span: 'beeai-framework-main', ...said },
    ...beeAiCall('backend.anthropic.chat', 1, asked, answered),
    { span: 'beeai-framework-main', ...said },
    { span: 'backend.openai.embedding.start-1' },
    { span: 'backend.openai.embedding.success-1' },
    { span: 'backend.openai.embedding.finish-1' },
    { span: 'beeai-framework-main' },
  ],
  'axiom-0.52.2': ['gpt-5-mini', 'claude-sonnet-4-5', 'gemini-2.5-flash'].flatMap((model) => [
    { span: 'execute_tool weather', ...ran },
    { span: `chat ${model}`, input: [asked, called, RETURNED_TEXT], output: [answered], reasons: ['stop'] },
  ]),
  // What agents are given of tools is no question.
  'n8n-agents-0.26.1': [
    { span: 'ai.generateText.doGenerate', id: 't-1', input: [instructed, asked], output: [called], reasons: CALLS },
    { span: 'ai.generateText', id: 't-1', input: [asked], output: [called], reasons: CALLS },
    { span: 'execute_tool weather', id: 't-1', ...ran },
    {
      span: 'ai.generateText.doGenerate',
      id: 't-1',
      input: [instructed, asked, called, returned],
      output: [answered],
      reasons: ['stop'],
    },
    { span: 'ai.generateText', id: 't-1', input: [asked, called, returned], output: [answered], reasons: ['stop'] },
    { span: 'clerk.generate', id: 't-1' },
    { span: 'ai.streamText.doStream', id: 't-1', input: [instructed, asked], output: [answered], reasons: ['stop'] },
    { span: 'ai.streamText', id: 't-1', ...plain },
    { span: 'clerk.stream', id: 't-1' },
  ],
  // It keeps to itself what was said.
  'mistral-sdk-2.7.0': [
    { span: 'chat mistral-large-2512', ...plainAndSaid },
    { span: 'chat mistral-large-2512', ...plainAndSaid },
    { span: 'embeddings mistral-embed' },
    { span: 'chat mistral-large-2512', output: [answered] },
    { span: 'invoke_agent', id: 'conv_1', input: [asked] },
    { span: 'chat mistral-large-2512', input: [asked] },
  ],
  'anthropic-sdk-1.12.0': [
    { span: 'anthropic.messages.create', ...plain },
    { span: 'anthropic.messages.create', ...plain },
    { span: 'anthropic.messages.create', input: [asked], output: [called], reasons: ['tool_call'] },
    { span: 'anthropic.custom_tool_use weather', input: [called], output: [{ role: 'tool', parts: [BLOCKS] }] },
    { span: 'anthropic.messages.create', ...plain, input: [{ role: 'user', parts: [BLOCKS] }] },
    { span: 'anthropic.messages.tool_runner' },
    { span: 'anthropic.messages.create', ...plain },
    { span: 'anthropic.messages.count_tokens' },
    { span: 'anthropic.sessions.create' },
    { span: 'anthropic.messages.create', input: [asked] },
  ],
  'ax-24.0.21': [
    { span: 'AI Chat Request', output: [silent('tool_call')], reasons: ['tool_call'] },
    { span: 'Tool: weather' },
    {
      span: 'AI Chat Request',
      input: [{ role: 'tool', parts: [{ type: 'tool_call_response', id: 'call_1' }] }],
      output: [silent('stop')],
      reasons: ['stop'],
    },
    { span: 'AI Chat Request', output: [silent('stop')], reasons: ['stop'] },
    { span: 'AI Chat Request', output: [silent('stop')], reasons: ['stop'] },
  ],
  'livekit-1.9.0': [
    { span: 'start_agent_activity' },
    { span: 'function_tool', ...ran },
    {
      span: 'llm_request',
      input: [instructed, asked],
      output: [{ ...called, finish_reason: 'tool_call' }],
      reasons: ['tool_call'],
    },
    { span: 'llm_node' },
    { span: 'agent_turn', input: [asked] },
    { span: 'llm_request', input: [instructed, asked, called, returned], output: [ended], reasons: ['stop'] },
    { span: 'llm_node', output: [answered] },
    { span: 'agent_turn', output: [answered] },
    { span: 'agent_session' },
    { span: 'start_agent_activity' },
    { span: 'llm_request', input: [instructed, asked], reasons: ['stop'] },
    { span: 'llm_node' },
    { span: 'agent_turn', input: [asked] },
    { span: 'agent_session' },
    { span: 'start_agent_activity' },
    { span: 'llm_request', input: [instructed, asked], output: [ended], reasons: ['stop'] },
    { span: 'llm_node', output: [answered] },
    { span: 'agent_turn', ...said },
    { span: 'agent_session' },
    { span: 'start_agent_activity' },
    { span: 'realtime_inference' },
    { span: 'agent_turn', output: [answered] },
    { span: 'agent_session' },
  ],
  'mastra-arize-1.3.8': [
    { span: 'model_chunk clerk' },
    { span: 'execute_tool weather', ...ran },
    { span: 'model_chunk clerk' },
    { span: 'model_inference clerk' },
    { span: 'model_step clerk', input: [instructed, asked], output: [called] },
    { span: 'model_chunk clerk' },
    { span: 'model_inference clerk' },
    { span: 'model_step clerk', input: [instructed, asked, ...SHORTENED], output: [answered] },
    { span: 'chat gpt-5-mini', input: [instructed, asked], output: [answered] },
    { span: 'invoke_agent clerk', ...said },
    { span: 'model_chunk claude' },
    { span: 'model_inference claude' },
    { span: 'model_step claude', input: [instructed, asked], output: [answered] },
    { span: 'chat claude-sonnet-4-5', input: [instructed, asked], output: [answered] },
    { span: 'invoke_agent claude', ...said },
  ],
  'vercel-vertex-5.0.141': [
    { span: 'chat claude-sonnet-4-5@20250929', ...plainAndSaid },
    { span: 'step 1' },
    { span: 'invoke_agent claude-sonnet-4-5@20250929', ...plainAndSaid },
  ],
  'openinference-claude-agent-sdk-0.3.1': [
    { span: 'Bash', input: [{ role: 'assistant', parts: [BASH] }], output: [{ role: 'tool', parts: [BASH_RESULT] }] },
    { span: 'ClaudeAgent.query', ...plain },
  ],
  'openllmetry-google-generativeai-0.27.0': [{ span: 'generate_content gemini-2.5-flash', ...plainAndSaid }],
  'openllmetry-vercel-0.27.0': [
    { span: 'chat gpt-5-mini', id: 's-1', ...plainAndSaid },
    { span: 'chat gpt-5-mini', id: 's-1', ...plainAndSaid },
    { span: 'chat claude-sonnet-4-5', id: 's-1', ...plainAndSaid },
    { span: 'chat claude-sonnet-4-5', id: 's-1', ...plainAndSaid },
  ],
  'promptfoo-0.123.1': [
    { span: 'chat gpt-5-mini', ...plain },
    { span: 'chat claude-sonnet-4-5', ...plain },
  ],
  'langsmith-wrappers-0.12.0': [
    { span: 'ChatAnthropic', ...plainAndSaid },
    { span: 'ChatGoogleGenerativeAI', ...plainAndSaid },
    { span: 'anthropic.messages', ...said },
    { span: 'anthropic.messages', ...said },
  ],
  'openlit-google-1.15.0': [{ span: 'chat gemini-2.5-flash', ...plainAndSaid }],
}

function beeAiCall(path: string, nth: number, question: Message, answer: Message): readonly Row[] {
  const input =
    nth === 1 ? [question] : [question, { role: 'tool', parts: [{ type: 'tool_call_response', response: '' }] }]
  return [
    { span: `${path}.start-${nth}`, input },
    { span: `${path}.success-${nth}`, output: [answer] },
    { span: `${path}.finish-${nth}` },
  ]
}

function beeAiTool(path: string, args: Readonly<Record<string, string>>, result: string): readonly Row[] {
  const input = [{ role: 'assistant', parts: [{ type: 'tool_call', name: path.split('.')[2]!, arguments: args }] }]
  const output = [{ role: 'tool', parts: [{ type: 'tool_call_response', response: { result } }] }]
  return [
    { span: `${path}.start-1`, input },
    { span: `${path}.success-1`, input, output },
    { span: `${path}.finish-1` },
  ]
}
