import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type BigQueryDouble, startBigQuery } from '../../test/emulators/bigquery.ts'
import type { PricedSpan } from '../spans/ledger.ts'
import { type BigQueryClient, createBigQueryClient } from './bigquery/client.ts'
import { uniqueSpansView } from './bigquery/scope.ts'
import { type BigQueryStoreOptions, openBigQueryStore } from './bigquery-store.ts'
import { pricedSpan } from './trace-store.arbitraries.ts'
import { traceStoreSuite } from './trace-store.suite.ts'
import type { Cursor, SpanBatch } from './trace-store.ts'

let double: BigQueryDouble
let used = 0

beforeAll(async () => {
  double = await startBigQuery()
})
afterAll(() => double.close())

async function open(options: Partial<BigQueryStoreOptions> = {}) {
  const dataset = `d${used++}`
  double.fault = () => undefined
  await double.createDataset('p', dataset)
  double.requests.length = 0
  return openBigQueryStore({
    projectId: 'p',
    dataset,
    apiEndpoint: double.url,
    retry: { delayMs: 1, attempts: 3 },
    ...options,
  })
}

// The emulator takes some 20 ms for each request, and a property makes dozens: there is no time to shrink what fails.
fc.configureGlobal({ endOnFailure: true })
// All of time: the suite sends spans again years apart.
traceStoreSuite('BigQuery', () => open({ marginNanos: 2n ** 63n, now: () => 0 }), {
  runs: 3,
  tellsDuplicates: false,
})

const NOW = 1_700_000_000_000_000_000n

function batch(count: number, textBytes = 0, digest = 'd'): SpanBatch {
  const [sample] = fc.sample(pricedSpan, { numRuns: 1, seed: 7 }) as [PricedSpan]
  const spans = Array.from({ length: count }, (_, index) => ({
    ...sample,
    span: {
      ...sample.span,
      spanId: (index + 1).toString(16).padStart(16, '0'),
      startTimeUnixNano: NOW,
      statusMessage: 'x'.repeat(textBytes),
    },
  }))
  return { context: { project: 'p', digest, ingestedAt: NOW }, spans }
}

const inserts = () => double.requests.filter(({ kind, table }) => kind === 'insert' && table === 'spans')
const everything = { filter: { project: 'p' }, sort: 'startTime', order: 'asc', pageSize: 2_000 } as const

describe('inserts', () => {
  test('have their rows made as they are sent: all at once they are a hundred times as large as a message of small spans', async () => {
    let made = 0
    const attributes = new Map([['k', 'v']])
    const iterate = attributes[Symbol.iterator].bind(attributes)
    attributes[Symbol.iterator] = () => {
      made++
      return iterate()
    }
    const { context, spans } = batch(1_000)
    const counted = spans.map(({ span, ledger }) => ({ span: { ...span, attributes }, ledger }))
    const taken: number[] = []
    const client: BigQueryClient = {
      async insert(table, rows) {
        const next = rows[Symbol.iterator]()
        while (!next.next().done) if (table === 'spans') taken.push(made)
        return []
      },
      query: async () => [],
      async *scan() {},
    }
    const store = await open({ client })
    await store.write([{ context, spans: counted }])
    expect(taken).toStrictEqual(counted.map((_, index) => (index + 1) * taken[0]!))
  })

  test('go in requests of at most 500 rows and 10 MB', async () => {
    const store = await open()
    await store.write([batch(1_201)])
    expect(
      inserts()
        .map(({ rows }) => rows)
        .sort(),
    ).toStrictEqual([201, 500, 500])
    expect((await store.listSpans(everything)).items).toHaveLength(1_201)
    double.requests.length = 0
    await store.write([batch(3, 3_500_000, 'e')])
    expect(inserts().map(({ rows }) => rows)).toStrictEqual([2, 1])
    for (const { bytes } of inserts()) expect(bytes).toBeLessThan(10_000_000)
  })

  test('carry ids that are the same when the message comes again', async () => {
    const store = await open()
    await store.write([batch(3)])
    await store.write([batch(3)])
    const [first, second] = inserts().map(({ body }) =>
      (body.rows as { insertId: string }[]).map(({ insertId }) => insertId),
    )
    expect(first).toStrictEqual(['p/d/0', 'p/d/1', 'p/d/2'])
    expect(second).toStrictEqual(first)
  })

  test.each([429, 500, 503])('are repeated after %i, and whole when only the last answer was lost', async (status) => {
    const store = await open()
    let failures = 2
    double.fault = ({ kind }) =>
      kind === 'insert' && failures-- > 0 ? (failures === 0 ? 'lose-answer' : status) : undefined
    await store.write([batch(4)])
    expect((await store.listSpans(everything)).items).toHaveLength(4)
    expect(await store.counts('p')).toStrictEqual({ stored: 4n, duplicates: 0n })
  })

  test('give up after a bounded number of tries', async () => {
    const store = await open()
    double.fault = ({ kind }) => (kind === 'insert' ? 503 : undefined)
    await expect(store.write([batch(1)])).rejects.toMatchObject({
      code: 'store/unavailable',
      message: 'store: cannot insert into spans in BigQuery (503): try again later',
    })
    expect(inserts()).toHaveLength(3)
  })

  test('tell what is missing or forbidden', async () => {
    const store = await open()
    double.fault = () => 403
    await expect(store.write([batch(1)])).rejects.toThrow('(403): grant the function access to it')
    double.fault = () => 404
    await expect(store.counts('p')).rejects.toThrow('(404): it is missing: deploy infra')
    await store.close()
    await expect(store.write([batch(1)])).rejects.toMatchObject({ code: 'store/unavailable' })
  })

  test("of an SDK's largest export go at once, in two round trips with the books", async () => {
    const store = await open()
    const order: string[] = []
    double.fault = ({ kind, table }) => void (kind === 'insert' && order.push(table))
    await store.write([batch(512)])
    expect(order).toStrictEqual(['spans', 'spans', 'batches'])
  })

  test('tell which rows BigQuery refuses, and store those beside them', async () => {
    const store = await open()
    double.fault = ({ kind, table }) => (kind === 'insert' && table === 'spans' ? 'refuse-row' : undefined)
    const results = await store.write([batch(2, 0, 'a'), batch(3, 0, 'b')])
    expect(results).toStrictEqual([
      { stored: 2, duplicates: 0 },
      { stored: 2, duplicates: 0, refused: [{ index: 2, reason: 'the row is invalid' }] },
    ])
    // Asked once: what is invalid stays so.
    expect(inserts()).toHaveLength(1)
    double.fault = () => undefined
    expect(await store.counts('p')).toStrictEqual({ stored: 2n, duplicates: 2n })
  })

  test('send a row again that was only left for later, and no other', async () => {
    const store = await open()
    let left = 2
    double.fault = ({ kind, table }) => (kind === 'insert' && table === 'spans' && left-- > 0 ? 'stop-row' : undefined)
    expect(await store.write([batch(3)])).toStrictEqual([{ stored: 3, duplicates: 0 }])
    expect(inserts().map(({ rows }) => rows)).toStrictEqual([3, 1, 1])
    expect((await store.listSpans(everything)).items).toHaveLength(3)
    left = 9
    await expect(store.write([batch(3)])).rejects.toMatchObject({ code: 'store/unavailable' })
  })

  test('wait for an answer no longer than they are told, and are whole when it was lost', async () => {
    const store = await open({ timeoutMs: 1_500 })
    let silent = 1
    double.fault = ({ kind, table }) =>
      kind === 'insert' && table === 'spans' && silent-- > 0 ? 'no-answer' : undefined
    expect(await store.write([batch(3)])).toStrictEqual([{ stored: 3, duplicates: 0 }])
    expect(inserts()).toHaveLength(2)
    const hasty = await open({ timeoutMs: 20 })
    double.fault = () => 'no-answer'
    await expect(hasty.write([batch(3, 0, 'e')])).rejects.toMatchObject({
      code: 'store/unavailable',
      message: 'store: cannot insert into spans in BigQuery (no answer): try again later',
    })
  })

  test('refuse a row that is larger than a request, alone', async () => {
    const store = await open()
    double.fault = ({ table, bytes }) => (table === 'spans' && bytes > 10_000_000 ? 413 : undefined)
    const [small] = batch(1).spans as [PricedSpan]
    const large = { ...small, span: { ...small.span, spanId: 'ff'.repeat(8), statusMessage: 'x'.repeat(11_000_000) } }
    const results = await store.write([{ ...batch(1), spans: [large, small] }])
    expect(results).toMatchObject([{ stored: 1, refused: [{ index: 0, reason: 'it is larger than BigQuery takes' }] }])
  })
})

describe('queries', () => {
  test('always name the partitions they read, and take every value as a parameter', async () => {
    const store = await open()
    const hostile = "'; DROP TABLE spans; --"
    const filter = { project: hostile, from: NOW, to: NOW + 1n, user: [hostile] }
    await store.listSpans({ ...everything, filter })
    await store.listTraces({ filter, sort: 'cost', order: 'desc', pageSize: 5 })
    await store.usage({ filter, groupBy: ['model'], maxRows: 10 })
    await store.getTrace(hostile, 'ab'.repeat(16), { limit: 10 })
    await store.counts(hostile)
    const texts = double.requests.flatMap(({ kind, body }) =>
      kind === 'query' && Object.keys(body).length > 0 ? [JSON.stringify(body)] : [],
    )
    expect(texts.length).toBeGreaterThanOrEqual(5)
    for (const text of texts) {
      // The books have no partitions.
      if (!text.includes('.batches`')) expect(text).toMatch(/start_time >= CAST\(@p\d+ AS TIMESTAMP\)/)
      expect(text).toContain('maximumBytesBilled')
      const { query } = findQuery(JSON.parse(text))
      expect(query).not.toContain('DROP')
    }
  })

  test('that would read more than may be billed are refused unread, and say how much that is', async () => {
    const billed: number[] = []
    const store = await open({ maxBytesBilled: 1_000_000, onBilled: (bytes) => billed.push(bytes) })
    double.queryBytes = 10_485_760
    await expect(store.listSpans(everything)).rejects.toMatchObject({
      code: 'query/invalid',
      message:
        'query: this would read 10485760 bytes or more, and 1000000 are allowed: narrow the time range, or raise SPANLEDGER_GCP_MAX_QUERY_BYTES',
    })
    double.queryBytes = 1_000_000
    await store.listSpans(everything)
    double.queryBytes = 0
    expect(billed).toHaveLength(1)
  })

  test('of all spans are run once, and read part by part', async () => {
    const billed: number[] = []
    const store = await open({ scanRows: 3, onBilled: (bytes) => billed.push(bytes) })
    await store.write([batch(8)])
    double.requests.length = 0
    const filter = { project: 'p', traceIds: { from: '0' }, tracesWith: { project: 'p', from: NOW, to: NOW + 1n } }
    const parts = await Array.fromAsync(store.scanSpans({ filter, order: 'trace' }))
    expect(parts.map((part) => part.length)).toStrictEqual([3, 3, 2])
    expect(parts.flat().map(({ span }) => Number(span.spanId))).toStrictEqual([1, 2, 3, 4, 5, 6, 7, 8])
    const run = double.requests.filter(({ body }) => JSON.stringify(body).includes('maximumBytesBilled'))
    expect(run).toHaveLength(1)
    expect(billed).toHaveLength(1)
    expect(JSON.stringify(run)).toContain('2023-11-13T22:13:20.000000Z')
    double.queryBytes = 2 ** 40
    await expect(Array.fromAsync(store.scanSpans({ filter, order: 'any' }))).rejects.toMatchObject({
      code: 'query/invalid',
    })
    double.queryBytes = 0
  })

  test('count spans from before yesterday once an hour, and newer ones each time', async () => {
    const nanos = 1_000_000n
    let now = Number(NOW / nanos)
    const store = await open({ now: () => now })
    const older = ({ context, spans }: SpanBatch) => ({
      context: { ...context, digest: `${context.digest} older` },
      spans: spans.map(({ span, ledger }) => ({
        ledger,
        span: { ...span, traceId: 'a'.repeat(32), startTimeUnixNano: NOW - 3n * 86_400_000n * nanos },
      })),
    })
    await store.write([batch(3), older(batch(5)), batch(3, 0, 'again')])
    const counts = () => double.requests.filter(({ body }) => JSON.stringify(body).includes('DISTINCT')).length
    expect(await store.counts('p')).toStrictEqual({ stored: 8n, duplicates: 3n })
    await store.write([batch(4, 0, 'new'), older(batch(6, 0, 'late'))])
    expect(await store.counts('p')).toStrictEqual({ stored: 9n, duplicates: 12n })
    expect(counts()).toBe(3)
    now += 3_600_000
    expect(await store.counts('p')).toStrictEqual({ stored: 10n, duplicates: 11n })
    now += 86_400_000
    expect(await store.counts('p')).toStrictEqual({ stored: 10n, duplicates: 11n })
    expect(counts()).toBe(7)
  })

  test('that count more spans than may be billed leave duplicates with what is stored', async () => {
    const store = await open({ maxBytesBilled: 1_000_000 })
    await store.write([batch(2)])
    await store.write([batch(2, 0, 'again')])
    double.fault = ({ body }) => {
      double.queryBytes = JSON.stringify(body).includes('start_time < ') ? 2_000_000 : 0
      return undefined
    }
    expect(await store.counts('p')).toStrictEqual({ stored: 4n, duplicates: 0n })
    double.queryBytes = 0
  })

  test('for a further page of spans read no days that earlier pages have shown', async () => {
    const store = await open()
    const month = { ...everything, filter: { project: 'p', from: NOW, to: NOW + 30n * 86_400_000_000_000n } }
    const after = { value: NOW + 20n * 86_400_000_000_000n, id: `${'1'.repeat(32)}:${'1'.repeat(16)}` }
    await store.listSpans({ ...month, after })
    await store.listSpans({ ...month, order: 'desc', after })
    const text = JSON.stringify(double.requests)
    expect(text).toContain('2023-12-03T22:13:20.000000Z')
    expect(text).toContain('2023-12-05T22:13:20.000001Z')
  })

  test('show of the newest traces what began days before', async () => {
    const store = await open({ now: () => Number(NOW / 1_000_000n) })
    const { context, spans } = batch(3)
    const days = [0n, 5n, 0n]
    const written = spans.map(({ span, ledger }, n) => {
      const start = NOW - days[n]! * 86_400_000_000_000n
      const traceId = n < 2 ? 'f'.repeat(32) : 'b'.repeat(32)
      return { ledger, span: { ...span, traceId, startTimeUnixNano: start, endTimeUnixNano: NOW } }
    })
    const more = batch(1, 0, 'more').spans.map(({ span, ledger }) => ({
      ledger,
      span: { ...span, traceId: 'c'.repeat(32) },
    }))
    await store.write([
      { context, spans: written },
      { ...batch(1, 0, 'more'), spans: more },
    ])
    const seen: [string, number][] = []
    for (let after: Cursor | null | undefined; after !== null; ) {
      const page = await store.listTraces({ ...everything, order: 'desc', pageSize: 1, ...(after && { after }) })
      for (const { traceId, spanCount } of page.items) seen.push([traceId[0]!, spanCount])
      after = page.next
    }
    expect(seen).toStrictEqual([
      ['c', 1],
      ['b', 1],
      ['f', 2],
    ])
  })

  test('read what spans are of a trace or page from the days that these are of, once their sizes are known', async () => {
    const store = await open({ now: () => Number(NOW / 1_000_000n) })
    await store.write([batch(3)])
    const traceId = batch(1).spans[0]!.span.traceId
    const reads = async (read: () => Promise<unknown>) => {
      double.requests.length = 0
      await read()
      const asked = double.requests.map(({ body }) => JSON.stringify(body))
      return asked.filter((text) => text.includes('current_spans')).map((text) => text.includes('2023-11-15T22:13:20'))
    }
    expect(await reads(() => store.getTrace('p', traceId, { limit: 10 }))).toStrictEqual([false, true])
    expect(await reads(() => store.listSpans(everything))).toStrictEqual([false, true])
    const newest = { ...everything, order: 'desc', pageSize: 2 } as const
    double.requests.length = 0
    await store.listSpans(newest)
    for (const { body } of double.requests.filter(({ kind }) => kind === 'query'))
      if (Object.keys(body).length > 0) expect(JSON.stringify(body)).not.toContain('1970-01-01')
  })

  test('read a day around the time range, no more', async () => {
    const store = await open()
    await store.usage({ filter: { project: 'p', from: NOW, to: NOW + 1n }, groupBy: [], maxRows: 10 })
    const text = JSON.stringify(double.requests)
    expect(text).toContain('2023-11-13T22:13:20.000000Z')
    expect(text).toContain('2023-11-15T22:13:20.000001Z')
  })
})

test('a correction holds in every answer and in the view, whatever comes first', async () => {
  for (const correctionFirst of [false, true]) {
    const store = await open()
    const plain = batch(2, 0, 'spans')
    const [first] = plain.spans as [PricedSpan, PricedSpan]
    const corrected = { ...first.ledger, costPicoUsd: 5n, costStatus: 'priced' as const, revision: 3 }
    const older = { ...corrected, costPicoUsd: 9n, revision: 2 }
    const corrections = [older, corrected].map((ledger) => ({ span: first.span, ledger }))
    const correction = { context: { ...plain.context, digest: 'spans.c0' }, spans: [], corrections }
    for (const written of correctionFirst ? [correction, plain] : [plain, correction]) await store.write([written])
    const { items } = await store.listSpans(everything)
    expect(items.map(({ ledger }) => ledger.costPicoUsd)).toStrictEqual([5n, first.ledger.costPicoUsd])
    const client = createBigQueryClient({ projectId: 'p', dataset: 'd', apiEndpoint: double.url })
    const rows = await client.query({ text: uniqueSpansView(`p.d${used - 1}`), values: [] })
    expect(rows.map(({ cost_pico_usd }) => cost_pico_usd)).toEqual(expect.arrayContaining([5n]))
    expect(rows).toHaveLength(2)
  }
})

function findQuery(body: Record<string, unknown>): { query: string } {
  if (typeof body.query === 'string') return { query: body.query }
  return findQuery((body.configuration ?? body.query) as Record<string, unknown>)
}
