import type { KeptUsage, TraceEntry } from './trace-state.ts'

/** What one message says of a span. */
export interface Version {
  readonly usage: KeptUsage
  readonly digest: string
}

/** Finds what the message of such a name says of a span. */
export function versionsOf(
  known: readonly TraceEntry[],
): (spanId: string, name: string | undefined) => Version | undefined {
  const entries = new Map(known.map((entry) => [nameOf(entry.digest), entry]))
  const usages = new Map<string, ReadonlyMap<string, KeptUsage>>()
  return (spanId, name = '') => {
    const entry = entries.get(name)
    if (entry === undefined) return undefined
    const ofEntry = usages.get(name) ?? new Map(entry.usages.map((usage) => [usage.spanId, usage]))
    usages.set(name, ofEntry)
    const usage = ofEntry.get(spanId)
    return usage && { usage, digest: entry.digest }
  }
}

/** Enough of a digest to tell the messages of a trace apart. */
export function nameOf(digest: string): string {
  return digest.slice(0, 12)
}

/** Of two versions of a span the one that stores hold: the later end, then the greater digest. */
export function prevailing(a: Version | undefined, b: Version): Version {
  if (a === undefined) return b
  const [end, other] = [a.usage.endTimeUnixNano, b.usage.endTimeUnixNano]
  if (end !== other) return end > other ? a : b
  return a.digest > b.digest ? a : b
}

/** Whether two versions cost the same, whichever holds. */
export function saysTheSame(a: KeptUsage, b: KeptUsage): boolean {
  return a.startTimeUnixNano === b.startTimeUnixNano && JSON.stringify(a.call) === JSON.stringify(b.call)
}
