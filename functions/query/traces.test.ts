import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { SpanledgerError } from '../../shared/errors.ts'
import type { AttributeValue } from '../../shared/spans/attributes.ts'
import { COST_STATUSES } from '../../shared/spans/ledger.ts'
import { STATUS_CODES } from '../../shared/spans/span.ts'
import { openTestApp, query, START, sampleSpan, spanIdOf, traceIdOf } from './test-app.ts'

const SECOND = 1_000_000_000n

/** An agent's trace that arrived whole, one whose root is missing, one with an error, and one without any GenAI call. */
const SPANS = [
  sampleSpan(
    {
      spanId: spanIdOf(2),
      parentSpanId: spanIdOf(1),
      startTimeUnixNano: START,
      endTimeUnixNano: START + 3n * SECOND,
      name: 'chat gpt-4o-mini',
      attributes: new Map<string, AttributeValue>([
        ['text', 'ü"\0'],
        ['big', 2n ** 60n],
        ['small', 7n],
        ['nan', Number.NaN],
        ['half', 0.5],
        ['bytes', new Uint8Array([0, 255])],
        ['nothing', null],
        ['list', [1n, 'a', [true]]],
        ['map', new Map<string, AttributeValue>([['__proto__', Number.POSITIVE_INFINITY]])],
        ['__proto__', 'kept'],
      ]),
      events: [
        { timeUnixNano: START + 1n, name: 'token', attributes: new Map([['n', 1n]]), droppedAttributesCount: 0 },
      ],
      links: [
        {
          traceId: traceIdOf(9),
          spanId: spanIdOf(9),
          traceState: 'a=b',
          attributes: new Map(),
          droppedAttributesCount: 0,
          flags: 0,
        },
      ],
    },
    {
      operation: 'chat',
      provider: 'openai',
      model: 'gpt-4o-mini',
      inputTokens: 1_000,
      outputTokens: 234,
      totalTokens: 1_234,
      costPicoUsd: 290_400_000n,
      costStatus: 'priced',
      priceVersion: 'v1',
      receipt: '{"lines":[{"unit":"input","quantity":1000}]}',
      userId: 'child-user',
    },
  ),
  sampleSpan(
    {
      spanId: spanIdOf(1),
      name: 'agent',
      startTimeUnixNano: START + 1n,
      endTimeUnixNano: START + 5n * SECOND,
      statusCode: 'OK',
    },
    { userId: 'root-user' },
  ),
  sampleSpan(
    { spanId: spanIdOf(3), parentSpanId: spanIdOf(1), startTimeUnixNano: START + SECOND, endTimeUnixNano: 0n },
    { operation: 'chat', provider: 'x', model: 'a-model', inputTokens: 5, costStatus: 'unpriced', sessionId: 's1' },
  ),
  sampleSpan(
    {
      traceId: traceIdOf(2),
      spanId: spanIdOf(4),
      parentSpanId: spanIdOf(99),
      name: 'orphan',
      startTimeUnixNano: START + SECOND,
      endTimeUnixNano: START + 2n * SECOND,
      statusCode: 'ERROR',
      statusMessage: 'timed out',
    },
    { operation: 'chat', model: 'm', costPicoUsd: 2n ** 62n, costStatus: 'priced' },
  ),
  sampleSpan(
    {
      traceId: traceIdOf(2),
      spanId: spanIdOf(5),
      parentSpanId: spanIdOf(99),
      startTimeUnixNano: START + 2n * SECOND,
      endTimeUnixNano: 0n,
    },
    { operation: 'chat', model: 'm', costPicoUsd: 2n ** 62n + 5n, costStatus: 'priced' },
  ),
  sampleSpan({
    traceId: traceIdOf(3),
    spanId: spanIdOf(6),
    startTimeUnixNano: START + 2n * SECOND,
    endTimeUnixNano: 0n,
  }),
]

let app: Awaited<ReturnType<typeof openTestApp>>
beforeAll(async () => {
  app = await openTestApp({ acme: SPANS })
})
afterAll(() => app.reader.close())

describe('a trace by its id', () => {
  test('has the root, the sums and every span as it was sent', async () => {
    const trace = await app.get<Record<string, unknown> & { spans: unknown[] }>(`/ledger/v1/traces/${traceIdOf(1)}`)
    expect(trace).toMatchObject({
      traceId: traceIdOf(1),
      projectId: 'acme',
      name: 'agent',
      serviceName: 'svc',
      startTime: '2026-01-31T09:30:00Z',
      endTime: '2026-01-31T09:30:05Z',
      durationNs: 5_000_000_000,
      status: 'OK',
      spanCount: 3,
      errorCount: 0,
      models: ['a-model', 'gpt-4o-mini'],
      userId: 'root-user',
      sessionId: 's1',
      usage: { inputTokens: 1_005, outputTokens: 234, totalTokens: 1_234, cacheReadTokens: null },
      cost: { picoUsd: '290400000', usd: 0.0002904, status: 'partial', unknownSpans: 1 },
      truncated: false,
    })
    expect(trace.spans[0]).toStrictEqual({
      traceId: traceIdOf(1),
      spanId: spanIdOf(2),
      parentSpanId: spanIdOf(1),
      name: 'chat gpt-4o-mini',
      kind: 'CLIENT',
      serviceName: 'svc',
      startTime: '2026-01-31T09:30:00Z',
      endTime: '2026-01-31T09:30:03Z',
      durationNs: 3_000_000_000,
      status: 'UNSET',
      statusMessage: '',
      operation: 'chat',
      provider: 'openai',
      model: 'gpt-4o-mini',
      usage: {
        inputTokens: 1_000,
        outputTokens: 234,
        totalTokens: 1_234,
        cacheReadTokens: null,
        cacheWriteTokens: null,
        reasoningTokens: null,
      },
      cost: { picoUsd: '290400000', usd: 0.0002904, status: 'priced', priceVersion: 'v1' },
      reportedCost: { picoUsd: null, usd: null },
      receipt: { lines: [{ unit: 'input', quantity: 1_000 }] },
      userId: 'child-user',
      sessionId: '',
      conversationId: '',
      finishReasons: [],
      environment: '',
      attributes: JSON.parse(
        `{"text":"ü\\"\\u0000","big":"${2n ** 60n}","small":7,"nan":"NaN","half":0.5,"bytes":"AP8=","nothing":null,
          "list":[1,"a",[true]],"map":{"__proto__":"Infinity"},"__proto__":"kept"}`,
      ),
      resourceAttributes: { 'service.name': 'svc' },
      events: [{ time: '2026-01-31T09:30:00.000000001Z', name: 'token', attributes: { n: 1 } }],
      links: [{ traceId: traceIdOf(9), spanId: spanIdOf(9), traceState: 'a=b', attributes: {} }],
      scope: { name: 'scope', version: '1', attributes: {} },
      traceState: '',
      flags: 0,
      ingestedAt: '2026-01-31T09:30:00.000000005Z',
      keyId: 'k1',
    })
  })

  test('whose root has not arrived is named after its earliest span and lasts as long as its spans', async () => {
    expect(await app.get(`/ledger/v1/traces/${traceIdOf(2)}`)).toMatchObject({
      name: 'orphan',
      status: 'ERROR',
      errorCount: 1,
      durationNs: 1_000_000_000,
      cost: { picoUsd: (2n ** 63n + 5n).toString(), status: 'priced', unknownSpans: 0 },
    })
  })

  test('that has not ended has no end, and one without calls no cost', async () => {
    expect(await app.get(`/ledger/v1/traces/${traceIdOf(3)}`)).toMatchObject({
      endTime: null,
      durationNs: 0,
      cost: { picoUsd: null, usd: null, status: 'no_usage', unknownSpans: 0 },
      spans: [{ endTime: null, receipt: null, cost: { picoUsd: null, usd: null, status: 'no_usage' } }],
    })
  })

  test('may be asked for in upper case', async () => {
    expect((await app.request(`/ledger/v1/traces/${traceIdOf(0xabc).toUpperCase()}`)).status).toBe(404)
    const { app: other } = { app: await openTestApp({ acme: [sampleSpan({ traceId: traceIdOf(0xabc) })] }) }
    expect((await other.request(`/ledger/v1/traces/${traceIdOf(0xabc).toUpperCase()}`)).status).toBe(200)
  })

  test('is the same as in the list, sums and all', async () => {
    const { traces } = await app.get<{ traces: { traceId: string }[] }>('/ledger/v1/traces')
    expect(traces).toHaveLength(3)
    for (const summary of traces) {
      const { spans, truncated, ...detail } = await app.get<Record<string, unknown>>(
        `/ledger/v1/traces/${summary.traceId}`,
      )
      expect(detail).toStrictEqual(summary)
    }
  })

  test('of too many models names the same as the list', async () => {
    const spans = Array.from({ length: 120 }, (_, n) => sampleSpan({ spanId: spanIdOf(n + 1) }, { model: `m${n}` }))
    const { get } = await openTestApp({ acme: spans })
    const { traces } = await get<{ traces: { models: string[] }[] }>('/ledger/v1/traces')
    const { models } = await get<{ models: string[] }>(`/ledger/v1/traces/${traceIdOf(1)}`)
    expect(models).toHaveLength(100)
    expect(traces).toMatchObject([{ models }])
  })

  test('and the list agree on any trace at all', async () => {
    const text = fc.constantFrom('', 'a', 'B', 'ü')
    const tokens = fc.option(fc.maxSafeNat())
    const span = fc.record({
      trace: fc.integer({ min: 1, max: 4 }),
      parent: fc.integer({ min: 0, max: 2 }),
      start: fc.bigInt({ min: 0n, max: 5n }),
      end: fc.bigInt({ min: 0n, max: 9n }),
      status: fc.constantFrom(...STATUS_CODES),
      name: text,
      ledger: fc.record({
        model: text,
        userId: text,
        sessionId: text,
        inputTokens: tokens,
        reasoningTokens: tokens,
        costPicoUsd: fc.option(fc.bigInt({ min: 0n, max: 2n ** 63n - 1n })),
        costStatus: fc.constantFrom(...COST_STATUSES),
      }),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(span, { minLength: 1, maxLength: 20 }), async (sketches) => {
        const spans = sketches.map(({ trace, parent, start, end, status, name, ledger }, n) =>
          sampleSpan(
            {
              traceId: traceIdOf(trace),
              spanId: spanIdOf(n + 1),
              parentSpanId: parent === 0 ? '' : spanIdOf(parent),
              startTimeUnixNano: start,
              endTimeUnixNano: end,
              statusCode: status,
              name,
            },
            ledger,
          ),
        )
        const any = await openTestApp({ acme: spans })
        const { traces } = await any.get<{ traces: { traceId: string; spanCount: number }[] }>('/ledger/v1/traces')
        expect(traces.reduce((total, { spanCount }) => total + spanCount, 0)).toBe(spans.length)
        for (const summary of traces) {
          const found = await any.get<Record<string, unknown>>(`/ledger/v1/traces/${summary.traceId}`)
          const { spans: shown, truncated, ...detail } = found
          expect(detail).toStrictEqual(summary)
          expect(shown).toHaveLength(summary.spanCount)
        }
        await any.reader.close()
      }),
      { numRuns: 50 },
    )
  })

  test('that is not there is 404, a store that does not answer 503, a wrong id 400', async () => {
    expect((await app.request(`/ledger/v1/traces/${traceIdOf(77)}`)).status).toBe(404)
    expect((await app.request('/ledger/v1/traces/12')).status).toBe(400)
    expect((await app.request(`/ledger/v1/traces/${'0'.repeat(31)}%00`)).status).toBe(400)
    const fail = () => Promise.reject(new SpanledgerError('store/unavailable', 'the trace store did not answer'))
    const broken = await openTestApp({ acme: [] }, { reader: { ...app.reader, getTrace: fail } })
    const response = await broken.request(`/ledger/v1/traces/${traceIdOf(1)}`)
    expect(response.status).toBe(503)
    expect(response.headers.get('retry-after')).toBe('1')
    expect(await response.json()).toMatchObject({ code: 'store/unavailable' })
  })

  test('of more than 10,000 spans is cut, its sums are not', async () => {
    const spans = Array.from({ length: 10_007 }, (_, n) => sampleSpan({ spanId: spanIdOf(n + 1) }, { inputTokens: 1 }))
    const large = await openTestApp({ acme: spans })
    const trace = await large.get<{ spans: unknown[] }>(`/ledger/v1/traces/${traceIdOf(1)}`)
    expect(trace).toMatchObject({ truncated: true, spanCount: 10_007, usage: { inputTokens: 10_007 } })
    expect(trace.spans).toHaveLength(10_000)
    await large.reader.close()
  })
})

describe('a list of traces', () => {
  interface Listed {
    traces: { traceId: string }[]
    nextPageToken?: string
  }

  async function walk(parameters: Record<string, string>, pageSize: number): Promise<string[]> {
    const seen: string[] = []
    let pageToken: string | undefined
    do {
      const page: Listed = await app.get(`/ledger/v1/traces${query({ ...parameters, pageSize, pageToken })}`)
      seen.push(...page.traces.map(({ traceId }) => traceId))
      pageToken = page.nextPageToken
    } while (pageToken !== undefined)
    return seen.map((id) => id.replace(/^0+/, ''))
  }

  test.each([
    ['startTime', ['1', '2', '3']],
    ['duration', ['3', '2', '1']],
    ['cost', ['3', '1', '2']],
    ['spanCount', ['3', '2', '1']],
  ])('is sorted by %s, in pages of any size', async (sort, order) => {
    for (const pageSize of [1, 2, 3, 1_000]) {
      expect(await walk({ sort }, pageSize)).toStrictEqual(order)
      expect(await walk({ sort: `-${sort}` }, pageSize)).toStrictEqual(order.toReversed())
    }
  })

  test.each<[Record<string, string>, string[]]>([
    [{ model: 'gpt-4o-mini' }, ['1']],
    [{ status: 'error' }, ['2']],
    [{ session: 's1', service: 'svc' }, ['1']],
    [{ model: 'gpt-4o-mini', session: 's1' }, []],
    [{ traceId: traceIdOf(2) }, ['2']],
    [{ attribute: 'small=7' }, ['1']],
    [{ to: '2026-01-31T09:30:01Z' }, ['1']],
    [{ from: '2026-01-31T09:30:01.000000001Z' }, ['3', '2']],
    [{ minCostUsd: '0.0002904', maxCostUsd: '1' }, ['1']],
    [{ minCostUsd: '5000000' }, ['2']],
    [{ minDurationMs: '1000', maxDurationMs: '4999.999999' }, ['2']],
    [{ costStatus: 'unpriced' }, ['1']],
  ])('%j', async (parameters, found) => expect(await walk(parameters, 10)).toStrictEqual(found))
})
