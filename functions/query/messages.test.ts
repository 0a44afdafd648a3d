import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { decodeTracesJson } from '../../shared/otlp/decode-json.ts'
import { loadCatalogue } from '../../shared/pricing/catalogue.ts'
import { createPricer } from '../../shared/pricing/pricer.ts'
import { openTestApp, sampleSpan, spanIdOf, traceIdOf } from './test-app.ts'

interface Answer {
  readonly spans: readonly Record<string, unknown>[]
}

const FIXTURE = join(import.meta.dirname, '../../test/fixtures/emitters/vercel-ai-6.0.326.json')
const { spans } = decodeTracesJson(readFileSync(FIXTURE))
const agent = spans.find(({ name }) => name === 'ai.generateText')!

let app: Awaited<ReturnType<typeof openTestApp>>
beforeAll(async () => {
  const pricer = createPricer({ catalogue: await loadCatalogue() })
  const ledgers = pricer.price(spans, { project: 'acme' })
  app = await openTestApp({
    acme: [
      ...spans.map((span, index) => ({ span, ledger: ledgers[index]! })),
      sampleSpan({ traceId: agent.traceId, spanId: spanIdOf(7), name: 'GET /' }),
      sampleSpan({
        traceId: traceIdOf(2),
        attributes: new Map([
          ['gen_ai.operation.name', 'chat'],
          ['gen_ai.conversation.id', 'conv-1'],
        ]),
        events: [
          {
            timeUnixNano: 0n,
            name: 'gen_ai.user.message',
            attributes: new Map([['content', 'Hi']]),
            droppedAttributesCount: 0,
          },
        ],
      }),
    ],
  })
})
afterAll(() => app.reader.close())

test('a trace shows what was said where asked, of GenAI spans alone, as it came through the store', async () => {
  const answer = await app.get<Answer>(`/ledger/v1/traces/${agent.traceId}?include=messages`)
  const calls = answer.spans.filter(({ name }) => name === 'ai.generateText.doGenerate')
  expect(calls.map(({ finishReasons }) => finishReasons)).toStrictEqual([['tool_call'], ['stop']])
  const call = { type: 'tool_call', id: 'call_1', name: 'weather', arguments: { city: 'Bern' } }
  expect(calls[1]?.messages).toStrictEqual({
    input: [
      { role: 'user', parts: [{ type: 'text', content: 'Hello?' }] },
      { role: 'assistant', parts: [call] },
      { role: 'tool', parts: [{ type: 'tool_call_response', id: 'call_1', response: { degrees: 21 } }] },
    ],
    output: [{ role: 'assistant', parts: [{ type: 'text', content: 'Hello.' }] }],
  })
  const other = answer.spans.find(({ name }) => name === 'GET /')
  expect(other).toMatchObject({ conversationId: '', finishReasons: [] })
  expect(other).not.toHaveProperty('messages')
})

test('events are read as attributes are', async () => {
  const [span] = (await app.get<Answer>(`/ledger/v1/traces/${traceIdOf(2)}?include=messages`)).spans
  expect(span).toMatchObject({
    conversationId: 'conv-1',
    messages: { input: [{ role: 'user', parts: [{ type: 'text', content: 'Hi' }] }], output: [] },
  })
})

test('without being asked it shows none, but how each call ended; so do lists of spans', async () => {
  for (const path of [`/ledger/v1/traces/${agent.traceId}`, `/ledger/v1/spans?traceId=${agent.traceId}`]) {
    const answer = await app.get<Answer>(path)
    for (const span of answer.spans) expect(span).not.toHaveProperty('messages')
    const ends = answer.spans.filter(({ name }) => name === 'ai.generateText').map(({ finishReasons }) => finishReasons)
    expect(ends).toStrictEqual([['stop']])
  }
})

test('anything else to include is refused, by name', async () => {
  for (const wrong of ['include=everything', 'include=', 'include=messages,x', 'includes=messages']) {
    const response = await app.request(`/ledger/v1/traces/${agent.traceId}?${wrong}`)
    expect(response.status, wrong).toBe(400)
    expect(await response.json()).toMatchObject({ errors: [{ parameter: wrong.split('=')[0] }] })
  }
})
