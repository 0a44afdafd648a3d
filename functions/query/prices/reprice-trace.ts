import { createHash } from 'node:crypto'
import type { Bus, Message } from '../../../shared/bus/bus.ts'
import { COMPOSITE_OPERATIONS, USAGE_SUMMARY } from '../../../shared/genai/operations.ts'
import { splitTraces } from '../../../shared/otlp/split.ts'
import type { Link, UsageSpan } from '../../../shared/pricing/lineage.ts'
import { billAlone, type Pricer } from '../../../shared/pricing/pricer.ts'
import { correctLedger } from '../../../shared/pricing/receipt.ts'
import { billUsages, readSlices } from '../../../shared/pricing/slice.ts'
import { correctionSpan } from '../../../shared/spans/correction.ts'
import { type Ledger, reservationOf } from '../../../shared/spans/ledger.ts'
import { type Span, serviceName } from '../../../shared/spans/span.ts'
import {
  type Cursor,
  SCAN_BYTES,
  SCAN_SPANS,
  type SpanFilter,
  type SpanReader,
  type SpanScanner,
  type StoredSpan,
} from '../../../shared/warehouse/trace-store.ts'
import { note, type RepriceReport, sameCost } from './reprice-report.ts'
import type { ScannedTrace } from './whole-traces.ts'

/** Larger traces are left as they are, and counted: what their spans use and where they hang is in memory together. */
export const MAX_TRACE_SPANS = 100_000
/** Spans of one publish. */
const CORRECTIONS_AT_ONCE = 2_000
const DAY_NANOS = 86_400_000_000_000n
/** What is read at a time of a trace that is too large to be held. */
const SPANS_AT_ONCE = { pageSize: SCAN_SPANS, maxBytes: SCAN_BYTES }

export interface RepriceSources {
  readonly reader: Pick<SpanReader & SpanScanner, 'usage' | 'listSpans' | 'scanSpans'>
  readonly pricer: Pricer
  readonly bus: Pick<Bus, 'publish'>
  /** Milliseconds since 1970. */
  readonly now: () => number
}

/** One run of repricing. */
export interface RepriceRun {
  readonly project: string
  readonly apply: boolean
  readonly sources: RepriceSources
  readonly report: RepriceReport
  /** Not published yet. */
  readonly corrections: Span[]
}

/** Which spans are repriced. */
export type Window = SpanFilter & Required<Pick<SpanFilter, 'from' | 'to'>>

/**
 * Reprices the spans of a trace that are in `window`, as the trace was scanned at `readAt` (microseconds since 1970); what was not
 * scanned and may matter is read.
 */
export async function repriceTrace(run: RepriceRun, { traceId, spans }: ScannedTrace, window: Window, readAt: number) {
  if (spans === undefined) return repriceByParts(run, traceId, window)
  const { project } = run
  const { pricer } = run.sources
  const reading = readSlices(spans.map(({ span }) => span))
  await pricer.prepare([project])
  const ledgers = pricer.priceReading(
    reading,
    spans.map(({ span }) => span),
    billAlone(reading),
    { project },
  )
  const rootEnd = spans.find(({ span }) => span.parentSpanId === '')?.span.endTimeUnixNano
  const isPartial = spans.some((old, index) => mayBeExplainedElsewhere(old, ledgers[index]!, { window, rootEnd }))
  if (isPartial) return repriceByParts(run, traceId, window)
  for (const [index, old] of spans.entries()) await correct(run, old, ledgers[index]!, window, readAt)
}

interface Scanned {
  readonly window: Window
  /** When the root ends, if it was scanned; in nanoseconds since 1970. */
  readonly rootEnd: bigint | undefined
}

/**
 * Whether spans may be missing that explain what `ledger` bills: a store may leave out what starts a day from the window. What happens
 * within a span starts before it ends; what a sum stands beside, before the root does. And of a sum something is known to be left
 * out if less of it was billed before.
 */
function mayBeExplainedElsewhere(
  { span, ledger: old }: StoredSpan,
  ledger: Ledger,
  { window, rootEnd }: Scanned,
): boolean {
  if (ledger.costStatus === 'rollup' || ledger.costStatus === 'no_usage') return false
  if (old.costStatus === 'rollup') return true
  const isMore = old.totalTokens !== null && (ledger.totalTokens ?? 0) > old.totalTokens
  if (isMore && COMPOSITE_OPERATIONS.includes(ledger.operation)) return true
  const end = ledger.operation === USAGE_SUMMARY ? rootEnd : span.endTimeUnixNano
  return end === undefined || end >= window.to + DAY_NANOS
}

/** Reads a trace twice, a part at a time: for what its spans bill as a whole, then for what each costs. */
async function repriceByParts(run: RepriceRun, traceId: string, window: Window) {
  const { project } = run
  const { pricer, reader, now } = run.sources
  const readAt = now() * 1000
  const links = new Map<string, Link>()
  const usages: UsageSpan[] = []
  for await (const part of readParts(reader, project, traceId)) {
    const slice = readSlices(part.map(({ span }) => span)).slices.get(traceId)
    for (const [spanId, link] of slice?.links ?? []) links.set(spanId, link)
    for (const { spanId, call } of slice?.usages ?? []) usages.push({ spanId, call })
    if (links.size > MAX_TRACE_SPANS) {
      run.report.skipped++
      return
    }
  }
  const billed = billUsages(usages, links)
  const bills = new Map([[traceId, new Map(usages.map(({ spanId }, position) => [spanId, billed[position]!]))]])
  for await (const part of readParts(reader, project, traceId)) {
    const spans = part.map(({ span }) => span)
    await pricer.prepare([project])
    const ledgers = pricer.priceReading(readSlices(spans), spans, bills, { project })
    for (const [index, old] of part.entries()) await correct(run, old, ledgers[index]!, window, readAt)
  }
}

/** Notes what becomes of a span's cost, and publishes it, with others. */
async function correct(
  run: RepriceRun,
  old: StoredSpan,
  ledger: Ledger,
  window: Window,
  readAt: number,
): Promise<void> {
  if (!isMeant(old, window)) return
  run.report.spans++
  if (sameCost(old.ledger, ledger)) return
  note(run.report, old, ledger)
  if (!run.apply) return
  const revision = Math.max(readAt, old.ledger.revision + 1)
  run.corrections.push(toCorrection(old, correctLedger(ledger, old.ledger, revision)))
  if (run.corrections.length >= CORRECTIONS_AT_ONCE) await publishCorrections(run)
}

async function* readParts(reader: Pick<SpanReader, 'listSpans'>, project: string, traceId: string) {
  const query = { filter: { project, traceId }, sort: 'startTime', order: 'asc', ...SPANS_AT_ONCE } as const
  for (let after: Cursor | null | undefined; after !== null; ) {
    const { items, next } = await reader.listSpans({ ...query, ...(after !== undefined && { after }) })
    yield items
    after = next
  }
}

function isMeant({ span, ledger }: StoredSpan, { from, to, model }: Window): boolean {
  const { startTimeUnixNano: start } = span
  return start >= from && start < to && (model === undefined || model.includes(ledger.model))
}

function toCorrection({ span }: StoredSpan, ledger: Ledger): Span {
  const reservation = reservationOf(span.attributes)
  const named = { service: serviceName(span), ...(reservation !== undefined && { reservation }) }
  return correctionSpan({ ...span, ...named }, ledger)
}

/** Publishes what is to be corrected. */
export async function publishCorrections({ project, sources: { bus, now }, corrections }: RepriceRun): Promise<void> {
  const spans = corrections.splice(0)
  if (spans.length === 0) return
  const messages = splitTraces(spans, { tooLarge: () => {} }).map(({ data }): Message => {
    const digest = createHash('sha256').update(project).update('\0').update(data).digest('hex')
    return { data, attributes: { project, digest, spans: 0, ingestedAt: `${now()}000000`, traceparent: '' } }
  })
  await bus.publish('priced-spans', messages)
}
