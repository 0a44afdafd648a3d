import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { asSent, costs, readTrace, runEmitter, traceNamed } from '../support/emitter.ts'
import { getJson, startServer, type TestServer } from '../support/server.ts'
import type { SentSpan } from './emitters/recording.ts'

let server: TestServer
let everythingSent: SentSpan[]

beforeAll(async () => {
  server = await startServer()
  everythingSent = await runEmitter('opentelemetry', server)
})
afterAll(() => server?.dispose())

describe.each(['otel-protobuf-none', 'otel-protobuf-gzip', 'otel-json-none', 'otel-json-gzip'])('%s', (service) => {
  const sentBy = (name: string) =>
    traceNamed(
      everythingSent.filter((span) => span.serviceName === service),
      name,
    )

  it('brings every kind of span, attribute, event, link and status', async () => {
    const sent = sentBy('root')
    const trace = await readTrace(server, sent)
    expect(sent).toHaveLength(6)
    expect(trace.spanCount).toBe(6)
    expect(asSent(trace, sent)).toEqual(sent)
  })

  it('brings an agent with its calls', async () => {
    const sent = sentBy('invoke_agent researcher')
    const trace = await readTrace(server, sent)
    expect(sent).toHaveLength(6)
    expect(asSent(trace, sent)).toEqual(sent)
    expect(trace).toMatchObject({
      name: 'invoke_agent researcher',
      status: 'ERROR',
      spanCount: 6,
      userId: 'ana',
      sessionId: 'talk-1',
    })
  })

  it('prices each call by hand to the last unit, and the agent not again', async () => {
    const sent = sentBy('invoke_agent researcher')
    const trace = await readTrace(server, sent)
    expect(costs(trace, sent)).toEqual([
      // USD per million: 176 fresh at 2.50, 1,024 cached at 1.25, 300 written at 10.
      ['chat gpt-4o', '4720000000', 'priced'],
      // 500 at 0.02.
      ['embeddings text-embedding-3-small', '10000000', 'priced'],
      ['execute_tool search', null, 'no_usage'],
      // 200 fresh at 1, 1,500 cached at 0.10, 300 written to the cache at 1.25, 100 written at 5.
      ['chat claude-haiku-4-5', '1225000000', 'priced'],
      ['chat gpt-4o-mini', null, 'no_usage'],
      ['invoke_agent researcher', null, 'rollup'],
    ])
    expect(trace.cost).toMatchObject({ picoUsd: '5955000000', status: 'priced' })
    expect(trace.usage).toEqual({
      inputTokens: 3_700,
      outputTokens: 400,
      totalTokens: 4_100,
      cacheReadTokens: 2_524,
      cacheWriteTokens: 300,
      reasoningTokens: 200,
    })
  })

  it('counts nothing twice in the totals', async () => {
    await readTrace(server, sentBy('root'))
    const { totals } = await getJson<{ totals: object }>(server, `/ledger/v1/usage?service=${service}`)
    expect(totals).toMatchObject({
      requests: 2,
      spans: 12,
      usage: { inputTokens: 3_700, outputTokens: 400 },
      cost: { picoUsd: '5955000000', status: 'priced' },
    })
  })
})
