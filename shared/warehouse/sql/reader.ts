import { SpanledgerError } from '../../errors.ts'
import { scanByPages } from '../scan.ts'
import {
  type Cursor,
  MAX_READ_BYTES,
  type Page,
  type SpanReader,
  type SpanScanner,
  type StoredSpan,
  type TraceQuery,
  type TraceSummary,
} from '../trace-store.ts'
import { fittingRows } from './byte-bound.ts'
import type { Dialect } from './dialect.ts'
import { toPage } from './page.ts'
import { selectSpans, selectSpansBytes, selectTrace, selectTraceBytes, spanCursor } from './spans.ts'
import { type Sql, sql } from './statement.ts'
import { readSpan } from './stored-span.ts'
import { type TimeRange, timeOf } from './time-range.ts'
import { readTrace, selectHorizon, selectTraces, traceCursor } from './traces.ts'
import { readUsage, selectUsage } from './usage.ts'

/** The one seam through which a reader reaches its database. */
export interface SqlSource {
  readonly dialect: Dialect
  /**
   * Rows by column name; integers as `bigint`. What did not start within `time` makes no difference, if that is given. Rejects with
   * `store/unavailable`.
   */
  query(statement: Sql, time?: TimeRange): Promise<readonly Readonly<Record<string, unknown>>[]>
  /** The spans of whole rows of `spans`, for a store that does not keep all of a span there. Rejects likewise. */
  querySpans?(statement: Sql): Promise<readonly StoredSpan[]>
}

/** Spans looked at for each trace wanted, at first; and how much further each next look goes. */
const SPANS_PER_TRACE = 32
const WIDENING = 16

/** A {@link SpanReader} over any database whose {@link Dialect} is known; it scans page by page. */
export function createSqlReader({ dialect, query, ...source }: SqlSource): SpanReader & SpanScanner {
  const querySpans =
    source.querySpans ??
    (async (statement: Sql, time: TimeRange) =>
      (await query(statement, time)).map((row): StoredSpan => readSpan(row, dialect)))
  const reader: SpanReader = {
    async getTrace(project, traceId, { limit, maxBytes = MAX_READ_BYTES }) {
      const sizes = await query(selectTraceBytes(project, traceId, limit, dialect))
      const fitting = fittingRows(sizes, limit, maxBytes)
      const spans = await read(selectTrace(project, traceId, fitting, dialect), sizes.slice(0, fitting))
      return { spans, truncated: fitting < sizes.length }
    },

    async listTraces(request) {
      checkCursor(request.after, request.sort === 'cost' ? 2n ** 90n : 2n ** 63n)
      const newestFirst = request.sort === 'startTime' && request.order === 'desc'
      const traces = newestFirst ? await newestTraces(request) : await readTraces(request, null)
      return page(request, traces)
    },

    async listSpans(request) {
      checkCursor(request.after, 2n ** 63n)
      const { pageSize, maxBytes = MAX_READ_BYTES } = request
      const sizes = await query(selectSpansBytes(request, dialect))
      const fitting = fittingRows(sizes, pageSize, maxBytes)
      const items = await read(selectSpans(request, fitting, dialect), sizes.slice(0, fitting))
      const last = items.at(-1)
      return { items, next: last === undefined || fitting === sizes.length ? null : spanCursor(last, request.sort) }
    },

    async usage(request) {
      if (request.intervalNanos !== undefined && request.intervalNanos <= 0n) {
        throw new SpanledgerError('query/invalid', 'the interval must be positive')
      }
      const rows = await query(selectUsage(request, dialect))
      if (rows.length > request.maxRows) {
        const advice = 'narrow the time range, widen the interval or group by less'
        throw new SpanledgerError('query/invalid', `the answer has more than ${request.maxRows} rows: ${advice}`)
      }
      return readUsage(rows, request, dialect)
    },

    async counts(project) {
      const [row] =
        await query(sql`SELECT ${dialect.sum(sql`stored`)} AS stored, ${dialect.sum(sql`duplicates`)} AS duplicates
FROM batches WHERE project_id = ${project}`)
      const read = (sum: unknown) => (sum === null || sum === undefined ? 0n : dialect.readAmount(sum))
      return { stored: read(row?.stored), duplicates: read(row?.duplicates) }
    },
  }
  return { ...reader, ...scanByPages(reader) }

  /** The spans whose sizes and times are known. */
  async function read(statement: Sql, sizes: readonly Readonly<Record<string, unknown>>[]) {
    return sizes.length === 0 ? [] : querySpans(statement, timeOf(sizes))
  }

  async function readTraces(request: TraceQuery, horizon: bigint | null): Promise<TraceSummary[]> {
    const rows = await query(selectTraces(request, horizon, dialect), horizon === null ? undefined : { from: horizon })
    return rows.map((row) => readTrace(row, dialect))
  }

  /**
   * The newest traces are among the newest spans: looks back only as far as a page may reach, and further when that was
   * not far enough. What starts after the horizon is complete whatever the horizon, so the answer does not depend on it.
   */
  async function newestTraces(request: TraceQuery): Promise<TraceSummary[]> {
    for (let rank = (request.pageSize + 1) * SPANS_PER_TRACE; ; rank *= WIDENING) {
      const [row] = await query(selectHorizon(request, rank, dialect))
      if (row === undefined) return readTraces(request, null)
      const traces = await readTraces(request, row.horizon as bigint)
      if (traces.length > request.pageSize) return traces
    }
  }
}

function page({ pageSize, sort }: TraceQuery, traces: readonly TraceSummary[]): Page<TraceSummary> {
  return toPage(traces, pageSize, (trace) => traceCursor(trace, sort))
}

/** A cursor comes back from a client and may be anything; its value must be one that the store's types can hold. */
function checkCursor(cursor: Cursor | undefined, limit: bigint): void {
  if (cursor === undefined || (cursor.value >= -1n && cursor.value < limit)) return
  throw new SpanledgerError('query/invalid', 'the page token is not one of ours')
}
