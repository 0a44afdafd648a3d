import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { decodeTracesJson } from '../otlp/decode-json.ts'
import { readConversation } from './conversation.ts'
import type { Message } from './messages/message.ts'

/*
 * What test/fixtures/emitters/record.mjs has every emitter ask and test/fixtures/emitters/provider.mjs answer: "Hello?",
 * "Hello."; where there is a tool, first a call of it, whose result is then sent back.
 */
const FIXTURES = join(import.meta.dirname, '../../test/fixtures/emitters')

const text = (role: string, content: string, reason?: string): Message => ({
  role,
  parts: [{ type: 'text', content }],
  ...(reason !== undefined && { finish_reason: reason }),
})
const CALL = { type: 'tool_call', id: 'call_1', name: 'weather', arguments: { city: 'Bern' } }
const RESPONSE = { type: 'tool_call_response', id: 'call_1', response: { degrees: 21 } }
const asked = text('user', 'Hello?')
const answered = text('assistant', 'Hello.')
const answeredAndSaid = text('assistant', 'Hello.', 'stop')
const called: Message = { role: 'assistant', parts: [CALL] }
const calledAndSaid: Message = { ...called, finish_reason: 'tool_call' }
const returned: Message = { role: 'tool', parts: [RESPONSE] }

interface Row {
  readonly span: string
  readonly id?: string
  readonly reasons?: readonly string[]
  readonly input?: readonly Message[]
  readonly output?: readonly Message[]
}

const plain = { input: [asked], output: [answered], reasons: ['stop'] }
const plainAndSaid = { input: [asked], output: [answeredAndSaid], reasons: ['stop'] }

const VERCEL: readonly Row[] = [
  { span: 'ai.generateText.doGenerate', input: [asked], output: [called], reasons: ['tool_call'] },
  { span: 'ai.toolCall' },
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
  'langsmith-0.10.5': [
    { span: 'ChatOpenAI', id: 't-1', ...plainAndSaid },
    { span: 'agent', id: 't-1', output: [answeredAndSaid], reasons: ['stop'] },
  ],
  'vercel-ai-4.3.19': VERCEL,
  'vercel-ai-5.0.277': VERCEL,
  'vercel-ai-6.0.326': VERCEL,
  'vercel-ai-7.0.173': [
    { span: 'chat gpt-5-mini', input: [asked], output: [calledAndSaid], reasons: ['tool_call'] },
    { span: 'execute_tool weather' },
    { span: 'step 1' },
    { span: 'chat gpt-5-mini', input: [asked, called, returned], output: [answeredAndSaid], reasons: ['stop'] },
    { span: 'step 2' },
    {
      span: 'invoke_agent gpt-5-mini',
      input: [asked],
      output: [{ ...answeredAndSaid, parts: [...answered.parts, CALL, RESPONSE] }],
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
  const { spans } = decodeTracesJson(readFileSync(join(FIXTURES, `${fixture}.json`)))
  const said = spans.map((span) => ({ span: span.name, ...readConversation(span) }))
  expect(said).toStrictEqual(
    rows.map(({ span, id = '', reasons = [], input = [], output = [] }) => ({
      span,
      conversationId: id,
      finishReasons: reasons,
      inputMessages: input,
      outputMessages: output,
    })),
  )
})

test('without messages, finish reasons and conversation are the same', () => {
  for (const fixture of Object.keys(EXPECTED)) {
    for (const span of decodeTracesJson(readFileSync(join(FIXTURES, `${fixture}.json`))).spans) {
      const whole = readConversation(span)
      const brief = readConversation(span, { messages: false })
      expect(brief).toStrictEqual({ ...whole, inputMessages: [], outputMessages: [] })
    }
  }
})
