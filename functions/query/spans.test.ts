import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseTime } from '../../shared/http/time.ts'
import type { AttributeValue } from '../../shared/spans/attributes.ts'
import { COST_STATUSES, type PricedSpan } from '../../shared/spans/ledger.ts'
import { durationNanos, SPAN_KINDS, STATUS_CODES, serviceName } from '../../shared/spans/span.ts'
import { openTestApp, query, START, sampleSpan, spanIdOf, traceIdOf } from './test-app.ts'

const MINUTE = 60_000_000_000n
const WORDS = ['', 'a', 'A', '%', "b'; DROP TABLE spans; --", 'ü🔑', '_']
const word = (n: number) => WORDS[n % WORDS.length] as string

/** 120 spans of 40 traces in which every dimension takes several values, with ties in every order. */
const SPANS: readonly PricedSpan[] = Array.from({ length: 120 }, (_, n) =>
  sampleSpan(
    {
      traceId: traceIdOf(1 + (n % 40)),
      spanId: spanIdOf(1 + n),
      parentSpanId: n < 40 ? '' : spanIdOf(1 + (n % 40)),
      name: word(n),
      service: word(n + 1),
      kind: SPAN_KINDS[n % SPAN_KINDS.length] as (typeof SPAN_KINDS)[number],
      statusCode: STATUS_CODES[n % 7 === 0 ? 2 : n % 2] as (typeof STATUS_CODES)[number],
      startTimeUnixNano: START + BigInt(n % 30) * MINUTE,
      endTimeUnixNano: n % 11 === 0 ? 0n : START + BigInt(n % 30) * MINUTE + BigInt(n % 13) * 500_000n,
      attributes: new Map<string, AttributeValue>([
        ['tier', word(n % 3)],
        ['n', BigInt(n % 4)],
        ['flag', n % 2 === 0],
      ]),
    },
    {
      operation: word(n + 2),
      provider: word(n + 3),
      model: word(n + 4),
      userId: word(n + 5),
      sessionId: word(n + 6),
      environment: word(n),
      costStatus: COST_STATUSES[n % COST_STATUSES.length] as (typeof COST_STATUSES)[number],
      costPicoUsd: n % COST_STATUSES.length < 2 ? BigInt(n % 5) * 10n ** 9n : null,
    },
  ),
)

let app: Awaited<ReturnType<typeof openTestApp>>
beforeAll(async () => {
  app = await openTestApp({ acme: SPANS })
})
afterAll(() => app.reader.close())

interface Listed {
  spans: { traceId: string; spanId: string }[]
  nextPageToken?: string
}

async function walk(parameters: Record<string, string | readonly string[] | undefined>, pageSize: number) {
  const seen: string[] = []
  let pageToken: string | undefined
  do {
    const page: Listed = await app.get(`/ledger/v1/spans${query({ ...parameters, pageSize, pageToken })}`)
    expect(page.spans.length).toBeLessThanOrEqual(pageSize)
    seen.push(...page.spans.map(({ spanId }) => spanId))
    pageToken = page.nextPageToken
  } while (pageToken !== undefined)
  return seen
}

/** Each filter's parameter with a value, and what it means by itself. */
const words = (of: (priced: PricedSpan) => string) => ({
  value: fc.subarray(WORDS, { minLength: 1, maxLength: 3 }),
  holds: (given: readonly string[], priced: PricedSpan) => given.includes(of(priced)),
})
const anyOf = (all: readonly string[], of: (priced: PricedSpan) => string) => ({
  value: fc
    .subarray([...all], { minLength: 1 })
    .map((some) => (some.length % 2 === 0 ? [some.join(',').toLowerCase()] : some)),
  holds: (given: readonly string[], priced: PricedSpan) =>
    given.join().toUpperCase().split(',').includes(of(priced).toUpperCase()),
})
const one = <T>(
  arbitrary: fc.Arbitrary<string>,
  parse: (text: string) => T,
  holds: (bound: T, priced: PricedSpan) => boolean,
) => ({
  value: arbitrary.map((text) => [text]),
  holds: ([text]: readonly string[], priced: PricedSpan) => holds(parse(text as string), priced),
})
const instant = fc.integer({ min: 0, max: 29 }).map((minute) => `2026-01-31T09:${30 + minute}:00Z`)
const millis = fc.integer({ min: 0, max: 13 }).map((n) => String(n / 2))
const nanos = (text: string) => BigInt(Number(text) * 1e6)
const dollars = fc.constantFrom('0', '0.001', '0.0015', '2e-3', '1')
const pico = (text: string) => BigInt(Math.round(Number(text) * 1e12))

const FILTERS = {
  name: words(({ span }) => span.name),
  service: words(({ span }) => serviceName(span)),
  operation: words(({ ledger }) => ledger.operation),
  provider: words(({ ledger }) => ledger.provider),
  model: words(({ ledger }) => ledger.model),
  user: words(({ ledger }) => ledger.userId),
  session: words(({ ledger }) => ledger.sessionId),
  environment: words(({ ledger }) => ledger.environment),
  kind: anyOf(SPAN_KINDS, ({ span }) => span.kind),
  status: anyOf(STATUS_CODES, ({ span }) => span.statusCode),
  costStatus: anyOf(COST_STATUSES, ({ ledger }) => ledger.costStatus),
  traceId: one(
    fc.integer({ min: 1, max: 41 }).map((n) => traceIdOf(n).toUpperCase()),
    (id) => id.toLowerCase(),
    (id, { span }) => span.traceId === id,
  ),
  from: one(instant, parseTime, (from, { span }) => span.startTimeUnixNano >= from),
  to: one(instant, parseTime, (to, { span }) => span.startTimeUnixNano < to),
  minCostUsd: one(dollars, pico, (min, { ledger }) => ledger.costPicoUsd !== null && ledger.costPicoUsd >= min),
  maxCostUsd: one(dollars, pico, (max, { ledger }) => ledger.costPicoUsd !== null && ledger.costPicoUsd <= max),
  minDurationMs: one(millis, nanos, (min, { span }) => durationNanos(span) >= min),
  maxDurationMs: one(millis, nanos, (max, { span }) => durationNanos(span) <= max),
  attribute: {
    value: fc.subarray(['tier=a', 'tier:A', 'n=2', 'n:3', 'flag=true', 'tier=', 'none=1', 'n=0=0'], {
      minLength: 1,
      maxLength: 2,
    }),
    holds: (given: readonly string[], { span }: PricedSpan) =>
      given.every((text) => {
        const [, key = '', value] = /^([^=:]+)[=:](.*)$/.exec(text) ?? []
        return span.attributes.has(key) && String(span.attributes.get(key)) === value
      }),
  },
}
type FilterName = keyof typeof FILTERS

function expected(parameters: Partial<Record<FilterName, readonly string[]>>): string[] {
  return SPANS.filter((priced) =>
    Object.entries(parameters).every(([name, given]) => FILTERS[name as FilterName].holds(given, priced)),
  ).map(({ span }) => span.spanId)
}

describe('a filter finds what it says and nothing else', () => {
  test.each(Object.keys(FILTERS) as FilterName[])('%s', async (name) => {
    let matched = 0
    await fc.assert(
      fc.asyncProperty(FILTERS[name].value, async (given) => {
        const found = await walk({ [name]: given }, 1_000)
        matched += found.length
        expect(found.toSorted()).toStrictEqual(expected({ [name]: given }).toSorted())
      }),
      { numRuns: 15 },
    )
    expect(matched).toBeGreaterThan(0)
  })

  test('several at once all hold', async () => {
    const { from, to, minCostUsd, maxCostUsd, minDurationMs, maxDurationMs, ...free } = FILTERS
    const several = fc.record(
      Object.fromEntries(Object.entries({ ...free, from, minDurationMs }).map(([name, { value }]) => [name, value])),
      { requiredKeys: [] },
    )
    await fc.assert(
      fc.asyncProperty(several, async (given) => {
        expect((await walk(given, 1_000)).toSorted()).toStrictEqual(expected(given).toSorted())
      }),
      { numRuns: 60 },
    )
  })
})

describe('pages are the whole list in order, whatever their size', () => {
  const keys = {
    startTime: ({ span }: PricedSpan) => span.startTimeUnixNano,
    duration: ({ span }: PricedSpan) => durationNanos(span),
    cost: ({ ledger }: PricedSpan) => ledger.costPicoUsd ?? -1n,
  }
  test.each(Object.keys(keys) as (keyof typeof keys)[])('%s', async (field) => {
    const ascending = SPANS.toSorted((a, b) => {
      const difference = keys[field](a) - keys[field](b)
      const ids = (priced: PricedSpan) => priced.span.traceId + priced.span.spanId
      return difference === 0n ? (ids(a) < ids(b) ? -1 : 1) : difference < 0n ? -1 : 1
    }).map(({ span }) => span.spanId)
    for (const pageSize of [1, 7, 60, 120, 1_000]) {
      expect(await walk({ sort: field }, pageSize)).toStrictEqual(ascending)
      expect(await walk({ sort: `-${field}` }, pageSize)).toStrictEqual(ascending.toReversed())
    }
  })

  test('newest first and 50 to a page unless asked otherwise', async () => {
    const page: Listed = await app.get('/ledger/v1/spans')
    expect(page.spans.map(({ spanId }) => spanId)).toStrictEqual((await walk({ sort: '-startTime' }, 50)).slice(0, 50))
  })
})

test('a page of large spans ends early, and the pages together have them all', async () => {
  const large = Array.from({ length: 15 }, (_, n) =>
    sampleSpan({ spanId: spanIdOf(n + 1), attributes: new Map([['prompt', 'x'.repeat(3_000_000)]]) }),
  )
  const store = await openTestApp({ acme: large })
  const first = await store.get<Listed>('/ledger/v1/spans?pageSize=1000&sort=startTime')
  expect(first.spans).toHaveLength(11)
  const rest = await store.get<Listed>(
    `/ledger/v1/spans${query({ pageSize: 1_000, sort: 'startTime', pageToken: first.nextPageToken })}`,
  )
  expect(rest.nextPageToken).toBeUndefined()
  expect([...first.spans, ...rest.spans].map(({ spanId }) => spanId)).toStrictEqual(
    large.map(({ span }) => span.spanId),
  )
  const trace = await store.get<Listed>(`/ledger/v1/traces/${traceIdOf(1)}`)
  expect(trace).toMatchObject({ truncated: true, spanCount: 15 })
  expect(trace.spans).toHaveLength(11)
  await store.reader.close()
})
