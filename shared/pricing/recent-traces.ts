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
  /** Most spans of other traces that are held. */
  readonly maxSpans?: number
}

/**
 * What this process knows of traces without asking the store: which are kept there, and what the latest others said. It
 * makes a late span of such a trace find its ancestors, at no cost to those that never get one. Both are bounded,
 * oldest out first.
 */
export function createRecentTraces({ maxKept = 100_000, maxSpans = 200_000 }: RecentTracesOptions = {}): RecentTraces {
  const kept = new Set<string>()
  const remembered = new Map<string, TraceEntry[]>()
  let spans = 0
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
      spans += entry.links.size
      for (const [oldest, forgotten] of remembered) {
        if (spans <= maxSpans) break
        remembered.delete(oldest)
        for (const { links } of forgotten) spans -= links.size
      }
    },
    recall: (key) => remembered.get(name(key)) ?? [],
  }
}

function name({ project, traceId }: TraceKey): string {
  return `${traceId}${project}`
}
