import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isSpanledgerError } from '../errors.ts'
import type { PricedSpan } from '../spans/ledger.ts'
import { MAX_NAME_LENGTH } from '../spans/name.ts'
import { spanBytes } from '../spans/size.ts'
import type { Span } from '../spans/span.ts'
import { MAX_TRACE_MODELS } from './trace-models.ts'
import { batches, filter, looseFilter, pricedSpan, sizedBatches, usageQuery } from './trace-store.arbitraries.ts'
import { createModelStore } from './trace-store.model.ts'
import type {
  Cursor,
  Page,
  ScanQuery,
  SpanBatch,
  SpanQuery,
  StoredSpan,
  TraceQuery,
  TraceStore,
} from './trace-store.ts'

/** What is different about a store. */
export interface TraceStoreTraits {
  /** How often each property is tried. @defaultValue 30 */
  readonly runs?: number
  /** Whether a write says what it found there already; else `counts` alone knows. @defaultValue true */
  readonly tellsDuplicates?: boolean
}

/**
 * What every trace store must do, whatever it is built on: it gives the same answers as a model that looks at plain objects.
 * Each run of a property has a project namespace of its own in one store, since opening a store costs more than asking it.
 */
export function traceStoreSuite(name: string, open: () => Promise<TraceStore>, traits: TraceStoreTraits = {}): void {
  const { runs = 30, tellsDuplicates = true } = traits
  const RUNS = { numRuns: runs }
  describe(name, () => {
    let store: TraceStore
    let run = 0
    beforeAll(async () => {
      store = await open()
    })
    afterAll(() => store.close())

    /** `list` with projects and digests that no other run has. */
    function ownProjects(list: readonly SpanBatch[]): SpanBatch[] {
      const mark = ++run
      return list.map((batch) => ({
        ...batch,
        context: {
          ...batch.context,
          project: `${batch.context.project}/${mark}`,
          digest: `${batch.context.digest}/${mark}`,
        },
      }))
    }

    async function filled(list: readonly SpanBatch[]) {
      const model = createModelStore()
      const own = ownProjects(list)
      await model.write(own)
      await store.write(own)
      return { model, project: (project: string) => `${project}/${run}` }
    }

    test('gives spans back exactly as they came', async () => {
      await fc.assert(
        fc.asyncProperty(pricedSpan, async (priced) => {
          const [batch] = ownProjects([
            { context: { project: 'p', digest: 'd', ingestedAt: 2n ** 63n - 1n }, spans: [priced] },
          ])
          const { context } = batch as SpanBatch
          await store.write([batch as SpanBatch])
          expect(await store.getTrace(context.project, priced.span.traceId, { limit: 10 })).toStrictEqual({
            spans: [{ ...priced, context }],
            truncated: false,
          })
        }),
        { numRuns: 3 * runs },
      )
    })

    test('keeps the same, whatever is delivered twice, together or in another order', async () => {
      await fc.assert(
        fc.asyncProperty(batches, fc.infiniteStream(fc.nat()), async (list, random) => {
          const own = ownProjects(list)
          const model = createModelStore()
          await model.write(own)
          for (const call of deliveries([...own, ...own], random)) await store.write(call)
          for (const project of new Set(own.map(({ context }) => context.project))) {
            expect(await store.counts(project)).toStrictEqual(await model.counts(project))
            const query = { filter: { project }, sort: 'startTime', order: 'asc', pageSize: 100 } as const
            expect(await store.listSpans(query)).toStrictEqual(await model.listSpans(query))
          }
        }),
        RUNS,
      )
    })

    test('keeps spans of any size whole, whatever is delivered twice and whichever version or ledger holds', async () => {
      await fc.assert(
        fc.asyncProperty(sizedBatches, fc.infiniteStream(fc.nat()), async (list, random) => {
          const own = ownProjects(list)
          const model = createModelStore()
          await model.write(own)
          for (const call of deliveries([...own, ...own], random)) await store.write(call)
          for (const project of new Set(own.map(({ context }) => context.project))) {
            const query = { filter: { project }, sort: 'startTime', order: 'asc', pageSize: 100 } as const
            const page = await model.listSpans(query)
            expect(await store.listSpans(query)).toStrictEqual(page)
            for (const traceId of new Set(page.items.map(({ span }) => span.traceId))) {
              const trace = await model.getTrace(project, traceId, { limit: 100 })
              expect(await store.getTrace(project, traceId, { limit: 100 })).toStrictEqual(trace)
            }
          }
        }),
        { numRuns: Math.ceil(runs / 3) },
      )
    })

    test('of a span that is twice in one message, with one end, now the one was shown and now the other', async () => {
      const [sample] = fc.sample(pricedSpan, { numRuns: 1, seed: 7 }) as [PricedSpan]
      const named = (name: string) => ({ ...sample, span: { ...sample.span, name } })
      const context = { project: 'twice', digest: 'twice', ingestedAt: 1_700_000_000_000_000_000n }
      for (let time = 0; time < 2; time++)
        await store.write([{ context, spans: ['first', 'second', 'last'].map(named) }])
      const { spans } = await store.getTrace('twice', sample.span.traceId, { limit: 10 })
      expect(spans.map(({ span }) => span.name)).toStrictEqual(['last'])
      expect(await store.counts('twice')).toStrictEqual({ stored: 1n, duplicates: 2n })
    })

    test('a byte order mark at the start of a text was lost on the way back', async () => {
      const [sample] = fc.sample(pricedSpan, { numRuns: 1, seed: 7 }) as [PricedSpan]
      const attributes = new Map([['\ufeffkey', '\ufeffvalue']])
      const stored = { ...sample, span: { ...sample.span, name: '\ufeffname', attributes } }
      const context = { project: 'mark', digest: 'mark', ingestedAt: 1_700_000_000_000_000_000n }
      await store.write([{ context, spans: [stored] }])
      const { spans } = await store.getTrace('mark', sample.span.traceId, { limit: 10 })
      expect(spans.map(({ span }) => [span.name, ...span.attributes])).toEqual([
        ['\ufeffname', ['\ufeffkey', '\ufeffvalue']],
      ])
    })

    const testCounts = tellsDuplicates ? test : () => {}
    testCounts('tells stored spans from duplicates', async () => {
      await fc.assert(
        fc.asyncProperty(batches, async (list) => {
          const own = ownProjects(list)
          const model = createModelStore()
          expect(await store.write(own)).toStrictEqual(await model.write(own))
          expect(await store.write(own)).toStrictEqual(own.map(() => ({ stored: 0, duplicates: 0 })))
        }),
        RUNS,
      )
    })

    test('lists spans as the model does, page by page', async () => {
      const query = fc.record({
        filter: fc.oneof(filter, looseFilter),
        sort: fc.constantFrom<SpanQuery['sort'][]>('startTime', 'duration', 'cost', 'trace'),
        order: fc.constantFrom<SpanQuery['order'][]>('asc', 'desc'),
        pageSize: fc.integer({ min: 1, max: 5 }),
        maxBytes: fc.constantFrom(0, 2_000, 5_000, 1_000_000),
      })
      await fc.assert(
        fc.asyncProperty(batches, query, async (list, asked) => {
          const { model, project } = await filled(list)
          const own = { ...asked, filter: { ...asked.filter, project: project(asked.filter.project) } }
          const pages = await allPages((after) => store.listSpans({ ...own, ...after }))
          expect(pages).toStrictEqual(await allPages((after) => model.listSpans({ ...own, ...after })))
        }),
        RUNS,
      )
    })

    test('scans every span that meets a filter once, traces one after another if asked', async () => {
      const query = fc.record({
        filter: fc.oneof(filter, looseFilter),
        order: fc.constantFrom<ScanQuery['order'][]>('trace', 'startTime', 'any'),
      })
      await fc.assert(
        fc.asyncProperty(batches, query, async (list, { filter: asked, order }) => {
          const { model, project } = await filled(list)
          const own = { order, filter: { ...asked, project: project(asked.project) } }
          const found = (await Array.fromAsync(store.scanSpans(own))).flat()
          const expected = (await Array.fromAsync(model.scanSpans(own))).flat()
          const inOrder = order === 'any' ? found.toSorted(byStart) : found
          expect(inOrder).toStrictEqual(expected)
        }),
        RUNS,
      )
    })

    test('ends a page, and a trace, before its spans are too large together', async () => {
      const bounds = fc.record({
        maxBytes: fc.integer({ min: 0, max: 6_000 }),
        pageSize: fc.integer({ min: 1, max: 9 }),
      })
      const bytes = (spans: readonly StoredSpan[]) => spans.reduce((sum, { span }) => sum + spanBytes(span), 0)
      await fc.assert(
        fc.asyncProperty(batches, bounds, async (list, { maxBytes, pageSize }) => {
          const { model, project } = await filled(list)
          for (const filter of [{ project: project('p') }, { project: project("p'2") }]) {
            const query = { filter, sort: 'startTime', order: 'asc', pageSize, maxBytes } as const
            const pages = await allPages((after) => store.listSpans({ ...query, ...after }))
            const whole = await model.listSpans({ ...query, pageSize: 100, maxBytes: Infinity })
            expect(pages.flatMap(({ items }) => items)).toStrictEqual(whole.items)
            for (const { items } of pages) expect(bytes(items.slice(0, -1))).toBeLessThanOrEqual(maxBytes)
            for (const { items } of pages) if (items.length > 1) expect(bytes(items)).toBeLessThanOrEqual(maxBytes)
            for (const traceId of new Set(whole.items.map(({ span }) => span.traceId))) {
              const limits = { limit: pageSize, maxBytes }
              const found = await store.getTrace(filter.project, traceId, limits)
              expect(found).toStrictEqual(await model.getTrace(filter.project, traceId, limits))
              const all = whole.items.filter(({ span }) => span.traceId === traceId)
              expect(found.truncated).toBe(found.spans.length < all.length)
              expect(found.spans.length).toBeGreaterThan(0)
            }
          }
        }),
        RUNS,
      )
    })

    test('lists traces as the model does, page by page', async () => {
      const query = fc.record({
        filter: fc.oneof(filter, looseFilter),
        sort: fc.constantFrom<TraceQuery['sort'][]>('startTime', 'duration', 'cost', 'spanCount'),
        order: fc.constantFrom<TraceQuery['order'][]>('asc', 'desc'),
        pageSize: fc.integer({ min: 1, max: 3 }),
      })
      await fc.assert(
        fc.asyncProperty(batches, query, async (list, asked) => {
          const { model, project } = await filled(list)
          const own = { ...asked, filter: { ...asked.filter, project: project(asked.filter.project) } }
          const pages = await allPages((after) => store.listTraces({ ...own, ...after }))
          expect(pages).toStrictEqual(await allPages((after) => model.listTraces({ ...own, ...after })))
        }),
        RUNS,
      )
    })

    test('sums usage as the model does', async () => {
      await fc.assert(
        fc.asyncProperty(batches, usageQuery, async (list, asked) => {
          const { model, project } = await filled(list)
          const own = { ...asked, filter: { ...asked.filter, project: project(asked.filter.project) } }
          expect(await store.usage(own)).toStrictEqual(await model.usage(own))
        }),
        RUNS,
      )
    })

    test('a list of traces, or usage by service, was as large as their names: 64 KiB each, or megabytes', async () => {
      const [sample] = fc.sample(pricedSpan, { numRuns: 1, seed: 1 }) as [StoredSpan]
      const resource = { ...sample.span.resource, attributes: new Map([['service.name', 's'.repeat(100_000)]]) }
      const span = { ...sample.span, parentSpanId: '', name: 'n'.repeat(60_000), resource }
      const context = { project: 'p', digest: 'd', ingestedAt: 1n }
      const [batch] = ownProjects([{ context, spans: [{ span, ledger: sample.ledger }] }])
      const { project } = (batch as SpanBatch).context
      await store.write([batch as SpanBatch])
      const { items } = await store.listTraces({ filter: { project }, sort: 'startTime', order: 'desc', pageSize: 9 })
      expect(items.map(({ name, serviceName }) => [name, serviceName])).toStrictEqual([
        ['n'.repeat(MAX_NAME_LENGTH), 's'.repeat(MAX_NAME_LENGTH)],
      ])
      const usage = await store.usage({ filter: { project }, groupBy: ['service'], maxRows: 9 })
      expect(usage.map(({ group }) => group)).toStrictEqual([['s'.repeat(MAX_NAME_LENGTH)]])
      expect((await store.getTrace(project, span.traceId, { limit: 1 })).spans).toMatchObject([{ span }])
    })

    test('told all models of a trace in each list, however many it named', async () => {
      const [sample] = fc.sample(pricedSpan, { numRuns: 1, seed: 1 }) as [StoredSpan]
      // U+FF21 comes before U+1F600 by code point, and after it by what JavaScript sorts by.
      const names = Array.from({ length: MAX_TRACE_MODELS + 50 }, (_, n) => (n < 60 ? '\uff21' : '\u{1f600}') + n)
      const spans = names.map((model, n) => ({
        span: { ...sample.span, spanId: String(n + 1).padStart(16, '0') },
        ledger: { ...sample.ledger, model },
      }))
      const [batch] = ownProjects([{ context: { project: 'p', digest: 'd', ingestedAt: 1n }, spans }])
      const { project } = (batch as SpanBatch).context
      await store.write([batch as SpanBatch])
      const { items } = await store.listTraces({ filter: { project }, sort: 'startTime', order: 'desc', pageSize: 9 })
      const [first = '', last = ''] = ['\uff21', '\u{1f600}']
      const told = items[0]?.models ?? []
      expect(told).toHaveLength(MAX_TRACE_MODELS)
      expect(told.filter((name) => name.startsWith(first))).toHaveLength(60)
      expect(told).toStrictEqual(told.toSorted())
      const rest = names.filter((name) => name.startsWith(last)).toSorted()
      expect(told.filter((name) => name.startsWith(last))).toStrictEqual(rest.slice(0, MAX_TRACE_MODELS - 60))
    })

    test('refuses an answer of too many rows and a cursor that is not its own', async () => {
      const [first, second] = fc.sample(pricedSpan, { numRuns: 2, seed: 1 }) as [StoredSpan, StoredSpan]
      const spans = [first, second].map(({ span, ledger }, index) => ({
        span: { ...span, spanId: `${index + 1}`.repeat(16) },
        ledger: { ...ledger, model: `model ${index}` },
      }))
      const [batch] = ownProjects([{ context: { project: 'p', digest: 'd', ingestedAt: 1n }, spans }])
      const own = { filter: { project: (batch as SpanBatch).context.project } }
      await store.write([batch as SpanBatch])
      const refused = (error: unknown) => isSpanledgerError(error, 'query/invalid')
      await expect(store.usage({ ...own, groupBy: ['model'], maxRows: 1 })).rejects.toSatisfy(refused)
      await expect(store.usage({ ...own, groupBy: [], intervalNanos: 0n, maxRows: 9 })).rejects.toSatisfy(refused)
      const query = { ...own, sort: 'startTime', order: 'desc', pageSize: 1 } as const
      for (const value of [2n ** 63n, -2n, 2n ** 200n]) {
        const after = { value, id: "'; DROP TABLE spans --" }
        await expect(store.listTraces({ ...query, after })).rejects.toSatisfy(refused)
        await expect(store.listSpans({ ...query, after })).rejects.toSatisfy(refused)
      }
    })
  })
}

/** `list` shuffled and cut into calls, as `random` has it. */
function deliveries(list: readonly SpanBatch[], random: Iterator<number>): SpanBatch[][] {
  const waiting = [...list]
  const calls: SpanBatch[][] = [[]]
  while (waiting.length > 0) {
    const [batch] = waiting.splice((random.next().value as number) % waiting.length, 1)
    if ((random.next().value as number) % 2 === 0) calls.push([])
    calls.at(-1)?.push(batch as SpanBatch)
  }
  return calls
}

async function allPages<T>(ask: (after: { after?: Cursor }) => Promise<Page<T>>): Promise<Page<T>[]> {
  const pages: Page<T>[] = []
  let next: Cursor | null = null
  do {
    const page: Page<T> = await ask(next === null ? {} : { after: next })
    pages.push(page)
    next = page.next
  } while (next !== null && pages.length < 100)
  return pages
}

function byStart({ span: a }: StoredSpan, { span: b }: StoredSpan): number {
  const place = ({ startTimeUnixNano, traceId, spanId }: Span) =>
    `${String(startTimeUnixNano).padStart(20, '0')}:${traceId}:${spanId}`
  return place(a) < place(b) ? -1 : 1
}
