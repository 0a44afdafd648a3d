import type { Usage } from '../../shared/genai/usage.ts'
import { type Bills, billAlone } from '../../shared/pricing/pricer.ts'
import type { RecentTraces } from '../../shared/pricing/recent-traces.ts'
import { entryOf, type Settlement, settle } from '../../shared/pricing/settle.ts'
import { isSelfExplained, type SpanReadings, type TraceSlice } from '../../shared/pricing/slice.ts'
import type { KnownTrace, TraceAppend, TraceEntry, TraceStateStore } from '../../shared/pricing/trace-state.ts'

/** A message that has been read, and who it is from. */
export interface ReadMessage {
  readonly project: string
  readonly digest: string
  readonly reading: SpanReadings
}

/** What the usages of a message bill, and what they change about earlier spans. */
export interface SettledMessage {
  readonly bills: Bills
  readonly corrections: readonly (Settlement['corrections'][number] & { readonly traceId: string })[]
}

export interface SettleOptions {
  readonly state: TraceStateStore
  readonly recent: RecentTraces
  /** Microseconds since 1970. */
  readonly now: number
}

interface OpenTrace {
  readonly message: number
  readonly slice: TraceSlice
}

/**
 * Settles the messages of a pull: those traces that a message explains by itself (or that use nothing) from that message
 * alone, all others against what is kept of them, in one transaction.
 */
export async function settleMessages(
  messages: readonly ReadMessage[],
  options: SettleOptions,
): Promise<SettledMessage[]> {
  const { state, recent, now } = options
  const bills = messages.map(({ reading }) => new Map(billAlone(reading)))
  const corrections: SettledMessage['corrections'][number][][] = messages.map(() => [])
  const open: OpenTrace[] = []
  for (const [message, { project, digest, reading }] of messages.entries())
    for (const slice of reading.slices.values()) {
      const key = { project, traceId: slice.traceId }
      const billed = bills[message]!.get(slice.traceId)!
      if (!recent.isKept(key) && standsAlone(slice, billed, digest, recent.recall(key))) {
        recent.remember(key, entryOf(slice, digest, billed))
      } else {
        recent.markKept(key)
        open.push({ message, slice })
      }
    }
  if (open.length > 0) {
    const keys = open.map(({ message, slice }) => ({ project: messages[message]!.project, traceId: slice.traceId }))
    const settlements = await state.transact(keys, (known) => settleOpen(open, messages, known, recent, now))
    for (const [index, { message, slice }] of open.entries()) {
      bills[message]!.set(slice.traceId, settlements[index]!.billed)
      for (const correction of settlements[index]!.corrections)
        corrections[message]!.push({ ...correction, traceId: slice.traceId })
    }
  }
  return bills.map((each, message) => ({
    bills: each as ReadonlyMap<string, ReadonlyMap<string, Usage>>,
    corrections: corrections[message]!,
  }))
}

/** Whether a message settles a trace without regard to others: none has come, or none that could change a bill. */
function standsAlone(
  slice: TraceSlice,
  billed: ReadonlyMap<string, Usage>,
  digest: string,
  others: readonly TraceEntry[],
): boolean {
  const { usages } = slice
  const known = others.filter((entry) => entry.digest !== digest)
  if (usages.length === 0) return known.every((entry) => entry.usages.length === 0)
  const bills = usages.map(({ spanId }) => billed.get(spanId)!)
  return known.length === 0 && isSelfExplained(slice, bills)
}

function settleOpen(
  open: readonly OpenTrace[],
  messages: readonly ReadMessage[],
  known: KnownTrace,
  recent: RecentTraces,
  now: number,
): { append: TraceAppend[]; result: Settlement[] } {
  const append: TraceAppend[] = []
  const traces = new Map<string, TraceEntry[]>()
  const result = open.map(({ message, slice }) => {
    const { project, digest } = messages[message]!
    const key = { project, traceId: slice.traceId }
    let entries = traces.get(project + slice.traceId)
    if (entries === undefined) {
      entries = [...known(key)]
      const digests = new Set(entries.map((entry) => entry.digest))
      const promoted = recent.recall(key).filter((entry) => !digests.has(entry.digest))
      if (promoted.length > 0) append.push({ ...key, entries: promoted })
      entries.push(...promoted)
      traces.set(project + slice.traceId, entries)
    }
    const settlement = settle(entries, slice, digest, now)
    if (settlement.entry !== undefined) {
      entries.push(settlement.entry)
      append.push({ ...key, entries: [settlement.entry] })
    }
    return settlement
  })
  return { append, result }
}
