import type { BookEntry } from '../books.ts'
import { SpanledgerError } from '../errors.ts'
import { type BigQueryClient, type BigQueryOptions, createBigQueryClient, type RefusedRow } from './bigquery/client.ts'
import { type CountOptions, createCounter } from './bigquery/counts.ts'
import { bigQueryDialect } from './bigquery/dialect.ts'
import { lookBack } from './bigquery/lookback.ts'
import { correctionRows, type PlacedRow, spanRows } from './bigquery/rows.ts'
import { type Scope, scoped } from './bigquery/scope.ts'
import { enterInto } from './bigquery-books.ts'
import { createSqlReader } from './sql/reader.ts'
import { selectAll } from './sql/spans.ts'
import { readSpan } from './sql/stored-span.ts'
import type { TimeRange } from './sql/time-range.ts'
import type { BatchResult, SpanBatch, SpanFilter, SpanQuery, TraceStore } from './trace-store.ts'

const DAY_NANOS = 86_400_000_000_000n
const WEEK_NANOS = 7n * DAY_NANOS
const LIMIT = 2n ** 63n - 1n

export interface BigQueryStoreOptions extends BigQueryOptions, Pick<CountOptions, 'recountMs' | 'now'> {
  /** How far beyond a query's time range is read, on either side, in nanoseconds. @defaultValue a day */
  readonly marginNanos?: bigint
  /** Has the books say how many spans of each batch are stored, before a write resolves. @defaultValue inserts that at once */
  readonly enter?: (entries: readonly BookEntry[]) => Promise<void>
}

/**
 * The trace store in BigQuery: rows are only ever added, and told apart when they are read. A batch that comes again adds rows
 * that no reader sees; so {@link TraceStore.write} says of every span that it was stored, and `counts` knows better.
 *
 * Queries read the partitions of the filter's time range and a margin. Of a trace that reaches beyond it a list shows the part
 * within, and a span that was sent twice with start times further apart counts in both ranges. The newest of a list are shown with what
 * they have of a week before, where the last day has a page of them.
 */
export async function openBigQueryStore(options: BigQueryStoreOptions): Promise<TraceStore> {
  const client = options.client ?? createBigQueryClient(options)
  const { marginNanos = DAY_NANOS, now = Date.now, enter = (entries) => enterInto(client, entries) } = options
  const dataset = `${options.projectId}.${options.dataset}`
  const lookBackNanos = marginNanos > WEEK_NANOS ? marginNanos : WEEK_NANOS
  const nanosNow = () => BigInt(now()) * 1_000_000n
  let closed = false
  const count = createCounter(client, { ...options, dataset })
  const reader = (scope: Scope) => {
    if (closed) throw new SpanledgerError('store/unavailable', 'the trace store is closed')
    return createSqlReader({
      dialect: bigQueryDialect,
      query: (statement, time) => client.query(scoped(statement, narrow(scope, time, marginNanos), dataset)),
    })
  }

  return {
    async write(given) {
      if (closed) throw new SpanledgerError('store/unavailable', 'the trace store is closed')
      const batches = [...given]
      const [spans, corrections] = await Promise.all([
        insertEach(client, 'spans', { batches, rowsOf: spanRows }),
        insertEach(client, 'corrections', { batches, rowsOf: correctionRows }),
      ])
      const results = batches.map((batch, index): BatchResult => {
        const late = corrections[index]!.map((row) => ({ ...row, index: row.index + batch.spans.length }))
        const refused = [...spans[index]!, ...late]
        const stored = batch.spans.length - spans[index]!.length
        return { stored, duplicates: 0, ...(refused.length > 0 && { refused }) }
      })
      // Last: what is in the books is stored.
      const entries = batches.map((batch, index) => storedEntry(batch, results[index]!))
      await enter(entries.filter(({ spans }) => spans > 0))
      return results
    },
    getTrace: async (project, traceId, limit) => reader({ project, traceId }).getTrace(project, traceId, limit),
    listSpans: (query) =>
      lookBack(query, nanosNow(), {
        list: async (asked) => reader(scopeOf(remaining(asked), marginNanos)).listSpans(asked),
        startOf: ({ span }) => span.startTimeUnixNano,
      }),
    listTraces: (query) =>
      lookBack(query, nanosNow(), {
        // A trace may have begun days before the newest of its spans.
        list: async (asked) =>
          reader(scopeOf(asked.filter, asked === query ? marginNanos : lookBackNanos)).listTraces(asked),
        startOf: ({ startTimeUnixNano }) => startTimeUnixNano,
      }),
    async *scanSpans(query) {
      if (closed) throw new SpanledgerError('store/unavailable', 'the trace store is closed')
      const statement = scoped(selectAll(query, bigQueryDialect), scopeOf(query.filter, marginNanos), dataset)
      for await (const rows of client.scan(statement)) yield rows.map((row) => readSpan(row, bigQueryDialect))
    },
    usage: async (query) => reader(scopeOf(query.filter, marginNanos)).usage(query),
    async counts(project) {
      if (closed) throw new SpanledgerError('store/unavailable', 'the trace store is closed')
      return count(project)
    },
    async close() {
      closed = true
    },
  }
}

function storedEntry({ context }: SpanBatch, { stored }: BatchResult): BookEntry {
  const { project, digest, ingestedAt } = context
  const at = Number(ingestedAt / 1_000_000n)
  return { kind: 'stored', project, digest, spans: stored, subscription: 'warehouse', reason: '', at }
}

/** Inserts the rows of several batches together; returns what is refused of each, by its place there. */
async function insertEach(
  client: Pick<BigQueryClient, 'insert'>,
  table: string,
  {
    batches,
    rowsOf,
  }: { readonly batches: readonly SpanBatch[]; readonly rowsOf: (batch: SpanBatch) => Iterable<PlacedRow> },
): Promise<RefusedRow[][]> {
  const places: { readonly batch: number; readonly index: number }[] = []
  function* rows() {
    for (const [batch, own] of batches.entries())
      for (const { index, row } of rowsOf(own)) {
        places.push({ batch, index })
        yield row
      }
  }
  const results = batches.map((): RefusedRow[] => [])
  for (const { index: at, reason } of await client.insert(table, rows())) {
    const { batch, index } = places[at]!
    results[batch]!.push({ index, reason })
  }
  return results
}

/** The filter, less the time that earlier pages have shown. */
function remaining({ filter, sort, order, after }: SpanQuery): SpanFilter {
  if (after === undefined || sort !== 'startTime') return filter
  const { from = 0n, to = LIMIT } = filter
  const { value } = after
  if (order === 'asc') return value > from ? { ...filter, from: value } : filter
  return value < to ? { ...filter, to: value + 1n } : filter
}

/** The part of the table that a filter can need, and `margin` nanoseconds more on either side. */
function scopeOf({ project, traceId, traceIds, tracesWith, ...filter }: SpanFilter, margin: bigint): Scope {
  const { from = tracesWith?.from, to = tracesWith?.to } = filter
  return {
    project,
    ...(traceId !== undefined && { traceId }),
    ...(traceIds !== undefined && { traceIds }),
    ...(from !== undefined && { from: clamp(from - margin) }),
    ...(to !== undefined && { to: clamp(to + margin) }),
  }
}

/** The part of `scope` that a statement needs of which only what started within `time` matters, and `margin` around it. */
function narrow(scope: Scope, time: TimeRange | undefined, margin: bigint): Scope {
  if (time === undefined) return scope
  const from = clamp(time.from - margin)
  const to = time.to === undefined ? undefined : clamp(time.to + margin)
  const { from: begin = 0n, to: end = LIMIT } = scope
  return { ...scope, from: from > begin ? from : begin, ...(to !== undefined && { to: to < end ? to : end }) }
}

function clamp(nanos: bigint): bigint {
  return nanos < 0n ? 0n : nanos > LIMIT ? LIMIT : nanos
}
