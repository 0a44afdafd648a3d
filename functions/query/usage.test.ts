import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { USAGE_DIMENSIONS } from '../../shared/warehouse/trace-store.ts'
import { openTestApp, query, START, sampleSpan, spanIdOf, traceIdOf } from './test-app.ts'

const HOUR = 3_600_000_000_000n
const MODELS = ['gpt-4o-mini', 'claude', 'unknown-model']

/** 60 calls over 48 hours, one trace for each two, with a tool span beside each; a third of the calls has no known cost. */
const SPANS = Array.from({ length: 60 }, (_, n) => {
  const base = { traceId: traceIdOf(1 + (n >> 1)), startTimeUnixNano: START + BigInt(n % 48) * HOUR }
  const end = base.startTimeUnixNano + BigInt(n + 1) * 1_000_000n
  return [
    sampleSpan(
      {
        ...base,
        spanId: spanIdOf(2 * n + 1),
        endTimeUnixNano: end,
        service: `svc${n % 2}`,
        statusCode: n % 10 ? 'OK' : 'ERROR',
      },
      {
        operation: 'chat',
        provider: `p${n % 2}`,
        model: MODELS[n % 3] as string,
        userId: `u${n % 4}`,
        sessionId: `s${n % 5}`,
        environment: 'prod',
        inputTokens: n,
        costPicoUsd: n % 3 === 2 ? null : BigInt(n) * 10n ** 17n + 1n,
        costStatus: n % 3 === 2 ? 'unpriced' : 'priced',
      },
    ),
    sampleSpan({ ...base, spanId: spanIdOf(2 * n + 2), name: 'tool', endTimeUnixNano: end + HOUR }),
  ]
}).flat()

interface Spend {
  requests: number
  calls: number
  spans: number
  errors: number
  usage: { inputTokens: number | null }
  cost: { picoUsd: string | null; usd: number | null; status: string; unknownSpans: number }
  reported: { calls: number; difference: { picoUsd: string | null } }
  latency: { p50Ns: number; p95Ns: number; p99Ns: number } | null
  firstSeen: string | null
}
interface Usage {
  totals: Spend
  groups: (Spend & { group: Record<string, string> })[]
  series: (Spend & { group: Record<string, string>; intervalStart: string })[]
}

let app: Awaited<ReturnType<typeof openTestApp>>
beforeAll(async () => {
  app = await openTestApp({ acme: SPANS })
})
afterAll(() => app.reader.close())

const KNOWN = Array.from({ length: 60 }, (_, n) => (n % 3 === 2 ? 0n : BigInt(n) * 10n ** 17n + 1n)).reduce(
  (a, b) => a + b,
)

test('totals count traces as requests, time only calls, and say how many costs are not known', async () => {
  const { totals, groups, series } = await app.get<Usage>('/ledger/v1/usage')
  expect(totals).toMatchObject({
    requests: 30,
    calls: 60,
    spans: 120,
    errors: 6,
    usage: { inputTokens: 1_770, outputTokens: null },
    cost: { picoUsd: KNOWN.toString(), usd: Number(`${KNOWN}e-12`), status: 'partial', unknownSpans: 20 },
    latency: { p50Ns: 30_000_000, p95Ns: 57_000_000, p99Ns: 60_000_000 },
    firstSeen: '2026-01-31T09:30:00Z',
    lastSeen: '2026-02-02T08:30:00Z',
  })
  expect([groups, series]).toStrictEqual([[], []])
})

test('what emitters said that calls cost stands beside what we say, with the difference, by model', async () => {
  const call = (n: number, model: string, costs: object) =>
    sampleSpan({ spanId: spanIdOf(n) }, { operation: 'chat', model, costStatus: 'priced', ...costs })
  const { get, reader } = await openTestApp({
    acme: [
      call(1, 'a', { costPicoUsd: 100n, reportedCostPicoUsd: 130n }),
      call(2, 'a', { costPicoUsd: 50n, reportedCostPicoUsd: 40n }),
      call(3, 'a', { costPicoUsd: 7n }),
      call(4, 'b', { costPicoUsd: null, costStatus: 'unpriced', reportedCostPicoUsd: 9n }),
      call(5, 'a', { operation: 'invoke_agent', costPicoUsd: 1n, reportedCostPicoUsd: 171n }),
      call(6, 'c', { costPicoUsd: 10n, reportedCostPicoUsd: 4n }),
    ],
  })
  const { totals, groups } = await get<Usage>('/ledger/v1/usage?groupBy=model')
  expect(totals.reported).toStrictEqual({
    calls: 3,
    cost: { picoUsd: '174', usd: 1.74e-10 },
    ours: { picoUsd: '160', usd: 1.6e-10 },
    difference: { picoUsd: '14', usd: 1.4e-11 },
  })
  const differences = groups.map(({ group, reported }) => [group.model, reported.calls, reported.difference.picoUsd])
  expect(differences.toSorted()).toStrictEqual([
    ['a', 2, '20'],
    ['b', 0, null],
    ['c', 1, '-6'],
  ])
  const { spans } = await get<{ spans: { spanId: string; reportedCost: { picoUsd: string | null } }[] }>(
    '/ledger/v1/spans?model=b',
  )
  expect(spans.map(({ reportedCost }) => reportedCost.picoUsd)).toStrictEqual(['9'])
  await reader.close()
})

test('nothing found is zero requests and no cost, not a cost of zero', async () => {
  expect(await app.get('/ledger/v1/usage?model=none')).toMatchObject({
    totals: { requests: 0, cost: { picoUsd: null, usd: null, status: 'no_usage' }, latency: null, firstSeen: null },
  })
})

test('groups and series add up to the totals, whatever the dimensions and the interval', async () => {
  const dimensions = fc.subarray([...USAGE_DIMENSIONS], { minLength: 1 })
  await fc.assert(
    fc.asyncProperty(
      dimensions,
      fc.constantFrom('hour', 'day', '90m', '1000s', '7d', 'DAY'),
      async (groupBy, interval) => {
        const asked = query({ groupBy: groupBy.join(','), interval: interval.toLowerCase() })
        const { totals, groups, series } = await app.get<Usage>(`/ledger/v1/usage${asked}`)
        for (const rows of [groups, series]) {
          const sum = (of: (row: Spend) => number) => rows.reduce((total, row) => total + of(row), 0)
          expect(rows.reduce((total, { cost }) => total + BigInt(cost.picoUsd ?? 0), 0n)).toBe(KNOWN)
          expect(sum(({ calls }) => calls)).toBe(totals.calls)
          expect(sum(({ spans }) => spans)).toBe(totals.spans)
          expect(sum(({ cost }) => cost.unknownSpans)).toBe(20)
          expect(sum(({ usage }) => usage.inputTokens ?? 0)).toBe(1_770)
          for (const { group } of rows) expect(Object.keys(group)).toStrictEqual(groupBy)
        }
        expect(series.map(({ intervalStart }) => intervalStart)).toStrictEqual(
          series.map(({ intervalStart }) => intervalStart).toSorted(),
        )
      },
    ),
    { numRuns: 30 },
  )
})

test('a series by day starts at midnight, and its requests are the traces of the day', async () => {
  const { series } = await app.get<Usage>('/ledger/v1/usage?interval=day')
  expect(series.map(({ intervalStart, calls }) => [intervalStart, calls])).toStrictEqual([
    ['2026-01-31T00:00:00Z', 27],
    ['2026-02-01T00:00:00Z', 24],
    ['2026-02-02T00:00:00Z', 9],
  ])
})

test('groups come dearest first, by name where nothing tells them apart; repeated and comma-separated are one', async () => {
  const { groups } = await app.get<Usage>('/ledger/v1/usage?groupBy=model')
  expect(groups.map(({ group, cost }) => [group.model, cost.status])).toStrictEqual([
    ['claude', 'priced'],
    ['gpt-4o-mini', 'priced'],
    ['', 'no_usage'],
    ['unknown-model', 'unknown'],
  ])
  const repeated = await app.get('/ledger/v1/usage?groupBy=model&groupBy=user')
  expect(await app.get('/ledger/v1/usage?groupBy=Model,user,model')).toStrictEqual(repeated)
})

test('filters hold for totals, groups and series alike', async () => {
  const { totals, groups, series } = await app.get<Usage>(
    '/ledger/v1/usage?groupBy=user&interval=hour&user=u1&status=error',
  )
  expect(totals).toMatchObject({ requests: 0 })
  expect([groups, series]).toStrictEqual([[], []])
  const found = await app.get<Usage>('/ledger/v1/usage?groupBy=user&user=u1')
  expect(found.groups.map(({ group }) => group.user)).toStrictEqual(['u1'])
  expect(found.groups[0]?.cost).toStrictEqual(found.totals.cost)
})

test('a question with more than 10,000 rows is refused', async () => {
  const spans = Array.from({ length: 10_001 }, (_, n) =>
    sampleSpan({ traceId: traceIdOf(n + 1), startTimeUnixNano: START + BigInt(n) * 1_000_000_000n }),
  )
  const large = await openTestApp({ acme: spans })
  const response = await large.request('/ledger/v1/usage?interval=1s')
  expect(response.status).toBe(400)
  expect(await response.json()).toMatchObject({ code: 'query/invalid' })
  await large.reader.close()
})

test('an interval of more nanoseconds than stores count in was answered as if the store did not', async () => {
  expect((await app.request('/ledger/v1/usage?interval=36500d')).status).toBe(200)
  for (const interval of ['36501d', '106752d', '9999999d']) {
    const response = await app.request(`/ledger/v1/usage?interval=${interval}`)
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ errors: [{ parameter: 'interval' }] })
  }
})

test('models are listed by provider and name, dearest first, tools left out', async () => {
  const { models } = await app.get<{ models: (Spend & { provider: string; model: string })[] }>('/ledger/v1/models')
  expect(models).toHaveLength(6)
  expect(models.map(({ cost }) => cost.status)).toStrictEqual([...Array(4).fill('priced'), 'unknown', 'unknown'])
  const costs = models.slice(0, 4).map(({ cost }) => BigInt(cost.picoUsd ?? 0))
  expect(costs).toStrictEqual(costs.toSorted((a, b) => (a < b ? 1 : -1)))
  expect(costs.reduce((a, b) => a + b)).toBe(KNOWN)
  const one = await app.get<{ models: object[] }>('/ledger/v1/models?provider=p1&model=claude')
  expect(one.models).toMatchObject([{ provider: 'p1', model: 'claude', calls: 10, spans: 10 }])
})

test('a model that nobody named is listed where its tokens were used', async () => {
  const unnamed = await openTestApp({
    acme: [sampleSpan({}, { operation: 'chat', inputTokens: 5, costStatus: 'unpriced' })],
  })
  expect(await unnamed.get('/ledger/v1/models')).toMatchObject({
    models: [{ provider: '', model: '', usage: { inputTokens: 5 }, cost: { status: 'unknown', unknownSpans: 1 } }],
  })
})
