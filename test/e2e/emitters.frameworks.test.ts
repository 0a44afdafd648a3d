import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { asSent, costs, type ReadTrace, readTrace, runEmitter, traceNamed } from '../support/emitter.ts'
import { getJson, startServer, type TestServer } from '../support/server.ts'
import type { SentSpan } from './emitters/recording.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server?.dispose())

async function expectWhole(sent: readonly SentSpan[], spans: number): Promise<ReadTrace> {
  const trace = await readTrace(server, sent)
  expect(sent).toHaveLength(spans)
  expect(trace.spanCount).toBe(spans)
  expect(asSent(trace, sent)).toEqual(sent)
  return trace
}

async function totals(service: string) {
  return (await getJson<{ totals: object }>(server, `/ledger/v1/usage?service=${service}`)).totals
}

describe('the Vercel AI SDK', () => {
  let sent: SentSpan[]
  beforeAll(async () => {
    sent = await runEmitter('vercel-ai', server)
  })

  it('generateText with a tool: two chats are priced, the agent that repeats their sum is not', async () => {
    const agent = traceNamed(sent, 'invoke_agent gpt-4o')
    const trace = await expectWhole(agent, 6)
    expect(costs(trace, agent)).toEqual([
      // USD per million: 400 fresh at 2.50, 600 cached at 1.25, 50 written at 10.
      ['chat gpt-4o', '2250000000', 'priced'],
      ['execute_tool weather', null, 'no_usage'],
      ['step 1', null, 'no_usage'],
      // 1,100 at 2.50, 40 at 10.
      ['chat gpt-4o', '3150000000', 'priced'],
      ['step 2', null, 'no_usage'],
      ['invoke_agent gpt-4o', null, 'rollup'],
    ])
    expect(trace.usage).toMatchObject({ inputTokens: 2_100, outputTokens: 90, cacheReadTokens: 600 })
    expect(trace.cost).toMatchObject({ picoUsd: '5400000000', status: 'priced' })
  })

  it('streamText', async () => {
    const agent = traceNamed(sent, 'invoke_agent claude-haiku-4-5')
    const trace = await expectWhole(agent, 3)
    expect(costs(trace, agent)).toEqual([
      // USD per million: 300 at 1, 700 at 5.
      ['chat claude-haiku-4-5', '3800000000', 'priced'],
      ['step 1', null, 'no_usage'],
      ['invoke_agent claude-haiku-4-5', null, 'rollup'],
    ])
    expect(trace).toMatchObject({ usage: { inputTokens: 300, outputTokens: 700 }, cost: { picoUsd: '3800000000' } })
  })

  it('embed: of its two spans one has the usage', async () => {
    const call = traceNamed(sent, 'embeddings text-embedding-3-small')
    const trace = await expectWhole(call, 2)
    expect(costs(trace, call)).toEqual([
      // USD per million: 500 at 0.02.
      ['embeddings text-embedding-3-small', '10000000', 'priced'],
      ['embeddings text-embedding-3-small', null, 'no_usage'],
    ])
    expect(trace.cost).toMatchObject({ picoUsd: '10000000', status: 'priced' })
  })

  it('counts nothing twice in the totals', async () => {
    for (const root of sent.filter(({ parentSpanId }) => parentSpanId === ''))
      await readTrace(server, traceNamed(sent, root.name))
    expect(await totals('vercel-ai')).toMatchObject({
      requests: 3,
      spans: 11,
      // Three chats and the two spans of embed; agents, their steps and tools are around calls.
      calls: 5,
      usage: { inputTokens: 2_900, outputTokens: 790 },
      cost: { picoUsd: '9210000000', status: 'priced' },
    })
  })
})

describe('OpenLLMetry', () => {
  let sent: SentSpan[]
  beforeAll(async () => {
    sent = await runEmitter('openllmetry', server)
  })

  it('brings a workflow of OpenAI calls whole and priced', async () => {
    const trace = await expectWhole(sent, 6)
    expect(costs(trace, sent)).toEqual([
      // USD per million: 2,000 at 2.50, 150 at 10. That 1,536 of them were cached is not in the span: OpenLLMetry drops it.
      ['chat gpt-4o', '6500000000', 'priced'],
      ['decide.task', null, 'no_usage'],
      ['weather.tool', null, 'no_usage'],
      ['chat gpt-4o', '6500000000', 'priced'],
      // 4 at 0.15, 5 at 0.60: OpenAI says no usage of a stream unless asked, so OpenLLMetry counts the tokens itself.
      ['chat gpt-4o-mini', '3600000', 'priced'],
      ['weather_report.workflow', null, 'no_usage'],
    ])
    expect(trace).toMatchObject({
      userId: 'ben',
      sessionId: 'talk-2',
      usage: { inputTokens: 4_004, outputTokens: 305, totalTokens: 4_309 },
      cost: { picoUsd: '13003600000', status: 'priced' },
    })
  })

  it('counts nothing twice in the totals', async () => {
    await readTrace(server, sent)
    expect(await totals('openllmetry')).toMatchObject({
      requests: 1,
      spans: 6,
      usage: { inputTokens: 4_004, outputTokens: 305 },
      cost: { picoUsd: '13003600000', status: 'priced' },
    })
  })
})
