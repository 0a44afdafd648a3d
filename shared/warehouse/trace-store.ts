import type { RowContext } from '../spans/columns.ts'
import type { CostStatus, PricedSpan } from '../spans/ledger.ts'
import type { SpanKind, StatusCode } from '../spans/span.ts'

/** The priced spans of one bus message: what a store takes or refuses as a whole. */
export interface SpanBatch {
  readonly context: RowContext
  readonly spans: readonly PricedSpan[]
  /**
   * What was said of earlier spans holds no more: their ids, and their ledgers as they are now (`ledger.revision` > 0). All
   * else of the span is left out. Absent in a message of spans.
   */
  readonly corrections?: readonly PricedSpan[]
}

/** What became of one batch's spans in a store. A batch whose digest is already stored counts as nothing new. */
export interface BatchResult {
  readonly stored: number
  /** Spans that the store already had from another batch: of two that differ, one holds whatever their order. */
  readonly duplicates: number
  /** Spans that can never be stored, in a store that takes the others nevertheless; absent when there are none. */
  readonly refused?: readonly RefusedSpan[]
}

/** A span that a store can never hold. */
export interface RefusedSpan {
  /** Its place in the batch: among its spans, and after those among its corrections. */
  readonly index: number
  readonly reason: string
}

/**
 * Where spans go. All batches of a call are stored in one transaction, or none is and the call rejects: with `store/rejected`
 * if one of them can never be stored, with `store/unavailable` if the same call may succeed later. A store without transactions
 * stores what it can, returns what it refuses, and may have stored a part of a call that it rejects.
 */
export interface SpanWriter {
  /**
   * Batches whose digest is already stored change nothing. A span (project, trace id, span id) is stored once, whichever
   * batches it comes in: of its versions the one with the later end holds, then the one of the greater digest, then the later
   * one of its batch. Results in the order of `batches`; over all calls, stored + duplicates = the spans of distinct digests.
   * `batches` are read once, in their order, and may be made as they are read: a store that lets go of them again needs not hold all.
   */
  write(batches: Iterable<SpanBatch>): Promise<readonly BatchResult[]>
  close(): Promise<void>
}

/** Which spans: all given conditions hold; within a list any one does. `project` is never optional. */
export interface SpanFilter {
  readonly project: string
  /** Start time in nanoseconds since 1970: `from` inclusive, `to` exclusive. */
  readonly from?: bigint
  readonly to?: bigint
  readonly traceId?: string
  /** Trace ids from `from`, inclusive, to `to`, exclusive, if there is one. */
  readonly traceIds?: { readonly from: string; readonly to?: string }
  /** Of traces that have a span which meets this; its project is the same. */
  readonly tracesWith?: SpanFilter
  readonly name?: readonly string[]
  readonly kind?: readonly SpanKind[]
  readonly service?: readonly string[]
  readonly operation?: readonly string[]
  readonly provider?: readonly string[]
  readonly model?: readonly string[]
  readonly user?: readonly string[]
  readonly session?: readonly string[]
  readonly environment?: readonly string[]
  /** Ids of the API keys that sent them. */
  readonly key?: readonly string[]
  readonly status?: readonly StatusCode[]
  readonly costStatus?: readonly CostStatus[]
  /** Span attributes by key and value text, all of them. */
  readonly attributes?: readonly { readonly key: string; readonly value: string }[]
  /** Bounds, inclusive; a cost that is not known meets none. In a {@link TraceQuery} they are on the whole trace's. */
  readonly minCostPicoUsd?: bigint
  readonly maxCostPicoUsd?: bigint
  readonly minDurationNanos?: bigint
  readonly maxDurationNanos?: bigint
}

export type SortOrder = 'asc' | 'desc'

/** A place in a sorted list: the sort value and id of the last item seen. */
export interface Cursor {
  readonly value: bigint
  readonly id: string
}

/** One page of a list, and where the next one starts (null on the last). */
export interface Page<T> {
  readonly items: readonly T[]
  readonly next: Cursor | null
}

/** Traces with at least one span that meets the filter; ties are broken by trace id. */
export interface TraceQuery {
  readonly filter: SpanFilter
  readonly sort: 'startTime' | 'duration' | 'cost' | 'spanCount'
  readonly order: SortOrder
  readonly pageSize: number
  readonly after?: Cursor
}

/**
 * Spans that meet the filter; ties are broken by trace id and span id (cursor id: both, joined by `:`), by which alone `trace`
 * sorts (cursor value: 0).
 */
export interface SpanQuery {
  readonly filter: SpanFilter
  readonly sort: 'startTime' | 'duration' | 'cost' | 'trace'
  readonly order: SortOrder
  readonly pageSize: number
  readonly after?: Cursor
  /** As in {@link TraceLimits}: a page that would hold more ends early, with a `next`. @defaultValue MAX_READ_BYTES */
  readonly maxBytes?: number
}

/** How much of a trace is read. */
export interface TraceLimits {
  /** Most spans. */
  readonly limit: number
  /**
   * Most bytes that the spans may take together, by their `spanBytes`; the first is read whatever it takes.
   * @defaultValue MAX_READ_BYTES
   */
  readonly maxBytes?: number
}

/** The first spans of a trace, in order of start time, then span id. */
export interface TraceSpans {
  readonly spans: readonly StoredSpan[]
  /** Whether there are more. */
  readonly truncated: boolean
}

/** Sums of tokens; null where no span said. */
export interface UsageTotals {
  readonly inputTokens: bigint | null
  readonly outputTokens: bigint | null
  readonly totalTokens: bigint | null
  readonly cacheReadTokens: bigint | null
  readonly cacheWriteTokens: bigint | null
  readonly reasoningTokens: bigint | null
}

/** A trace as a list shows it: sums over all of its spans, whichever of them met the filter. */
export interface TraceSummary {
  readonly traceId: string
  /** Of the root; while it has not arrived, of the earliest span. */
  readonly name: string
  readonly serviceName: string
  readonly startTimeUnixNano: bigint
  readonly endTimeUnixNano: bigint
  /** ERROR if any span has failed; else the root's. */
  readonly status: StatusCode
  readonly spanCount: number
  readonly errorCount: number
  /** Models called, in order of name: of many the first, as `firstModels` has them. */
  readonly models: readonly string[]
  /** Of the root; if it names none, of the earliest span that does. */
  readonly userId: string
  /** Likewise. */
  readonly sessionId: string
  readonly usage: UsageTotals
  /** Sum of known costs in 1e-12 USD; null if no span has one. */
  readonly costPicoUsd: bigint | null
  /** How many spans have a usage whose cost is not known (unpriced, ambiguous). */
  readonly unknownCostCount: number
}

/** A span as stored. */
export interface StoredSpan extends PricedSpan {
  readonly context: RowContext
}

export const USAGE_DIMENSIONS = [
  'model',
  'provider',
  'user',
  'session',
  'service',
  'operation',
  'environment',
  'key',
  'reason',
  'serviceTier',
] as const
/** The last two are of the receipt: why there is no cost, and the service tier where it made a difference. '' elsewhere. */
export type UsageDimension = (typeof USAGE_DIMENSIONS)[number]

/** Spend and volume: over all, or by any of the dimensions, and by interval of start time (UTC) if one is given. */
export interface UsageQuery {
  readonly filter: SpanFilter
  readonly groupBy: readonly UsageDimension[]
  /** Nanoseconds; intervals are aligned to 1970. */
  readonly intervalNanos?: bigint
  /** Refuses with `query/invalid` when there would be more rows. */
  readonly maxRows: number
}

/** What emitters said that calls cost, beside what we say of the same calls: those of which both are known. In 1e-12 USD. */
export interface ReportedCosts {
  readonly calls: number
  /** Null without any. */
  readonly reportedPicoUsd: bigint | null
  readonly ownPicoUsd: bigint | null
}

/** One group, or one group in one interval, none of them empty; in order of interval, then cost (highest first), then group. */
export interface UsageRow {
  readonly intervalStart: bigint | null
  /** In the order of `groupBy`. */
  readonly group: readonly string[]
  /** Distinct traces. */
  readonly requests: number
  /** Spans that call a model, of whatever operation: not the agents, workflows and tools around such calls, nor rollups. */
  readonly calls: number
  readonly spans: number
  readonly errors: number
  readonly usage: UsageTotals
  readonly costPicoUsd: bigint | null
  readonly unknownCostCount: number
  readonly reported: ReportedCosts
  /** Nearest-rank percentiles, in nanoseconds, of the durations of its `calls`; null without calls. */
  readonly latency: { readonly p50: bigint; readonly p95: bigint; readonly p99: bigint } | null
  readonly firstSeen: bigint
  readonly lastSeen: bigint
}

/** Counts for the conservation law. */
export interface StoreCounts {
  readonly stored: bigint
  readonly duplicates: bigint
}

/**
 * Bytes of spans that one answer holds unless asked otherwise: 32 MiB. As objects, and as JSON beside them, they take a few
 * times that, which the heap of a function or thread must have room for.
 */
export const MAX_READ_BYTES = 32 * 1024 * 1024

/** What can be asked. Every answer is of one project only. Rejects with `store/unavailable` when the store does not answer. */
export interface SpanReader {
  /** The spans of a trace, as far as the limits go. None: there is no such trace. */
  getTrace(project: string, traceId: string, limits: TraceLimits): Promise<TraceSpans>
  listTraces(query: TraceQuery): Promise<Page<TraceSummary>>
  listSpans(query: SpanQuery): Promise<Page<StoredSpan>>
  usage(query: UsageQuery): Promise<readonly UsageRow[]>
  counts(project: string): Promise<StoreCounts>
}

/** All spans that meet the filter: in order of trace id, so that traces come one after another, of start time, or in any. */
export interface ScanQuery {
  readonly filter: SpanFilter
  readonly order: 'trace' | 'startTime' | 'any'
}

/** For who reads all there is: a store that is paid by what a query reads is queried once, however much that is. */
export interface SpanScanner {
  /** Every span that meets the filter, once, in parts of at most {@link SCAN_SPANS} and some {@link SCAN_BYTES}. */
  scanSpans(query: ScanQuery): AsyncIterable<readonly StoredSpan[]>
}

/** Spans of one part of a scan. */
export const SCAN_SPANS = 10_000
/** Bytes of one, by `spanBytes`. */
export const SCAN_BYTES = 8 * 1024 * 1024

export interface TraceStore extends SpanWriter, SpanReader, SpanScanner {}
