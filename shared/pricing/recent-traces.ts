import type { TraceEntry, TraceKey } from './trace-state.ts'

export interface RecentTraces {
  /** Whether anything of the trace is in the store, as far as this process knows. */
  isKept(key: TraceKey): boolean
  markKept(key: TraceKey): void
  /** Notes what a message said of a trace that nothing is kept of, in case more of it comes. */
  remember(key: TraceKey, entry: TraceEntry): void
  recall(key: TraceKey): readonly TraceEntry[]
}

export interface RecentTracesOptions {
  /** Most traces whose names are held because the store knows them. */
  readonly maxKept?: number
  /** About how many bytes of other traces are held. */
  readonly maxBytes?: number
}

/**
 * What this process knows of traces without asking the store: which are kept there, and what the latest others said. It
 * makes a late span of such a trace find its ancestors, at no cost to those that never get one. Both are bounded,
 * oldest out first.
 */
export function createRecentTraces({
  maxKept = 100_000,
  maxBytes = 24 * 1024 * 1024,
}: RecentTracesOptions = {}): RecentTraces {
  const kept = new Set<string>()
  const remembered = new Map<string, TraceEntry[]>()
  let bytes = 0
  return {
    isKept: (key) => kept.has(name(key)),
    markKept: (key) => {
      kept.add(name(key))
      if (kept.size > maxKept) kept.delete(kept.values().next().value as string)
    },
    remember: (key, entry) => {
      const trace = name(key)
      const entries = remembered.get(trace) ?? []
      if (entries.some(({ digest }) => digest === entry.digest)) return
      remembered.set(trace, [...entries, entry])
      bytes += weight(entry)
      for (const [oldest, forgotten] of remembered) {
        if (bytes <= maxBytes) break
        remembered.delete(oldest)
        for (const gone of forgotten) bytes -= weight(gone)
      }
    },
    recall: (key) => remembered.get(name(key)) ?? [],
  }
}

function name({ project, traceId }: TraceKey): string {
  return `${traceId}${project}`
}

/** Measured: a link takes about 100 bytes, a usage 700 and what its strings are long. */
function weight({ links, usages }: TraceEntry): number {
  let bytes = 200 + links.size * 100
  for (const { call, name: spanName, service } of usages) {
    bytes += 700 + spanName.length + service.length
    for (const value of Object.values(call)) if (typeof value === 'string') bytes += value.length
  }
  return bytes
}
