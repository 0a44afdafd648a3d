import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import {
  BEDROCK_CLAUDE,
  CLAUDE,
  CLAUDE_5M,
  CLAUDE_TOKENS,
  EMBEDDING,
  FIXTURES,
  fixtureRows,
  GEMINI,
  GEMINI_TEXT,
  GPT,
  GPT_TOKENS,
  GPT_UNCACHED,
  NONE,
  priceFixture,
  README,
  ROLLED,
  type Row,
} from './test-emitters.ts'
import { KITS, LANGCHAIN, MONITORS } from './test-emitters-kits.ts'

/** Real SDKs, run by test/fixtures/emitters/record.mjs. */
const vercel = (gpt: bigint, claude: bigint, gptTokens: readonly number[]): Row[] => [
  ['ai.generateText.doGenerate', 'vercel_ai', 'chat', 'priced', gpt, ...gptTokens],
  ['ai.toolCall', 'vercel_ai', 'execute_tool', 'no_usage', null, ...NONE],
  ['ai.generateText.doGenerate', 'vercel_ai', 'chat', 'priced', gpt, ...gptTokens],
  ['ai.generateText', 'vercel_ai', 'invoke_agent', 'rollup', null, ...ROLLED],
  ['ai.generateText.doGenerate', 'vercel_ai', 'chat', 'priced', claude, ...CLAUDE_TOKENS],
  ['ai.generateText', 'vercel_ai', 'invoke_agent', 'rollup', null, ...ROLLED],
  ['ai.embed.doEmbed', 'vercel_ai', 'embeddings', 'priced', EMBEDDING, 8, 0, 0, 0, 0],
  ['ai.embed', 'vercel_ai', 'invoke_agent', 'rollup', null, ...ROLLED],
]

/** One call; the last of the versions is that of release 7 of the AI SDK, whose spans are OpenTelemetry's. */
function vercelCloud(cloud: string, model: string, versions: Readonly<Record<string, readonly [bigint, ...number[]]>>) {
  const rows = Object.entries(versions).map(([version, [cost, ...tokens]], index, { length }): [string, Row[]] => {
    const [call, agent] =
      index < length - 1
        ? ['ai.generateText.doGenerate', 'ai.generateText']
        : [`chat ${model}`, `invoke_agent ${model}`]
    const step: Row[] = index < length - 1 ? [] : [['step 1', 'vercel_ai', 'agent_step', 'no_usage', null, ...NONE]]
    return [
      `vercel-${cloud}-${version}`,
      [
        [call!, 'vercel_ai', 'chat', 'priced', cost, ...tokens],
        ...step,
        [agent!, 'vercel_ai', 'invoke_agent', 'rollup', null, ...ROLLED],
      ],
    ]
  })
  return Object.fromEntries(rows)
}

const vercelCall = (cost: bigint, ...tokens: readonly number[]): Row[] => [
  ['ai.generateText.doGenerate', 'vercel_ai', 'chat', 'priced', cost, ...tokens],
  ['ai.generateText', 'vercel_ai', 'invoke_agent', 'rollup', null, ...ROLLED],
]

/** As {@link BEDROCK_CLAUDE}, with what is written for an hour: 50 × 6.6 of 1,000,000 units. */
const BEDROCK_CLAUDE_HOUR =
  12n * 3_300_000n + 1000n * 330_000n + 150n * 4_125_000n + 50n * 6_600_000n + 40n * 16_500_000n

const EXPECTED: Readonly<Record<string, readonly Row[]>> = {
  'opentelemetry-openai-0.22.0': [
    ['chat gpt-5-mini', 'opentelemetry', 'chat', 'priced', GPT_UNCACHED, 2000, 0, 0, 150, 0],
    ['embeddings text-embedding-3-small', 'opentelemetry', 'embeddings', 'no_usage', null, ...NONE],
  ],
  'openllmetry-openai-0.27.0': [['chat gpt-5-mini', 'openllmetry', 'chat', 'priced', GPT_UNCACHED, 2000, 0, 0, 150, 0]],
  'openllmetry-anthropic-0.27.0': [
    ['chat claude-sonnet-4-5', 'openllmetry', 'chat', 'priced', CLAUDE_5M, ...CLAUDE_TOKENS],
  ],
  'openinference-openai-4.2.7': [
    ['OpenAI Chat Completions', 'openinference', 'chat', 'priced', GPT, ...GPT_TOKENS],
    ['OpenAI Embeddings', 'openinference', 'embeddings', 'no_usage', null, ...NONE],
  ],
  // Anthropic's SDK speaks for itself, within OpenInference's span: one call, two spans.
  'openinference-anthropic-0.2.8': [
    ['Anthropic Messages', 'openinference', 'chat', 'rollup', null, ...ROLLED],
    ['anthropic.messages.create', 'anthropic_sdk', 'chat', 'priced', CLAUDE, ...CLAUDE_TOKENS],
  ],
  'openinference-langchain-4.1.1': [
    ['RunnableLambda', 'openinference', 'invoke_workflow', 'no_usage', null, ...NONE],
    ['ChatOpenAI', 'openinference', 'chat', 'priced', GPT, ...GPT_TOKENS],
    ['RunnableSequence', 'openinference', 'invoke_workflow', 'no_usage', null, ...NONE],
  ],
  'langsmith-0.12.0': [
    ['ChatOpenAI', 'langsmith', 'chat', 'priced', GPT, ...GPT_TOKENS],
    ['agent', 'langsmith', 'invoke_workflow', 'no_usage', null, ...NONE],
  ],
  // Cached tokens are in no count of it.
  'openllmetry-llamaindex-0.27.0': [
    ['base_embedding.get_query_embedding', 'openllmetry', 'invoke_workflow', 'no_usage', null, ...NONE],
    ['vector_index_retriever.retrieve', 'openllmetry', 'invoke_workflow', 'no_usage', null, ...NONE],
    ['retriever_query_engine.retrieve', 'openllmetry', 'invoke_workflow', 'no_usage', null, ...NONE],
    ['chat gpt-5-mini', 'openllmetry', 'chat', 'priced', GPT_UNCACHED, 2000, 0, 0, 150, 0],
    ['compact_and_refine.synthesize', 'openllmetry', 'invoke_workflow', 'no_usage', null, ...NONE],
    ['retriever_query_engine.query', 'openllmetry', 'invoke_workflow', 'no_usage', null, ...NONE],
  ],
  'openllmetry-langchain-0.27.0': [
    ['workflow RunnableLambda', 'openllmetry', 'invoke_workflow', 'no_usage', null, ...NONE],
    ['chat gpt-5-mini', 'openllmetry', 'chat', 'priced', GPT_UNCACHED, 2000, 0, 0, 150, 0],
    ['workflow RunnableSequence', 'openllmetry', 'invoke_workflow', 'no_usage', null, ...NONE],
  ],
  // Neither package says what was cached of InvokeModel: 12 × 3.3 + 40 × 16.5. Of Converse it says nothing at all.
  'openllmetry-bedrock-0.27.0': [
    ['chat claude-sonnet-4-5-20250929-v1:0', 'openllmetry', 'chat', 'priced', 699_600_000n, 12, 0, 0, 40, 0],
    ['bedrock.completion', 'openllmetry', '', 'no_usage', null, ...NONE],
  ],
  // 25 thoughts are in the total alone.
  'openllmetry-vertexai-0.27.0': [
    ['vertexai.completion', 'openllmetry', 'text_completion', 'priced', GEMINI_TEXT, 1000, 0, 0, 65, 25],
  ],
  // Its counts leave out what was cached, or say nothing of it; the response says it all. Regionally Bedrock takes
  // 12 × 3.3 + 1000 × 0.33 + 200 × 4.125 + 40 × 16.5; what an hour costs there is not in the catalogue.
  'openinference-bedrock-0.5.1': [
    ['bedrock.invoke_model', 'openinference', 'chat', 'priced', BEDROCK_CLAUDE_HOUR, ...CLAUDE_TOKENS],
    ['bedrock.converse', 'openinference', 'chat', 'priced', BEDROCK_CLAUDE, ...CLAUDE_TOKENS],
  ],
  'openinference-openai-agents-0.2.15': [
    ['generation', 'openinference', 'chat', 'priced', GPT, ...GPT_TOKENS],
    ['weather', 'openinference', 'execute_tool', 'no_usage', null, ...NONE],
    ['turn', 'openinference', 'invoke_workflow', 'no_usage', null, ...NONE],
    ['generation', 'openinference', 'chat', 'priced', GPT, ...GPT_TOKENS],
    ['turn', 'openinference', 'invoke_workflow', 'no_usage', null, ...NONE],
    ['clerk', 'openinference', 'invoke_agent', 'no_usage', null, ...NONE],
    ['Agent workflow', 'openinference', 'invoke_workflow', 'no_usage', null, ...NONE],
    ['Agent workflow', 'openinference', 'invoke_agent', 'no_usage', null, ...NONE],
  ],
  ...KITS,
  // Cached tokens, thoughts and audio are in the attached response alone.
  'google-adk-2.0.0': [
    ['execute_tool weather', 'google_adk', 'execute_tool', 'no_usage', null, ...NONE],
    ['call_llm', 'google_adk', 'chat', 'priced', GEMINI, 1000, 600, 0, 65, 25],
    ['call_llm', 'google_adk', 'chat', 'priced', GEMINI, 1000, 600, 0, 65, 25],
    ['invoke_agent clerk', 'google_adk', 'invoke_agent', 'no_usage', null, ...NONE],
    ['invocation', 'google_adk', '', 'no_usage', null, ...NONE],
  ],
  // Release 4 of the AI SDK leaves out everything but prompt and candidates: 1000 × 0.3 + 40 × 2.5. Release 7 leaves out
  // what is audio: 400 × 0.3 + 600 × 0.03 + 65 × 2.5.
  ...vercelCloud('google', 'gemini-2.5-flash', {
    '1.2.22': [400_000_000n, 1000, 0, 0, 40, 0],
    '2.0.108': [GEMINI, 1000, 600, 0, 65, 25],
    '3.0.141': [GEMINI, 1000, 600, 0, 65, 25],
    '4.0.121': [300_500_000n, 1000, 600, 0, 65, 0],
  }),
  // Release 5 says nothing of what was read: 12 × 3.3 + 200 × 4.125 + 40 × 16.5.
  ...vercelCloud('bedrock', 'anthropic.claude-sonnet-4-5-20250929-v1:0', {
    '2.2.12': [BEDROCK_CLAUDE, ...CLAUDE_TOKENS],
    '3.0.137': [1_524_600_000n, 212, 0, 200, 40, 0],
    '4.0.186': [BEDROCK_CLAUDE, ...CLAUDE_TOKENS],
    '5.0.101': [BEDROCK_CLAUDE, ...CLAUDE_TOKENS],
  }),
  // Under the AI SDK 4 and 5: 464 × 0.55 + 1536 × 0.14 + 150 × 2.19.
  'vercel-deepseek-0.2.16': vercelCall(798_740_000n, 2000, 1536, 0, 150, 64),
  'vercel-deepseek-1.0.60': vercelCall(798_740_000n, 2000, 1536, 0, 150, 0),
  // Under the AI SDK 4, thoughts are beside the output: 464 × 3 + 1536 × 0.75 + (150 + 64) × 15.
  'vercel-xai-1.2.18': vercelCall(5_754_000_000n, 2000, 1536, 0, 214, 64),
  'openrouter-vercel-2.10.0': [
    ['ai.generateText.doGenerate', 'vercel_ai', 'chat', 'priced', GPT, ...GPT_TOKENS],
    ['ai.generateText', 'vercel_ai', 'invoke_agent', 'rollup', null, ...ROLLED],
  ],
  'openrouter-vercel-3.1.0': [
    ['chat openai/gpt-5-mini', 'vercel_ai', 'chat', 'priced', GPT, 2000, 1536, 0, 150, 0],
    ['step 1', 'vercel_ai', 'agent_step', 'no_usage', null, ...NONE],
    ['invoke_agent openai/gpt-5-mini', 'vercel_ai', 'invoke_agent', 'rollup', null, ...ROLLED],
  ],
  // Every token has one key: 464 are `input`, 86 `output`.
  'langfuse-5.11.1': [
    ['OpenAI.chat', 'langfuse', 'chat', 'priced', GPT, ...GPT_TOKENS],
    ['clerk', 'langfuse', 'invoke_agent', 'no_usage', null, ...NONE],
  ],
  'mastra-1.4.0': [
    ['model_chunk clerk', 'mastra', 'model_chunk', 'no_usage', null, ...NONE],
    ['execute_tool weather', 'mastra', 'execute_tool', 'no_usage', null, ...NONE],
    ['model_chunk clerk', 'mastra', 'model_chunk', 'no_usage', null, ...NONE],
    ['chat gpt-5-mini', 'mastra', 'chat', 'priced', GPT, ...GPT_TOKENS],
    ['agent_step clerk', 'mastra', 'agent_step', 'no_usage', null, ...NONE],
    ['model_chunk clerk', 'mastra', 'model_chunk', 'no_usage', null, ...NONE],
    ['chat gpt-5-mini', 'mastra', 'chat', 'priced', GPT, ...GPT_TOKENS],
    ['agent_step clerk', 'mastra', 'agent_step', 'no_usage', null, ...NONE],
    ['model_generation gpt-5-mini', 'mastra', 'agent_step', 'no_usage', null, ...NONE],
    ['invoke_agent clerk', 'mastra', 'invoke_agent', 'no_usage', null, ...NONE],
    ['model_chunk claude', 'mastra', 'model_chunk', 'no_usage', null, ...NONE],
    ['chat claude-sonnet-4-5', 'mastra', 'chat', 'priced', CLAUDE_5M, ...CLAUDE_TOKENS],
    ['agent_step claude', 'mastra', 'agent_step', 'no_usage', null, ...NONE],
    ['model_generation claude-sonnet-4-5', 'mastra', 'agent_step', 'no_usage', null, ...NONE],
    ['invoke_agent claude', 'mastra', 'invoke_agent', 'no_usage', null, ...NONE],
  ],
  // What was written for an hour looks like what was written for five minutes.
  'claude-code-2.1.330': [
    ['claude_code.tool.blocked_on_user', 'claude_code', '', 'no_usage', null, ...NONE],
    ['claude_code.llm_request', 'claude_code', 'chat', 'priced', CLAUDE_5M, ...CLAUDE_TOKENS],
    ['claude_code.tool.execution', 'claude_code', '', 'no_usage', null, ...NONE],
    ['claude_code.tool', 'claude_code', 'execute_tool', 'no_usage', null, ...NONE],
    ['claude_code.llm_request', 'claude_code', 'chat', 'priced', CLAUDE_5M, ...CLAUDE_TOKENS],
    ['claude_code.interaction', 'claude_code', 'invoke_agent', 'no_usage', null, ...NONE],
  ],
  // The agent that was started answered once, within a call of a tool of the turn of three calls that started it.
  'codex-0.169.0': [
    ['handle_responses', 'codex', '', 'no_usage', null, ...NONE],
    ['multi_agent_v1spawn_agent', 'codex', 'execute_tool', 'no_usage', null, ...NONE],
    ['handle_responses', 'codex', '', 'no_usage', null, ...NONE],
    ['handle_responses', 'codex', '', 'no_usage', null, ...NONE],
    ['session_task.turn', 'codex', 'chat', 'priced', GPT, ...GPT_TOKENS],
    ['handle_responses', 'codex', '', 'no_usage', null, ...NONE],
    ['session_task.turn', 'codex', 'chat', 'priced', 3n * GPT, 6000, 4608, 0, 450, 192],
  ],
  // Thoughts and cached tokens are nowhere: 1000 × 0.3 + 40 × 2.5.
  'gemini-cli-0.61.0': [['llm_call', 'opentelemetry', 'chat', 'priced', 400_000_000n, 1000, 0, 0, 40, 0]],
  // It ends before it has exported more than how it named its session.
  'opencode-1.18.33': [
    ['ai.streamText.doStream', 'vercel_ai', 'chat', 'priced', CLAUDE, ...CLAUDE_TOKENS],
    ['ai.streamText', 'vercel_ai', 'invoke_agent', 'rollup', null, ...ROLLED],
  ],
  'copilot-cli-1.0.102': [
    ['chat claude-sonnet-4-5', 'opentelemetry', 'chat', 'priced', CLAUDE_5M, ...CLAUDE_TOKENS],
    ['invoke_agent', 'opentelemetry', 'invoke_agent', 'rollup', null, ...ROLLED],
  ],
  'genkit-1.42.0': [
    ['googleai/gemini-2.5-flash', 'genkit', 'chat', 'priced', GEMINI, 1000, 600, 0, 65, 25],
    ['weather', 'genkit', 'execute_tool', 'no_usage', null, ...NONE],
    ['googleai/gemini-2.5-flash', 'genkit', 'chat', 'priced', GEMINI, 1000, 600, 0, 65, 25],
    ['generate', 'genkit', 'invoke_workflow', 'no_usage', null, ...NONE],
    ['generate', 'genkit', 'invoke_workflow', 'no_usage', null, ...NONE],
    ['openai/gpt-5-mini', 'genkit', 'chat', 'priced', GPT, ...GPT_TOKENS],
    ['generate', 'genkit', 'invoke_workflow', 'no_usage', null, ...NONE],
    ['anthropic/claude-sonnet-4-5', 'genkit', 'chat', 'priced', CLAUDE, ...CLAUDE_TOKENS],
    ['generate', 'genkit', 'invoke_workflow', 'no_usage', null, ...NONE],
    ['openai/text-embedding-3-small', 'genkit', 'embeddings', 'no_usage', null, ...NONE],
    ['clerk', 'genkit', 'invoke_workflow', 'no_usage', null, ...NONE],
  ],
  'tanstack-ai-0.58.0': [
    ['execute_tool weather', 'tanstack_ai', 'execute_tool', 'no_usage', null, ...NONE],
    ['chat gpt-5-mini #0', 'tanstack_ai', 'chat', 'priced', GPT, ...GPT_TOKENS],
    ['chat gpt-5-mini #1', 'tanstack_ai', 'chat', 'priced', GPT, ...GPT_TOKENS],
    ['chat gpt-5-mini', 'tanstack_ai', 'invoke_agent', 'rollup', null, ...ROLLED],
    ['chat claude-sonnet-4-5 #0', 'tanstack_ai', 'chat', 'priced', CLAUDE_5M, ...CLAUDE_TOKENS],
    ['chat claude-sonnet-4-5', 'tanstack_ai', 'invoke_agent', 'rollup', null, ...ROLLED],
  ],
  // Anthropic's SDK reports its call once more, in a trace of its own.
  'strands-1.19.0': [
    ['chat', 'strands', 'chat', 'priced', GPT, 2000, 1536, 0, 150, 0],
    ['execute_tool weather', 'strands', 'execute_tool', 'no_usage', null, ...NONE],
    ['execute_agent_loop_cycle', 'strands', '', 'no_usage', null, ...NONE],
    ['chat', 'strands', 'chat', 'priced', GPT, 2000, 1536, 0, 150, 0],
    ['execute_agent_loop_cycle', 'strands', '', 'no_usage', null, ...NONE],
    ['invoke_agent clerk', 'strands', 'invoke_agent', 'rollup', null, ...ROLLED],
    ['chat', 'strands', 'chat', 'priced', CLAUDE_5M, ...CLAUDE_TOKENS],
    ['execute_agent_loop_cycle', 'strands', '', 'no_usage', null, ...NONE],
    ['invoke_agent claude', 'strands', 'invoke_agent', 'rollup', null, ...ROLLED],
    ['anthropic.messages.create', 'anthropic_sdk', 'chat', 'priced', CLAUDE, ...CLAUDE_TOKENS],
  ],
  // Of two calls the model's span has the last alone, the agent's both, less those of whom it hands over to. Cache writes
  // are nowhere: 212 × 3 + 1000 × 0.3 + 40 × 15.
  'voltagent-2.10.0': [
    ['memory.read', 'voltagent', 'memory', 'no_usage', null, ...NONE],
    ['tool.execution:weather', 'voltagent', 'execute_tool', 'no_usage', null, ...NONE],
    ['llm:generateText', 'voltagent', 'chat', 'priced', GPT, ...GPT_TOKENS],
    ['clerk', 'voltagent', 'chat', 'priced', GPT, ...GPT_TOKENS],
    ['memory.read', 'voltagent', 'memory', 'no_usage', null, ...NONE],
    ['llm:generateText', 'voltagent', 'chat', 'priced', 1_536_000_000n, 1212, 1000, 0, 40, 0],
    ['claude', 'voltagent', 'chat', 'rollup', null, ...ROLLED],
    ['memory.read', 'voltagent', 'memory', 'no_usage', null, ...NONE],
    ['memory.read', 'voltagent', 'memory', 'no_usage', null, ...NONE],
    ['tool.execution:weather', 'voltagent', 'execute_tool', 'no_usage', null, ...NONE],
    ['llm:streamText', 'voltagent', 'chat', 'priced', GPT, ...GPT_TOKENS],
    ['subagent:clerk', 'voltagent', 'chat', 'priced', GPT, ...GPT_TOKENS],
    ['tool.execution:delegate_task', 'voltagent', 'execute_tool', 'no_usage', null, ...NONE],
    ['llm:generateText', 'voltagent', 'chat', 'priced', GPT, ...GPT_TOKENS],
    ['head', 'voltagent', 'chat', 'priced', GPT, ...GPT_TOKENS],
  ],
  // Audio is in no count of it: 400 × 0.3 + 600 × 0.03 + 65 × 2.5.
  'laminar-0.8.46': [
    ['chat gpt-5-mini', 'openllmetry', 'chat', 'priced', GPT_UNCACHED, 2000, 0, 0, 150, 0],
    ['gemini.generate_content', 'laminar', 'chat', 'priced', 300_500_000n, 1000, 600, 0, 65, 25],
  ],
  'openlit-1.15.0': [
    ['chat gpt-5-mini', 'openlit', 'chat', 'priced', GPT, 2000, 1536, 0, 150, 0],
    ['chat claude-sonnet-4-5', 'openlit', 'chat', 'priced', CLAUDE_5M, ...CLAUDE_TOKENS],
  ],
  'langwatch-0.16.1': [
    ['llm', 'langwatch', 'chat', 'priced', GPT_UNCACHED, 2000, 0, 0, 150, 0],
    ['clerk', 'langwatch', 'invoke_agent', 'no_usage', null, ...NONE],
  ],
  ...LANGCHAIN,
  ...MONITORS,
  'vercel-ai-4.3.19': vercel(GPT, CLAUDE_5M, GPT_TOKENS),
  'vercel-ai-5.0.277': vercel(GPT_UNCACHED, CLAUDE, [2000, 0, 0, 150, 0]),
  'vercel-ai-6.0.326': vercel(GPT, CLAUDE, GPT_TOKENS),
  'vercel-ai-7.0.173': [
    ['chat gpt-5-mini', 'vercel_ai', 'chat', 'priced', GPT, 2000, 1536, 0, 150, 0],
    ['execute_tool weather', 'vercel_ai', 'execute_tool', 'no_usage', null, ...NONE],
    ['step 1', 'vercel_ai', 'agent_step', 'no_usage', null, ...NONE],
    ['chat gpt-5-mini', 'vercel_ai', 'chat', 'priced', GPT, 2000, 1536, 0, 150, 0],
    ['step 2', 'vercel_ai', 'agent_step', 'no_usage', null, ...NONE],
    ['invoke_agent gpt-5-mini', 'vercel_ai', 'invoke_agent', 'rollup', null, ...ROLLED],
    ['chat claude-sonnet-4-5', 'vercel_ai', 'chat', 'priced', CLAUDE_5M, ...CLAUDE_TOKENS],
    ['step 1', 'vercel_ai', 'agent_step', 'no_usage', null, ...NONE],
    ['invoke_agent claude-sonnet-4-5', 'vercel_ai', 'invoke_agent', 'rollup', null, ...ROLLED],
    ['embeddings text-embedding-3-small', 'vercel_ai', 'embeddings', 'priced', EMBEDDING, 8, 0, 0, 0, 0],
    ['embeddings text-embedding-3-small', 'vercel_ai', 'embeddings', 'no_usage', null, ...NONE],
  ],
}

test('every recorded emitter has its expected usage', () => {
  const recorded = readdirSync(FIXTURES).filter((file) => /\d\.json$/.test(file))
  expect(recorded.map((file) => file.replace('.json', '')).toSorted()).toStrictEqual(Object.keys(EXPECTED).toSorted())
  for (const fixture of Object.keys(EXPECTED)) expect(README).toContain(`\`${fixture}\``)
})

test.each(Object.entries(EXPECTED))('%s', (fixture, expected) => {
  expect(fixtureRows(join(FIXTURES, `${fixture}.json`))).toStrictEqual(expected)
})

const price = (fixture: string) => priceFixture(join(FIXTURES, `${fixture}.json`))

test('user and session come from where each emitter puts them', () => {
  const subjects = (fixture: string, span: number) => {
    const { userId, sessionId } = price(fixture).ledgers[span]!
    return [userId, sessionId]
  }
  expect(subjects('vercel-ai-6.0.326', 0)).toStrictEqual(['u-1', 's-1'])
  expect(subjects('langsmith-0.12.0', 0)).toStrictEqual(['u-1', 't-1'])
  expect(subjects('openinference-langchain-4.1.1', 1)).toStrictEqual(['u-1', 't-1'])
  expect(subjects('langfuse-5.11.1', 0)).toStrictEqual(['u-1', 's-1'])
  expect(subjects('google-adk-2.0.0', 1)).toStrictEqual(['', 's-1'])
  expect(subjects('langwatch-0.16.1', 1)).toStrictEqual(['u-1', 't-1'])
  expect(subjects('laminar-0.8.46', 0)).toStrictEqual(['u-1', 's-1'])
  expect(subjects('voltagent-2.10.0', 3)).toStrictEqual(['u-1', 'c-1'])
  expect(subjects('langchain-microsoft-1.4.0', 0)).toStrictEqual(['', 's-1'])
  expect(subjects('langchain-langsmith-0.12.0', 0)).toStrictEqual(['u-1', 't-1'])
  expect(subjects('sentry-10.78.0', 0)).toStrictEqual(['', 'c-1'])
  expect(subjects('n8n-agents-0.26.1', 0)).toStrictEqual(['u-1', 't-1'])
})

test.each([
  ['vercel-ai-7.0.173', 1, 5, 'weather'],
  ['google-adk-2.0.0', 0, 1, 'clerk'],
  ['openinference-openai-agents-0.2.15', 1, 5, 'clerk'],
  ['mastra-1.4.0', 1, 3, 'clerk'],
  ['voltagent-2.10.0', 1, 3, 'clerk'],
  ['strands-1.19.0', 1, 5, 'clerk'],
])('tool and agent names come with their spans: %s', (fixture, tool, agent, name) => {
  const { ledgers } = price(fixture)
  expect([ledgers[tool]!.toolName, ledgers[agent]!.agentName]).toStrictEqual(['weather', name])
})

test('what the Claude Agent SDK says that its calls cost has what its counts leave out', () => {
  const { ledgers } = price('openinference-claude-agent-sdk-0.3.1')
  expect(ledgers.map(({ reportedCostPicoUsd }) => reportedCostPicoUsd)).toStrictEqual([null, 2n * CLAUDE])
})

test('what OpenRouter charged is kept beside our figure, once', () => {
  const { ledgers } = price('openrouter-vercel-2.10.0')
  expect(ledgers.map(({ reportedCostPicoUsd }) => reportedCostPicoUsd)).toStrictEqual([GPT, null])
})
