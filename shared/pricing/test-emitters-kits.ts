import {
  BEDROCK_CLAUDE,
  CLAUDE,
  CLAUDE_5M,
  CLAUDE_TOKENS,
  EMBEDDING,
  GEMINI_TEXT,
  GPT,
  GPT_TOKENS,
  GPT_UNCACHED,
  NONE,
  ROLLED,
  type Row,
} from './test-emitters.ts'

const BEDROCK_MODEL = 'anthropic.claude-sonnet-4-5-20250929-v1:0'

/** Of test/fixtures/emitters/monitors.mjs, and Qwen Code: what is expected of each file. Nobody says what of Gemini's input was audio. */
export const MONITORS: Readonly<Record<string, readonly Row[]>> = {
  // Vercel's AI SDK speaks for itself. Gemini's: 400 × 0.3 + 600 × 0.03 + 65 × 2.5.
  'sentry-10.78.0': [
    ['chat gpt-5-mini', 'sentry', 'chat', 'priced', GPT, 2000, 1536, 0, 150, 0],
    ['chat gpt-5-mini', 'sentry', 'chat', 'priced', GPT, 2000, 1536, 0, 150, 0],
    ['embeddings text-embedding-3-small', 'sentry', 'embeddings', 'priced', EMBEDDING, 8, 0, 0, 0, 0],
    ['chat claude-sonnet-4-5', 'sentry', 'chat', 'priced', CLAUDE_5M, ...CLAUDE_TOKENS],
    ['generate_content gemini-2.5-flash', 'sentry', 'generate_content', 'priced', 300_500_000n, 1000, 600, 0, 65, 25],
    ['generate_content claude-sonnet-4-5', 'vercel_ai', 'chat', 'priced', CLAUDE, ...CLAUDE_TOKENS],
    ['invoke_agent', 'vercel_ai', 'invoke_agent', 'rollup', null, ...ROLLED],
  ],
  // What Anthropic had cached, and Gemini's thoughts, are in the total alone.
  'sentry-10.50.0': [
    ['chat gpt-5-mini', 'sentry', 'chat', 'priced', GPT_UNCACHED, 2000, 0, 0, 150, 0],
    ['chat gpt-5-mini', 'sentry', 'chat', 'priced', GPT_UNCACHED, 2000, 0, 0, 150, 0],
    ['embeddings text-embedding-3-small', 'sentry', 'embeddings', 'priced', EMBEDDING, 8, 0, 0, 0, 0],
    ['chat claude-sonnet-4-5', 'sentry', 'chat', 'ambiguous', null, ...NONE],
    ['generate_content gemini-2.5-flash', 'sentry', 'generate_content', 'priced', GEMINI_TEXT, 1000, 0, 0, 65, 25],
    ['generate_content claude-sonnet-4-5', 'vercel_ai', 'chat', 'priced', CLAUDE, ...CLAUDE_TOKENS],
    ['invoke_agent', 'vercel_ai', 'invoke_agent', 'rollup', null, ...ROLLED],
  ],
  // The third call went to an address that it does not know, so that its provider is `unknown`.
  'datadog-6.21.0': [
    ['createChatCompletion', 'datadog', 'chat', 'priced', GPT, ...GPT_TOKENS],
    ['createEmbedding', 'datadog', 'embeddings', 'priced', EMBEDDING, 8, 0, 0, 0, 0],
    ['createChatCompletion', 'datadog', 'chat', 'priced', GPT, ...GPT_TOKENS],
    ['Messages.create', 'datadog', 'chat', 'priced', CLAUDE_5M, ...CLAUDE_TOKENS],
    ['Models.generate_content', 'datadog', 'chat', 'priced', GEMINI_TEXT, 1000, 0, 0, 65, 25],
    ['invokeModel', 'datadog', 'chat', 'priced', BEDROCK_CLAUDE, ...CLAUDE_TOKENS],
    ['converse', 'datadog', 'chat', 'priced', BEDROCK_CLAUDE, ...CLAUDE_TOKENS],
  ],
  // It says Anthropic's input as output, and of streams its guess of both; cached tokens are in no count. Anthropic's:
  // 12 × 3 + 40 × 15; Gemini's, of which the total has the thoughts: 1000 × 0.3 + 65 × 2.5.
  'langtrace-6.3.7': [
    ['openai.chat.completions.create', 'langtrace', 'chat', 'priced', GPT_UNCACHED, 2000, 0, 0, 150, 0],
    ['openai.chat.completions.create', 'langtrace', 'chat', 'priced', 2_250_000n, 1, 0, 0, 1, 0],
    ['anthropic.messages.create', 'langtrace', 'chat', 'priced', 636_000_000n, 12, 0, 0, 40, 0],
    ['gemini.GenerativeModel.generateContent', 'langtrace', 'chat', 'priced', 462_500_000n, 1000, 0, 0, 65, 25],
    ['gemini.GenerativeModel.generateContentStream', 'langtrace', 'chat', 'priced', 2_800_000n, 1, 0, 0, 1, 0],
  ],
  // It copies two counts and leaves what was cached to Bedrock: 12 × 3.3 + 40 × 16.5.
  'opentelemetry-aws-sdk-0.79.0': [
    ['BedrockRuntime.InvokeModel', 'opentelemetry', 'chat', 'priced', 699_600_000n, 12, 0, 0, 40, 0],
    [`chat ${BEDROCK_MODEL}`, 'opentelemetry', 'chat', 'priced', 699_600_000n, 12, 0, 0, 40, 0],
  ],
  // Cached tokens are in no count of it.
  'azure-ai-projects-2.10.0': [
    ['chat gpt-5-mini', 'opentelemetry', 'chat', 'priced', GPT_UNCACHED, 2000, 0, 0, 150, 0],
    ['invoke_agent clerk', 'opentelemetry', 'invoke_agent', 'priced', GPT_UNCACHED, 2000, 0, 0, 150, 0],
  ],
  // The last call makes its memories, in a trace of its own.
  'qwen-code-0.24.4': [
    ['qwen-code.llm_request', 'qwen_code', 'chat', 'priced', GPT, ...GPT_TOKENS],
    ['qwen-code.interaction', 'qwen_code', 'invoke_agent', 'no_usage', null, ...NONE],
    ['qwen-code.llm_request', 'qwen_code', 'chat', 'priced', GPT, ...GPT_TOKENS],
  ],
  // Thoughts are beside the output, under a key of its own: 400 × 0.3 + 600 × 0.03 + (40 + 25) × 2.5.
  'qwen-code-gemini-0.24.4': [
    ['qwen-code.llm_request', 'qwen_code', 'generate_content', 'priced', 300_500_000n, 1000, 600, 0, 65, 25],
    ['qwen-code.interaction', 'qwen_code', 'invoke_agent', 'no_usage', null, ...NONE],
    ['qwen-code.llm_request', 'qwen_code', 'generate_content', 'priced', 300_500_000n, 1000, 600, 0, 65, 25],
  ],
}

/** Of test/fixtures/emitters/langchain.mjs. Gemini's: 400 × 0.3 + 600 × 0.03 + (40 + 25) × 2.5. */
export const LANGCHAIN: Readonly<Record<string, readonly Row[]>> = {
  // Its counts leave out what was written to the cache, and the model of two; the message and the metadata have them.
  'langchain-openinference-4.1.1': [
    ['ChatAnthropic', 'openinference', 'chat', 'priced', CLAUDE, ...CLAUDE_TOKENS],
    ['ChatBedrockConverse', 'openinference', 'chat', 'priced', BEDROCK_CLAUDE, ...CLAUDE_TOKENS],
    ['ChatGoogleGenerativeAI', 'openinference', 'chat', 'priced', 300_500_000n, 1000, 600, 0, 65, 25],
  ],
  // It copies Anthropic's two counts, 12 × 3 + 40 × 15, leaves out Bedrock's, and the model of both that are not Anthropic's.
  'langchain-openllmetry-0.27.0': [
    ['chat claude-sonnet-4-5', 'openllmetry', 'chat', 'priced', 636_000_000n, 12, 0, 0, 40, 0],
    ['chat ChatBedrockConverse', 'openllmetry', 'chat', 'no_usage', null, ...NONE],
    ['chat ChatGoogleGenerativeAI', 'openllmetry', 'chat', 'unpriced', null, 1000, 0, 0, 65, 25],
  ],
  'langchain-langfuse-5.11.1': [
    ['ChatAnthropic', 'langfuse', 'chat', 'priced', CLAUDE_5M, ...CLAUDE_TOKENS],
    ['ChatBedrockConverse', 'langfuse', 'chat', 'priced', BEDROCK_CLAUDE, ...CLAUDE_TOKENS],
    ['ChatGoogleGenerativeAI', 'langfuse', 'chat', 'priced', 300_500_000n, 1000, 600, 0, 65, 25],
  ],
  // Input and output alone: 1212 × 3 + 40 × 15, the same × 1.1, and 1000 × 0.3 + 40 × 2.5.
  'langchain-microsoft-1.4.0': [
    ['chat claude-sonnet-4-5', 'opentelemetry', 'chat', 'priced', 4_236_000_000n, 1212, 0, 0, 40, 0],
    [`chat ${BEDROCK_MODEL}`, 'opentelemetry', 'chat', 'priced', 4_659_600_000n, 1212, 0, 0, 40, 0],
    ['chat gemini-2.5-flash', 'opentelemetry', 'chat', 'priced', 400_000_000n, 1000, 0, 0, 40, 0],
  ],
  // What a model did is said of the span around it, its counts in the metadata alone.
  'langchain-langsmith-0.12.0': [['agent', 'langsmith', 'chat', 'priced', CLAUDE_5M, ...CLAUDE_TOKENS]],
}

/** Of test/fixtures/emitters/frameworks.mjs, for some, and Promptfoo. */
export const KITS: Readonly<Record<string, readonly Row[]>> = {
  // Spans of the AI SDK 7, to which it adds OpenInference's attributes.
  'openinference-vercel-3.2.1': [
    ['chat claude-sonnet-4-5', 'vercel_ai', 'chat', 'priced', CLAUDE, ...CLAUDE_TOKENS],
    ['step 1', 'vercel_ai', 'agent_step', 'rollup', null, ...ROLLED],
    ['invoke_agent claude-sonnet-4-5', 'vercel_ai', 'invoke_agent', 'rollup', null, ...ROLLED],
  ],
  // Each event is a span; of those of a call the one of its answer is the call. Cached tokens are in no count: 12 × 3 + 40 × 15.
  'openinference-beeai-1.5.30': [
    ...beeAiCall('backend.openai.chat', 1, 'chat', 'priced', GPT_UNCACHED, 2000, 0, 0, 150, 0),
    ...beeAiTool('tool.dynamic.weather'),
    ['agent.toolCalling.start-1', 'beeai', 'invoke_agent', 'no_usage', null, ...NONE],
    ['agent.toolCalling.success-1', 'beeai', 'invoke_agent', 'no_usage', null, ...NONE],
    ...beeAiCall('backend.openai.chat', 2, 'chat', 'priced', GPT_UNCACHED, 2000, 0, 0, 150, 0),
    ...beeAiTool('tool.dynamic.finalAnswer'),
    ['agent.toolCalling.start-2', 'beeai', 'invoke_agent', 'no_usage', null, ...NONE],
    ['agent.toolCalling.success-2', 'beeai', 'invoke_agent', 'no_usage', null, ...NONE],
    ['beeai-framework-main', 'beeai', 'invoke_agent', 'no_usage', null, ...NONE],
    ...beeAiCall('backend.anthropic.chat', 1, 'chat', 'priced', 636_000_000n, 12, 0, 0, 40, 0),
    ['beeai-framework-main', 'beeai', 'agent_step', 'no_usage', null, ...NONE],
    // It does not say the model.
    ...beeAiCall('backend.openai.embedding', 1, 'embeddings', 'unpriced', null, 8, 0, 0, 0, 0),
    ['beeai-framework-main', 'beeai', 'agent_step', 'no_usage', null, ...NONE],
  ],
  // Input and output alone, of both steps in one span: 4000 × 0.25 + 300 × 2, 2424 × 3 + 80 × 15 and 2000 × 0.3 + 130 × 2.5.
  'axiom-0.52.2': [
    ['execute_tool weather', 'opentelemetry', 'execute_tool', 'no_usage', null, ...NONE],
    ['chat gpt-5-mini', 'opentelemetry', 'chat', 'priced', 1_600_000_000n, 4000, 0, 0, 300, 0],
    ['execute_tool weather', 'opentelemetry', 'execute_tool', 'no_usage', null, ...NONE],
    ['chat claude-sonnet-4-5', 'opentelemetry', 'chat', 'priced', 8_472_000_000n, 2424, 0, 0, 80, 0],
    ['execute_tool weather', 'opentelemetry', 'execute_tool', 'no_usage', null, ...NONE],
    ['chat gemini-2.5-flash', 'opentelemetry', 'chat', 'priced', 925_000_000n, 2000, 0, 0, 130, 0],
  ],
  // The AI SDK 7 as releases before spoke, one step at a time.
  'n8n-agents-0.26.1': [
    ['ai.generateText.doGenerate', 'vercel_ai', 'chat', 'priced', GPT, ...GPT_TOKENS],
    ['ai.generateText', 'vercel_ai', 'invoke_agent', 'rollup', null, ...ROLLED],
    ['execute_tool weather', 'vercel_ai', 'execute_tool', 'no_usage', null, ...NONE],
    ['ai.generateText.doGenerate', 'vercel_ai', 'chat', 'priced', GPT, ...GPT_TOKENS],
    ['ai.generateText', 'vercel_ai', 'invoke_agent', 'rollup', null, ...ROLLED],
    ['clerk.generate', 'opentelemetry', 'invoke_agent', 'no_usage', null, ...NONE],
    ['ai.streamText.doStream', 'vercel_ai', 'chat', 'priced', CLAUDE, ...CLAUDE_TOKENS],
    ['ai.streamText', 'vercel_ai', 'invoke_agent', 'rollup', null, ...ROLLED],
    ['clerk.stream', 'opentelemetry', 'invoke_agent', 'no_usage', null, ...NONE],
  ],
  // 2000 × 0.5 + 150 × 1.5. Who runs an agent of Mistral's says no model, and the agent's answer no usage.
  'mistral-sdk-2.7.0': [
    ['chat mistral-large-2512', 'opentelemetry', 'chat', 'priced', 1_225_000_000n, 2000, 0, 0, 150, 0],
    ['chat mistral-large-2512', 'opentelemetry', 'chat', 'priced', 1_225_000_000n, 2000, 0, 0, 150, 0],
    ['embeddings mistral-embed', 'opentelemetry', 'embeddings', 'priced', 800_000n, 8, 0, 0, 0, 0],
    ['chat mistral-large-2512', 'opentelemetry', 'chat', 'no_usage', null, ...NONE],
    ['invoke_agent', 'opentelemetry', 'invoke_agent', 'unpriced', null, 2000, 0, 0, 150, 0],
    ['chat mistral-large-2512', 'opentelemetry', 'chat', 'no_usage', null, ...NONE],
  ],
  // What compacting took is beside its counts, cached or not.
  'anthropic-sdk-1.12.0': [
    ['anthropic.messages.create', 'anthropic_sdk', 'chat', 'priced', CLAUDE, ...CLAUDE_TOKENS],
    ['anthropic.messages.create', 'anthropic_sdk', 'chat', 'priced', CLAUDE, ...CLAUDE_TOKENS],
    ['anthropic.messages.create', 'anthropic_sdk', 'chat', 'priced', CLAUDE, ...CLAUDE_TOKENS],
    ['anthropic.custom_tool_use weather', 'anthropic_sdk', 'execute_tool', 'no_usage', null, ...NONE],
    ['anthropic.messages.create', 'anthropic_sdk', 'chat', 'priced', CLAUDE, ...CLAUDE_TOKENS],
    ['anthropic.messages.tool_runner', 'anthropic_sdk', 'invoke_agent', 'no_usage', null, ...NONE],
    ['anthropic.messages.create', 'anthropic_sdk', 'chat', 'ambiguous', null, 7212, null, null, 740, null],
    ['anthropic.messages.count_tokens', 'anthropic_sdk', 'count_tokens', 'no_usage', null, ...NONE],
    ['anthropic.sessions.create', 'anthropic_sdk', '', 'no_usage', null, ...NONE],
    ['anthropic.messages.create', 'anthropic_sdk', 'chat', 'no_usage', null, ...NONE],
  ],
  // What was cached is in the total alone: of Anthropic's either class. 400 × 0.3 + 600 × 0.03 + (40 + 25) × 2.5.
  'ax-24.0.21': [
    ['AI Chat Request', 'ax', 'chat', 'priced', GPT, 2000, 1536, 0, 150, 0],
    ['Tool: weather', 'ax', 'execute_tool', 'no_usage', null, ...NONE],
    ['AI Chat Request', 'ax', 'chat', 'priced', GPT, 2000, 1536, 0, 150, 0],
    ['AI Chat Request', 'ax', 'chat', 'priced', 300_500_000n, 1000, 600, 0, 65, 25],
    ['AI Chat Request', 'ax', 'chat', 'ambiguous', null, 1212, null, null, 40, null],
  ],
  // Gemini's thoughts are in the total of its metrics alone, and of what audio was cached of the last only these tell:
  // 272 × 4 + 128 × 0.4 + 344 × 32 + 256 × 0.4 + 50 × 16 + 100 × 64. The third call failed.
  'livekit-1.9.0': [
    ['start_agent_activity', 'livekit', 'create_agent', 'no_usage', null, ...NONE],
    ['function_tool', 'livekit', 'execute_tool', 'no_usage', null, ...NONE],
    ...liveTurn(['llm_request', 'livekit', 'chat', 'priced', GPT, 2000, 1536, 0, 150, 0]),
    ...liveTurn(['llm_request', 'livekit', 'chat', 'priced', GPT, 2000, 1536, 0, 150, 0]),
    ['agent_session', 'livekit', 'invoke_workflow', 'no_usage', null, ...NONE],
    ...liveSession(liveTurn(['llm_request', 'livekit', 'chat', 'no_usage', null, ...NONE])),
    ...liveSession(liveTurn(['llm_request', 'livekit', 'chat', 'priced', 300_500_000n, 1000, 600, 0, 65, 25])),
    ...liveSession([
      ['realtime_inference', 'livekit', 'generate_content', 'priced', 19_449_600_000n, 1000, 384, 0, 150, 0],
      ['agent_turn', 'livekit', 'invoke_agent', 'no_usage', null, ...NONE],
    ]),
  ],
  // Both calls of the first are counted on the span around its steps.
  'mastra-arize-1.3.8': [
    ...mastraStep('clerk', ['execute_tool weather']),
    ...mastraStep('clerk'),
    ['chat gpt-5-mini', 'mastra', 'agent_step', 'priced', 2n * GPT, 4000, 3072, 0, 300, 128],
    ['invoke_agent clerk', 'mastra', 'invoke_agent', 'no_usage', null, ...NONE],
    ...mastraStep('claude'),
    ['chat claude-sonnet-4-5', 'mastra', 'agent_step', 'priced', CLAUDE_5M, ...CLAUDE_TOKENS],
    ['invoke_agent claude', 'mastra', 'invoke_agent', 'no_usage', null, ...NONE],
  ],
  // At Vertex it costs as much as at Anthropic.
  'vercel-vertex-5.0.141': [
    ['chat claude-sonnet-4-5@20250929', 'vercel_ai', 'chat', 'priced', CLAUDE_5M, ...CLAUDE_TOKENS],
    ['step 1', 'vercel_ai', 'agent_step', 'no_usage', null, ...NONE],
    ['invoke_agent claude-sonnet-4-5@20250929', 'vercel_ai', 'invoke_agent', 'rollup', null, ...ROLLED],
  ],
  // Two calls, of whose input it knows what was not cached: 24 × 3 + 80 × 15. What the SDK says that they cost is beside that.
  'openinference-claude-agent-sdk-0.3.1': [
    ['Bash', 'openinference', 'execute_tool', 'no_usage', null, ...NONE],
    ['ClaudeAgent.query', 'openinference', 'invoke_agent', 'priced', 1_272_000_000n, 24, 0, 0, 80, 0],
  ],
  // Thoughts are beside the output; audio is in no count: 400 × 0.3 + 600 × 0.03 + (40 + 25) × 2.5.
  'openllmetry-google-generativeai-0.27.0': [
    [
      'generate_content gemini-2.5-flash',
      'openllmetry',
      'generate_content',
      'priced',
      300_500_000n,
      1000,
      600,
      0,
      65,
      25,
    ],
  ],
  'openlit-google-1.15.0': [['chat gemini-2.5-flash', 'openlit', 'chat', 'priced', 300_500_000n, 1000, 600, 0, 65, 25]],
  // Of the AI SDK 6, without what the provider said of lifetimes.
  'openllmetry-vercel-0.27.0': [
    ['chat gpt-5-mini', 'vercel_ai', 'chat', 'priced', GPT, ...GPT_TOKENS],
    ['chat gpt-5-mini', 'vercel_ai', 'invoke_agent', 'rollup', null, ...ROLLED],
    ['chat claude-sonnet-4-5', 'vercel_ai', 'chat', 'priced', CLAUDE_5M, ...CLAUDE_TOKENS],
    ['chat claude-sonnet-4-5', 'vercel_ai', 'invoke_agent', 'rollup', null, ...ROLLED],
  ],
  'promptfoo-0.123.1': [
    ['chat gpt-5-mini', 'promptfoo', 'chat', 'priced', GPT, ...GPT_TOKENS],
    ['chat claude-sonnet-4-5', 'promptfoo', 'chat', 'priced', CLAUDE_5M, ...CLAUDE_TOKENS],
  ],
  // Lifetimes of Anthropic's cache writes under names of its own; Gemini's thoughts in the run's total alone, beside the output.
  'langsmith-wrappers-0.12.0': [
    ['ChatAnthropic', 'langsmith', 'chat', 'priced', CLAUDE, ...CLAUDE_TOKENS],
    ['ChatGoogleGenerativeAI', 'langsmith', 'chat', 'priced', 300_500_000n, 1000, 600, 0, 65, 25],
    ['anthropic.messages', 'langsmith', 'chat', 'priced', CLAUDE, ...CLAUDE_TOKENS],
    ['anthropic.messages', 'langsmith', 'invoke_workflow', 'no_usage', null, ...NONE],
  ],
}

function liveTurn(call: Row): readonly Row[] {
  return [
    call,
    ['llm_node', 'livekit', 'agent_step', 'no_usage', null, ...NONE],
    ['agent_turn', 'livekit', 'invoke_agent', 'no_usage', null, ...NONE],
  ]
}

function liveSession(turn: readonly Row[]): readonly Row[] {
  return [
    ['start_agent_activity', 'livekit', 'create_agent', 'no_usage', null, ...NONE],
    ...turn,
    ['agent_session', 'livekit', 'invoke_workflow', 'no_usage', null, ...NONE],
  ]
}

/** A chunk for each tool that is asked for, whose run comes before the last chunk. */
function mastraStep(agent: string, tools: readonly string[] = []): readonly Row[] {
  const chunk: Row = [`model_chunk ${agent}`, 'mastra', 'model_chunk', 'no_usage', null, ...NONE]
  return [
    ...tools.flatMap((tool): Row[] => [chunk, [tool, 'mastra', 'execute_tool', 'no_usage', null, ...NONE]]),
    chunk,
    [`model_inference ${agent}`, 'mastra', 'chat', 'no_usage', null, ...NONE],
    [`model_step ${agent}`, 'mastra', 'agent_step', 'no_usage', null, ...NONE],
  ]
}

type Said = readonly [operation: string, status: string, cost: bigint | null, ...tokens: (number | null)[]]

function beeAiCall(path: string, nth: number, ...said: Said): readonly Row[] {
  return [
    [`${path}.start-${nth}`, 'beeai', 'agent_step', 'no_usage', null, ...NONE],
    [`${path}.success-${nth}`, 'beeai', ...said],
    [`${path}.finish-${nth}`, 'beeai', 'agent_step', 'no_usage', null, ...NONE],
  ]
}

function beeAiTool(path: string): readonly Row[] {
  return ['start', 'success', 'finish'].map((event) => [
    `${path}.${event}-1`,
    'beeai',
    'execute_tool',
    'no_usage',
    null,
    ...NONE,
  ])
}
