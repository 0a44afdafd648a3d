import { createHash } from 'node:crypto'
import type { Bus, Message } from '../../../shared/bus/bus.ts'
import { splitTraces } from '../../../shared/otlp/split.ts'
import type { Link, UsageSpan } from '../../../shared/pricing/lineage.ts'
import type { Pricer } from '../../../shared/pricing/pricer.ts'
import { correctLedger, type Receipt } from '../../../shared/pricing/receipt.ts'
import { billUsages, readSlices } from '../../../shared/pricing/slice.ts'
import { correctionSpan } from '../../../shared/spans/correction.ts'
import { type Ledger, type PricedSpan, reservationOf } from '../../../shared/spans/ledger.ts'
import { serviceName } from '../../../shared/spans/span.ts'
import type { Cursor, SpanReader, StoredSpan } from '../../../shared/warehouse/trace-store.ts'

/** Larger traces are left as they are, and counted: what their spans use and where they hang is in memory together. */
export const MAX_TRACE_SPANS = 100_000
const TRACES_PER_PAGE = 100
/** A page that has taken this long ends early, in milliseconds: a request to a function may take a minute. */
const PAGE_MS = 20_000
/** What is read of a trace at a time. */
const SPANS_AT_ONCE = { pageSize: 10_000, maxBytes: 8 * 1024 * 1024 }

/** What is repriced: spans that start in [`from`, `to`), in nanoseconds since 1970, of one model if one is given. */
export interface RepriceQuery {
  readonly project: string
  readonly from: bigint
  readonly to: bigint
  readonly model?: string
  /** Publishes corrections; without, nothing changes. */
  readonly apply: boolean
  readonly after?: Cursor
}

export interface RepriceSources {
  readonly reader: Pick<SpanReader, 'listTraces' | 'listSpans'>
  readonly pricer: Pricer
  readonly bus: Pick<Bus, 'publish'>
  /** Milliseconds since 1970. */
  readonly now: () => number
}

/** What becomes of the cost of one model's spans, for one user and day (UTC). */
export interface RepriceChange {
  readonly day: string
  readonly model: string
  readonly user: string
  spans: number
  /** Sums in 1e-12 USD over the spans whose cost was, or is, known. */
  before: bigint
  after: bigint
  /** How many of them have no known cost. */
  unknownBefore: number
  unknownAfter: number
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
 */
export async function repricePage(query: RepriceQuery, sources: RepriceSources): Promise<RepricePage> {
  const { project, from, to, model, after } = query
  const { reader, now } = sources
  const filter = { project, from, to, ...(model !== undefined && { model: [model] }) }
  const order = { sort: 'startTime', order: 'asc', pageSize: TRACES_PER_PAGE } as const
  const { items, next } = await reader.listTraces({ filter, ...order, ...(after !== undefined && { after }) })
  const report = { spans: 0, skipped: 0, changes: new Map<string, RepriceChange>() }
  const endAt = now() + PAGE_MS
  for (const [index, { traceId, startTimeUnixNano, spanCount }] of items.entries()) {
    if (spanCount > MAX_TRACE_SPANS) report.skipped++
    else await repriceTrace(traceId, query, sources, report)
    const isLast = index === items.length - 1
    if (now() >= endAt && !isLast)
      return { ...report, changes: [...report.changes.values()], next: { value: startTimeUnixNano, id: traceId } }
  }
  return { ...report, changes: [...report.changes.values()], next }
}

interface Report {
  spans: number
  readonly changes: Map<string, RepriceChange>
}

/**
 * Reads the trace twice, a part at a time: for what its spans bill as a whole, then for what each costs. A trace that is a
 * single part is read once.
 */
async function repriceTrace(traceId: string, query: RepriceQuery, sources: RepriceSources, report: Report) {
  const { project, apply } = query
  const { pricer, bus, now } = sources
  // What is said of the trace from here on knows more of it than what is about to be read.
  const readAt = now() * 1000
  const parts = () => readParts(sources.reader, project, traceId)
  const links = new Map<string, Link>()
  const usages: UsageSpan[] = []
  let only: readonly StoredSpan[] | undefined
  let count = 0
  for await (const part of parts()) {
    const slice = readSlices(part.map(({ span }) => span)).slices.get(traceId)
    for (const [spanId, link] of slice?.links ?? []) links.set(spanId, link)
    for (const { spanId, call } of slice?.usages ?? []) usages.push({ spanId, call })
    only = count++ === 0 ? part : undefined
  }
  const billed = billUsages(usages, links)
  const bills = new Map([[traceId, new Map(usages.map(({ spanId }, position) => [spanId, billed[position]!]))]])
  for await (const part of only === undefined ? parts() : [only]) {
    const spans = part.map(({ span }) => span)
    await pricer.prepare([project])
    const ledgers = pricer.priceReading(readSlices(spans), spans, bills, { project })
    const corrections: PricedSpan[] = []
    for (const [index, old] of part.entries()) {
      if (!isMeant(old, query)) continue
      report.spans++
      const ledger = ledgers[index]!
      if (sameCost(old.ledger, ledger)) continue
      note(report.changes, old, ledger)
      const revision = Math.max(readAt, old.ledger.revision + 1)
      corrections.push({ span: old.span, ledger: correctLedger(ledger, old.ledger, revision) })
    }
    if (apply && corrections.length > 0)
      await bus.publish('priced-spans', correctionMessages(project, corrections, now()))
  }
}

async function* readParts(reader: Pick<SpanReader, 'listSpans'>, project: string, traceId: string) {
  const query = { filter: { project, traceId }, sort: 'startTime', order: 'asc', ...SPANS_AT_ONCE } as const
  for (let after: Cursor | null | undefined; after !== null; ) {
    const { items, next } = await reader.listSpans({ ...query, ...(after !== undefined && { after }) })
    yield items
    after = next
  }
}

function isMeant({ span, ledger }: StoredSpan, { from, to, model }: RepriceQuery): boolean {
  return (
    span.startTimeUnixNano >= from && span.startTimeUnixNano < to && (model === undefined || ledger.model === model)
  )
}

function sameCost(a: Ledger, b: Ledger): boolean {
  return (
    a.costPicoUsd === b.costPicoUsd &&
    a.costStatus === b.costStatus &&
    a.costLowerPicoUsd === b.costLowerPicoUsd &&
    a.costUpperPicoUsd === b.costUpperPicoUsd &&
    (a.costStatus !== 'unpriced' || whyUnpriced(a) === whyUnpriced(b))
  )
}

/** What a list of models without a price shows of one. */
function whyUnpriced({ receipt }: Ledger): string {
  const { serviceTier, reason }: Partial<Receipt> = JSON.parse(receipt || '{}')
  return JSON.stringify([serviceTier, reason])
}

function note(changes: Map<string, RepriceChange>, { span, ledger: old }: StoredSpan, ledger: Ledger): void {
  const day = new Date(Number(span.startTimeUnixNano / 1_000_000n)).toISOString().slice(0, 10)
  const key = JSON.stringify([day, ledger.model, ledger.userId])
  let change = changes.get(key)
  if (change === undefined) {
    change = {
      day,
      model: ledger.model,
      user: ledger.userId,
      spans: 0,
      before: 0n,
      after: 0n,
      unknownBefore: 0,
      unknownAfter: 0,
    }
    changes.set(key, change)
  }
  change.spans++
  change.before += old.costPicoUsd ?? 0n
  change.after += ledger.costPicoUsd ?? 0n
  if (isUnknown(old)) change.unknownBefore++
  if (isUnknown(ledger)) change.unknownAfter++
}

function isUnknown({ costStatus }: Ledger): boolean {
  return costStatus === 'unpriced' || costStatus === 'ambiguous'
}

function correctionMessages(project: string, corrections: readonly PricedSpan[], now: number): Message[] {
  const spans = corrections.map(({ span, ledger }) => {
    const reservation = reservationOf(span.attributes)
    const named = { service: serviceName(span), ...(reservation !== undefined && { reservation }) }
    return correctionSpan({ ...span, ...named }, ledger)
  })
  return splitTraces(spans, { tooLarge: () => {} }).map(({ data }) => ({
    data,
    attributes: {
      project,
      digest: createHash('sha256').update(project).update('\0').update(data).digest('hex'),
      spans: 0,
      ingestedAt: `${now}000000`,
      traceparent: '',
    },
  }))
}
