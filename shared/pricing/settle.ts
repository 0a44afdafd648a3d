import { inputTokens, outputTokens, sameUsage, type Usage } from '../genai/usage.ts'
import { reservationOf } from '../spans/ledger.ts'
import { serviceName } from '../spans/span.ts'
import type { Link } from './lineage.ts'
import type { FirstSaid } from './receipt.ts'
import { billUsages, type SliceUsage, type TraceSlice, usageOf } from './slice.ts'
import { type KeptCorrection, type KeptUsage, MAX_KEPT_ENTRIES, type TraceEntry } from './trace-state.ts'

/** Past this many spans nothing more is kept of a trace: what comes then is settled within its message. */
export const MAX_KEPT_SPANS = 20_000

/** What a message's usages bill, given what is known of their trace. */
export interface Settlement {
  readonly billed: ReadonlyMap<string, Usage>
  /** What it changes about earlier spans. */
  readonly corrections: readonly { readonly usage: KeptUsage; readonly correction: KeptCorrection }[]
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
  if (again !== undefined) return repeat(again, before)
  if (full) return { billed: alone, corrections: [], entry: undefined }

  const links = new Map<string, Link>(known.flatMap((entry) => [...entry.links]))
  for (const [spanId, link] of slice.links) links.set(spanId, link)
  const all = new Map<string, KeptUsage>()
  for (const [spanId, { usage }] of before) all.set(spanId, usage)
  const own = keep(slice, message, alone)
  for (const usage of own) all.set(usage.spanId, prevailing(all.get(usage.spanId), usage))
  const usages = [...all.values()]
  const bills = billUsages(usages, links)
  const billed = new Map(usages.map(({ spanId }, position) => [spanId, bills[position]!]))

  const changed = [...before.values()].flatMap(({ usage, billed: said, revision }) => {
    const bills = billed.get(usage.spanId)!
    if (sameUsage(said, bills)) return []
    const prevails = all.get(usage.spanId)!
    return [
      { usage: prevails, correction: { spanId: usage.spanId, revision: Math.max(now, revision + 1), billed: bills } },
    ]
  })
  const corrections = changed.map(({ correction }) => correction)
  return { billed, corrections: changed, entry: { ...entryOf(slice, message, billed), corrections } }
}

function entryOf(slice: TraceSlice, message: SettleMessage, billed: ReadonlyMap<string, Usage>): TraceEntry {
  return { digest: message.digest, links: slice.links, usages: keep(slice, message, billed), corrections: [] }
}

interface Current {
  readonly usage: KeptUsage
  readonly billed: Usage
  readonly revision: number
}

/** What each span is said to bill by now. */
function current(known: readonly TraceEntry[]): Map<string, Current> {
  const spans = new Map<string, Current>()
  for (const { usages } of known)
    for (const usage of usages) {
      const prevails = prevailing(spans.get(usage.spanId)?.usage, usage)
      spans.set(usage.spanId, { usage: prevails, billed: prevails.billed, revision: 0 })
    }
  for (const { corrections } of known)
    for (const { spanId, revision, billed } of corrections) {
      const span = spans.get(spanId)
      if (span !== undefined && revision > span.revision) spans.set(spanId, { usage: span.usage, billed, revision })
    }
  return spans
}

function repeat(entry: TraceEntry, spans: ReadonlyMap<string, Current>): Settlement {
  const corrections = entry.corrections.flatMap((correction) => {
    const span = spans.get(correction.spanId)
    return span === undefined ? [] : [{ usage: span.usage, correction }]
  })
  return { billed: new Map(entry.usages.map(({ spanId, billed }) => [spanId, billed])), corrections, entry: undefined }
}

/** Of two reports under one span id the larger holds, whichever comes first. */
function prevailing(a: KeptUsage | undefined, b: KeptUsage): KeptUsage {
  if (a === undefined) return b
  const difference = size(a) - size(b)
  if (difference !== 0) return difference > 0 ? a : b
  return JSON.stringify(a.call) >= JSON.stringify(b.call) ? a : b
}

function size({ call }: KeptUsage): number {
  const usage = usageOf(call)
  return inputTokens(usage) + outputTokens(usage)
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
