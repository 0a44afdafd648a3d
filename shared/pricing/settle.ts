import { sameUsage, type Usage } from '../genai/usage.ts'
import { reservationOf } from '../spans/ledger.ts'
import { serviceName } from '../spans/span.ts'
import type { Link } from './lineage.ts'
import type { FirstSaid } from './receipt.ts'
import { billUsages, type SliceUsage, type TraceSlice } from './slice.ts'
import { nameOf, prevailing, saysTheSame, type Version, versionsOf } from './span-versions.ts'
import { type KeptCorrection, type KeptUsage, MAX_KEPT_ENTRIES, type TraceEntry } from './trace-state.ts'

/** Past this many spans nothing more is kept of a trace: what comes then is settled within its message. */
export const MAX_KEPT_SPANS = 20_000

/** A correction, the span that it is of, and what was said first of that. */
export interface SettledCorrection {
  readonly usage: KeptUsage
  readonly first: KeptUsage
  readonly correction: KeptCorrection
}

/** What a message's usages bill, given what is known of their trace. */
export interface Settlement {
  readonly billed: ReadonlyMap<string, Usage>
  /** What it changes about earlier spans. */
  readonly corrections: readonly SettledCorrection[]
  /** What to keep; undefined if it is kept already, or no more is kept of the trace. */
  readonly entry: TraceEntry | undefined
}

/** A message, as far as one of its traces is concerned. */
export interface SettleMessage {
  readonly digest: string
  /** What its usages bill if there is no more of the trace than this. */
  readonly alone: ReadonlyMap<string, Usage>
  /** Microseconds since 1970. */
  readonly now: number
  /** What a usage that bills `billed` is said to cost, if that is to be remembered. */
  readonly say: (usage: SliceUsage, billed: Usage) => FirstSaid | undefined
}

/**
 * Settles what a message says of a trace against what earlier ones said. The sum over all spans, corrections applied, is
 * that of the whole trace at once, whatever the order of the messages; a message that comes again gets the answer it got.
 */
export function settle(known: readonly TraceEntry[], slice: TraceSlice, message: SettleMessage): Settlement {
  const { digest, alone, now } = message
  const spans = known.reduce((sum, { links }) => sum + links.size, slice.links.size)
  const full = spans > MAX_KEPT_SPANS || known.length >= MAX_KEPT_ENTRIES
  if (known.length === 0)
    return { billed: alone, corrections: [], entry: full ? undefined : entryOf(slice, message, alone) }
  const before = current(known)
  const again = known.find((entry) => entry.digest === digest)
  if (again !== undefined) return repeat(again, known, before)
  if (full) return { billed: alone, corrections: [], entry: undefined }

  const links = new Map<string, Link>(known.flatMap((entry) => [...entry.links]))
  for (const [spanId, link] of slice.links) links.set(spanId, link)
  const all = new Map<string, Version>()
  for (const [spanId, { version }] of before) all.set(spanId, version)
  /** Spans of which this message and an earlier one say different things: of their ledgers none but a correction holds for sure. */
  const disputed = new Set<string>()
  for (const usage of keep(slice, message, alone)) {
    const earlier = all.get(usage.spanId)
    if (earlier !== undefined && !saysTheSame(earlier.usage, usage)) disputed.add(usage.spanId)
    all.set(usage.spanId, prevailing(earlier, { usage, digest }))
  }
  const usages = Array.from(all.values(), ({ usage }) => usage)
  const bills = billUsages(usages, links)
  const billed = new Map(usages.map(({ spanId }, position) => [spanId, bills[position]!]))

  const changed = [...before].flatMap(([spanId, { first, billed: said, revision }]) => {
    const bills = billed.get(spanId)!
    if (sameUsage(said, bills) && !disputed.has(spanId)) return []
    const { usage, digest } = all.get(spanId)!
    const versions = { of: nameOf(digest), ...(first.digest !== digest && { was: nameOf(first.digest) }) }
    const correction = { spanId, revision: Math.max(now, revision + 1), billed: bills, ...versions }
    return [{ usage, first: first.usage, correction }]
  })
  const corrections = changed.map(({ correction }) => correction)
  return { billed, corrections: changed, entry: { ...entryOf(slice, message, billed), corrections } }
}

function entryOf(slice: TraceSlice, message: SettleMessage, billed: ReadonlyMap<string, Usage>): TraceEntry {
  return { digest: message.digest, links: slice.links, usages: keep(slice, message, billed), corrections: [] }
}

interface Current {
  /** The version that holds. */
  readonly version: Version
  /** The one whose cost was said first. */
  readonly first: Version
  readonly billed: Usage
  readonly revision: number
}

/** What each span is said to bill by now. */
function current(known: readonly TraceEntry[]): Map<string, Current> {
  const spans = new Map<string, Current>()
  for (const { usages, digest } of known)
    for (const usage of usages) {
      const version = prevailing(spans.get(usage.spanId)?.version, { usage, digest })
      spans.set(usage.spanId, { version, first: version, billed: version.usage.billed, revision: 0 })
    }
  const versions = versionsOf(known)
  const oldestFirst = known.flatMap(({ corrections }) => corrections).sort((a, b) => a.revision - b.revision)
  for (const correction of oldestFirst) {
    const { spanId, revision, billed } = correction
    const span = spans.get(spanId)
    if (span === undefined) continue
    const first = span.revision > 0 ? span.first : (versions(spanId, correction.was ?? correction.of) ?? span.first)
    spans.set(spanId, { version: span.version, first, billed, revision })
  }
  return spans
}

function repeat(entry: TraceEntry, known: readonly TraceEntry[], spans: ReadonlyMap<string, Current>): Settlement {
  const versions = versionsOf(known)
  const corrections = entry.corrections.flatMap((correction) => {
    const { spanId, of, was = of } = correction
    const span = spans.get(spanId)
    if (span === undefined) return []
    const { usage } = versions(spanId, of) ?? span.version
    return [{ usage, first: (versions(spanId, was) ?? span.version).usage, correction }]
  })
  return { billed: new Map(entry.usages.map(({ spanId, billed }) => [spanId, billed])), corrections, entry: undefined }
}

function keep({ usages }: TraceSlice, { say }: SettleMessage, billed: ReadonlyMap<string, Usage>): KeptUsage[] {
  return usages.map((usage) => {
    const { spanId, call, span } = usage
    const said = say(usage, billed.get(spanId)!)
    const reservation = reservationOf(span.attributes)
    return {
      spanId,
      call,
      name: span.name,
      kind: span.kind,
      service: serviceName(span),
      startTimeUnixNano: span.startTimeUnixNano,
      endTimeUnixNano: span.endTimeUnixNano,
      ...(reservation !== undefined && { reservation }),
      billed: billed.get(spanId)!,
      ...(said !== undefined && { said }),
    }
  })
}
