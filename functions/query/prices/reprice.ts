import type { Cursor } from '../../../shared/warehouse/trace-store.ts'
import type { RepriceChange, RepriceReport } from './reprice-report.ts'
import { publishCorrections, type RepriceRun, type RepriceSources, repriceTrace, type Window } from './reprice-trace.ts'
import { FIRST_TRACE_ID, MAX_DEPTH, traceIdRange } from './trace-id-range.ts'
import { wholeTraces } from './whole-traces.ts'

/** Spans of a range, if the ids are spread evenly. Not less: of a day's spans BigQuery reads, and bills, whole blocks. */
const SPANS_PER_RANGE = 50_000
/** A page that has taken this long ends early, in milliseconds: a request to a function may take a minute. */
const PAGE_MS = 20_000
const DAY_NANOS = 86_400_000_000_000n

/** What is repriced: spans that start in [`from`, `to`), in nanoseconds since 1970, of one model if one is given. */
export interface RepriceQuery {
  readonly project: string
  readonly from: bigint
  readonly to: bigint
  readonly model?: string
  /** Publishes corrections; without, nothing changes. */
  readonly apply: boolean
  readonly after?: Cursor
  /** About as many spans are read at once. @defaultValue 50,000 */
  readonly spansPerRange?: number
}

export interface RepricePage {
  readonly spans: number
  /** Traces that are too large. */
  readonly skipped: number
  readonly changes: readonly RepriceChange[]
  readonly next: Cursor | null
}

/**
 * Prices a page of traces anew, each as a whole, and publishes a correction for every span whose cost, or why it has none,
 * is another now. What was priced before stays as it was; applying twice changes nothing more.
 *
 * Goes day by day, and in each by ranges of trace ids that hold about as many spans: read each once.
 */
export async function repricePage(query: RepriceQuery, sources: RepriceSources): Promise<RepricePage> {
  const endAt = sources.now() + PAGE_MS
  const report: RepriceReport = { spans: 0, skipped: 0, changes: new Map() }
  const run: RepriceRun = { ...query, sources, report, corrections: [] }
  let place = query.after === undefined ? await findPlace(query, query.from, sources) : readPlace(query.after)
  while (place !== null) {
    place = await repriceRange(run, query, place, endAt)
    await publishCorrections(run)
    if (sources.now() >= endAt) break
  }
  const { spans, skipped, changes } = report
  return { spans, skipped, changes: [...changes.values()], next: place && placeCursor(place) }
}

/** Where repricing has come to. */
interface Place {
  /** Start of the day, in nanoseconds since 1970. */
  readonly day: bigint
  /** The first trace id of it that is left. */
  readonly from: string
  /** Of the next range: see {@link traceIdRange}. */
  readonly depth: number
}

/** The first day with spans from `from` on, and how finely to cut it; null where there are none. */
async function findPlace(query: RepriceQuery, from: bigint, { reader }: RepriceSources): Promise<Place | null> {
  const [sum] = await reader.usage({
    filter: { ...meant(query), from: from > query.from ? from : query.from },
    groupBy: [],
    maxRows: 1,
  })
  if (sum === undefined) return null
  const [first, last] = [sum.firstSeen, sum.lastSeen].map((time) => time / DAY_NANOS) as [bigint, bigint]
  const ranges = sum.spans / Number(last - first + 1n) / (query.spansPerRange ?? SPANS_PER_RANGE)
  return { day: first * DAY_NANOS, from: FIRST_TRACE_ID, depth: Math.max(0, Math.ceil(Math.log2(ranges))) }
}

function placeCursor({ day, from, depth }: Place): Cursor {
  return { value: day, id: `${from}:${depth}` }
}

function readPlace({ value, id }: Cursor): Place {
  const [from = '', depth = ''] = id.split(':')
  return { day: value, from, depth: Math.min(Number(depth), MAX_DEPTH) }
}

/** Reprices the traces of one day and range, and says where to go on: behind it, or in it, if it was too much. */
async function repriceRange(
  run: RepriceRun,
  query: RepriceQuery,
  { day, from, depth }: Place,
  endAt: number,
): Promise<Place | null> {
  const { reader, now } = run.sources
  const { spansPerRange = SPANS_PER_RANGE } = query
  const range = traceIdRange(from, depth)
  const window = {
    ...meant(query),
    from: query.from > day ? query.from : day,
    to: query.to < day + DAY_NANOS ? query.to : day + DAY_NANOS,
  }
  const filter = { project: query.project, traceIds: range, tracesWith: window }
  // What is said of a trace from here on knows more of it than what is about to be read.
  const readAt = now() * 1000
  let spans = 0
  for await (const trace of wholeTraces(reader.scanSpans({ filter, order: 'trace' }))) {
    const isTooMuch = spans > 4 * spansPerRange
    if (spans > 0 && (isTooMuch || now() >= endAt))
      return { day, from: trace.traceId, depth: isTooMuch ? Math.min(depth + 2, MAX_DEPTH) : depth }
    spans += trace.spans?.length ?? 1
    await repriceTrace(run, trace, window, readAt)
  }
  const next = spans < spansPerRange / 8 ? Math.max(0, depth - 1) : depth
  if (range.to !== undefined) return { day, from: range.to, depth: next }
  const tomorrow = day + DAY_NANOS
  if (tomorrow >= query.to) return null
  return spans === 0 && from === FIRST_TRACE_ID
    ? findPlace(query, tomorrow, run.sources)
    : { day: tomorrow, from: FIRST_TRACE_ID, depth: next }
}

function meant({ project, from, to, model }: RepriceQuery): Window {
  return { project, from, to, ...(model !== undefined && { model: [model] }) }
}
