import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { decodeTracesJson } from '../otlp/decode-json.ts'
import type { Ledger } from '../spans/ledger.ts'
import { loadCatalogue } from './catalogue.ts'
import { createPricer } from './pricer.ts'

const FIXTURES = join(import.meta.dirname, '../../test/fixtures/emitters')
const pricer = createPricer({ catalogue: await loadCatalogue() })

/** name, dialect, operation, status, cost; then tokens: input, cache read, cache write, output, reasoning. */
type Row = readonly [string, string, string, string, bigint | null, ...(number | null)[]]

/*
 * The provider's own accounting (test/fixtures/emitters/provider.mjs) at its list prices in USD per million tokens:
 *   gpt-5-mini        464 × 0.25 + 1536 × 0.025 + 150 × 2                       = 0.0004544
 *   the same, where the emitter keeps the 1536 cached tokens to itself:
 *                    2000 × 0.25 + 150 × 2                                      = 0.0008
 *   claude-sonnet-4-5  12 × 3 + 1000 × 0.3 + 150 × 3.75 + 50 × 6 + 40 × 15      = 0.0017985
 *   the same, where all 200 cache writes look like those for five minutes:
 *                      12 × 3 + 1000 × 0.3 + 200 × 3.75 + 40 × 15               = 0.001686
 *   text-embedding-3-small  8 × 0.02                                            = 0.00000016
 */
const GPT = 454_400_000n
const GPT_UNCACHED = 800_000_000n
const CLAUDE = 1_798_500_000n
const CLAUDE_5M = 1_686_000_000n
const EMBEDDING = 160_000n
const NONE = [null, null, null, null, null] as const
const ROLLED = [0, 0, 0, 0, 0] as const

const vercel = (gpt: bigint, claude: bigint, gptTokens: readonly number[]): Row[] => [
  ['ai.generateText.doGenerate', 'vercel_ai', 'chat', 'priced', gpt, ...gptTokens],
  ['ai.toolCall', 'vercel_ai', 'execute_tool', 'no_usage', null, ...NONE],
  ['ai.generateText.doGenerate', 'vercel_ai', 'chat', 'priced', gpt, ...gptTokens],
  ['ai.generateText', 'vercel_ai', 'invoke_agent', 'rollup', null, ...ROLLED],
  ['ai.generateText.doGenerate', 'vercel_ai', 'chat', 'priced', claude, 1212, 1000, 200, 40, 0],
  ['ai.generateText', 'vercel_ai', 'invoke_agent', 'rollup', null, ...ROLLED],
  ['ai.embed.doEmbed', 'vercel_ai', 'embeddings', 'priced', EMBEDDING, 8, 0, 0, 0, 0],
  ['ai.embed', 'vercel_ai', 'invoke_agent', 'rollup', null, ...ROLLED],
]

const EXPECTED: Readonly<Record<string, readonly Row[]>> = {
  'opentelemetry-openai-0.22.0': [
    ['chat gpt-5-mini', 'opentelemetry', 'chat', 'priced', GPT_UNCACHED, 2000, 0, 0, 150, 0],
    ['embeddings text-embedding-3-small', 'opentelemetry', 'embeddings', 'no_usage', null, ...NONE],
  ],
  'openllmetry-openai-0.27.0': [['chat gpt-5-mini', 'openllmetry', 'chat', 'priced', GPT_UNCACHED, 2000, 0, 0, 150, 0]],
  'openllmetry-anthropic-0.27.0': [
    ['chat claude-sonnet-4-5', 'openllmetry', 'chat', 'priced', CLAUDE_5M, 1212, 1000, 200, 40, 0],
  ],
  'openinference-openai-4.2.7': [
    ['OpenAI Chat Completions', 'openinference', 'chat', 'priced', GPT, 2000, 1536, 0, 150, 64],
    ['OpenAI Embeddings', 'openinference', 'embeddings', 'no_usage', null, ...NONE],
  ],
  // Anthropic's SDK speaks for itself, within OpenInference's span: one call, two spans.
  'openinference-anthropic-0.2.8': [
    ['Anthropic Messages', 'openinference', 'chat', 'rollup', null, ...ROLLED],
    ['anthropic.messages.create', 'anthropic_sdk', 'chat', 'priced', CLAUDE, 1212, 1000, 200, 40, 0],
  ],
  'openinference-langchain-4.1.1': [
    ['RunnableLambda', 'openinference', 'invoke_workflow', 'no_usage', null, ...NONE],
    ['ChatOpenAI', 'openinference', 'chat', 'priced', GPT, 2000, 1536, 0, 150, 64],
    ['RunnableSequence', 'openinference', 'invoke_workflow', 'no_usage', null, ...NONE],
  ],
  'langsmith-0.10.5': [
    ['ChatOpenAI', 'langsmith', 'chat', 'priced', GPT, 2000, 1536, 0, 150, 64],
    ['agent', 'langsmith', 'invoke_workflow', 'no_usage', null, ...NONE],
  ],
  'vercel-ai-4.3.19': vercel(GPT, CLAUDE_5M, [2000, 1536, 0, 150, 64]),
  'vercel-ai-5.0.277': vercel(GPT_UNCACHED, CLAUDE, [2000, 0, 0, 150, 0]),
  'vercel-ai-6.0.326': vercel(GPT, CLAUDE, [2000, 1536, 0, 150, 64]),
  'vercel-ai-7.0.173': [
    ['chat gpt-5-mini', 'vercel_ai', 'chat', 'priced', GPT, 2000, 1536, 0, 150, 0],
    ['execute_tool weather', 'vercel_ai', 'execute_tool', 'no_usage', null, ...NONE],
    ['step 1', 'vercel_ai', 'agent_step', 'no_usage', null, ...NONE],
    ['chat gpt-5-mini', 'vercel_ai', 'chat', 'priced', GPT, 2000, 1536, 0, 150, 0],
    ['step 2', 'vercel_ai', 'agent_step', 'no_usage', null, ...NONE],
    ['invoke_agent gpt-5-mini', 'vercel_ai', 'invoke_agent', 'rollup', null, ...ROLLED],
    ['chat claude-sonnet-4-5', 'vercel_ai', 'chat', 'priced', CLAUDE_5M, 1212, 1000, 200, 40, 0],
    ['step 1', 'vercel_ai', 'agent_step', 'no_usage', null, ...NONE],
    ['invoke_agent claude-sonnet-4-5', 'vercel_ai', 'invoke_agent', 'rollup', null, ...ROLLED],
    ['embeddings text-embedding-3-small', 'vercel_ai', 'embeddings', 'priced', EMBEDDING, 8, 0, 0, 0, 0],
    ['embeddings text-embedding-3-small', 'vercel_ai', 'embeddings', 'no_usage', null, ...NONE],
  ],
}

function price(fixture: string) {
  const { spans, rejected } = decodeTracesJson(readFileSync(join(FIXTURES, `${fixture}.json`)))
  expect(rejected.size).toBe(0)
  return { spans, ledgers: pricer.price(spans, { project: 'p' }) }
}

const row = (name: string, ledger: Ledger): Row => [
  name,
  ledger.dialect,
  ledger.operation,
  ledger.costStatus,
  ledger.costPicoUsd,
  ledger.inputTokens,
  ledger.cacheReadTokens,
  ledger.cacheWriteTokens,
  ledger.outputTokens,
  ledger.reasoningTokens,
]

test('every recorded emitter has its expected usage', () => {
  const recorded = readdirSync(FIXTURES).filter((file) => /\d\.json$/.test(file))
  expect(recorded.map((file) => file.replace('.json', '')).toSorted()).toStrictEqual(Object.keys(EXPECTED).toSorted())
})

test.each(Object.entries(EXPECTED))('%s', (fixture, expected) => {
  const { spans, ledgers } = price(fixture)
  expect(spans.map(({ name }, index) => row(name, ledgers[index]!))).toStrictEqual(expected)
})

test('user and session come from where each emitter puts them', () => {
  const subjects = (fixture: string, span: number) => {
    const { userId, sessionId } = price(fixture).ledgers[span]!
    return [userId, sessionId]
  }
  expect(subjects('vercel-ai-6.0.326', 0)).toStrictEqual(['u-1', 's-1'])
  expect(subjects('langsmith-0.10.5', 0)).toStrictEqual(['u-1', 't-1'])
  expect(subjects('openinference-langchain-4.1.1', 1)).toStrictEqual(['u-1', 't-1'])
})

test('tool and agent names come with their spans', () => {
  const { ledgers } = price('vercel-ai-7.0.173')
  expect(ledgers[1]!.toolName).toBe('weather')
  expect(ledgers[5]!.agentName).toBe('weather')
})
