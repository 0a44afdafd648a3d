import { createHash } from 'node:crypto'
import type { Bus, Message } from '../../../shared/bus/bus.ts'
import { splitTraces } from '../../../shared/otlp/split.ts'
import type { Pricer } from '../../../shared/pricing/pricer.ts'
import { correctLedger } from '../../../shared/pricing/receipt.ts'
import { correctionSpan } from '../../../shared/spans/correction.ts'
import type { Ledger, PricedSpan } from '../../../shared/spans/ledger.ts'
import { serviceName } from '../../../shared/spans/span.ts'
import type { Cursor, SpanReader, StoredSpan } from '../../../shared/warehouse/trace-store.ts'

/** Larger traces are left as they are, and counted: repricing holds one trace at a time in memory. */
export const MAX_TRACE_SPANS = 10_000
const TRACES_PER_PAGE = 100

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
  readonly reader: Pick<SpanReader, 'listTraces' | 'getTrace'>
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
 * Prices a page of traces anew, each as a whole, and publishes a correction for every span whose cost is another now. What
 * was priced before stays as it was; applying twice changes nothing more.
 */
export async function repricePage(query: RepriceQuery, sources: RepriceSources): Promise<RepricePage> {
  const { project, from, to, model, apply, after } = query
  const { reader, pricer, bus, now } = sources
  const filter = { project, from, to, ...(model !== undefined && { model: [model] }) }
  const order = { sort: 'startTime', order: 'asc', pageSize: TRACES_PER_PAGE } as const
  const { items, next } = await reader.listTraces({ filter, ...order, ...(after !== undefined && { after }) })
  const changes = new Map<string, RepriceChange>()
  const corrections: PricedSpan[] = []
  const revision = now() * 1000
  let spans = 0
  let skipped = 0
  for (const { traceId } of items) {
    const { spans: stored, truncated } = await reader.getTrace(project, traceId, { limit: MAX_TRACE_SPANS })
    if (truncated) {
      skipped++
      continue
    }
    const ledgers = pricer.price(
      stored.map(({ span }) => span),
      { project },
    )
    for (const [index, old] of stored.entries()) {
      if (!isMeant(old, query)) continue
      spans++
      const ledger = ledgers[index]!
      if (sameCost(old.ledger, ledger)) continue
      note(changes, old, ledger)
      corrections.push({
        span: old.span,
        ledger: correctLedger(ledger, old.ledger, Math.max(revision, old.ledger.revision + 1)),
      })
    }
  }
  if (apply && corrections.length > 0)
    await bus.publish('priced-spans', correctionMessages(project, corrections, now()))
  return { spans, skipped, changes: [...changes.values()], next }
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
    a.costUpperPicoUsd === b.costUpperPicoUsd
  )
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
  const spans = corrections.map(({ span, ledger }) => correctionSpan({ ...span, service: serviceName(span) }, ledger))
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
