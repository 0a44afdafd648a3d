import type { TraceEntry } from './trace-state.ts'

/** An entry as text for a store. */
export function traceEntryToJson({ digest, links, usages, corrections }: TraceEntry): string {
  return JSON.stringify({
    digest,
    links: [...links].map(([spanId, { parent, tool }]) => [spanId, parent, tool ? 1 : 0]),
    usages: usages.map((usage) => ({
      ...usage,
      startTimeUnixNano: usage.startTimeUnixNano.toString(),
      endTimeUnixNano: usage.endTimeUnixNano.toString(),
    })),
    corrections,
  })
}

/** The inverse of {@link traceEntryToJson}. */
export function traceEntryFromJson(text: string): TraceEntry {
  const { digest, links, usages, corrections } = JSON.parse(text)
  return {
    digest,
    links: new Map(
      links.map(([spanId, parent, tool]: [string, string, number]) => [spanId, { parent, tool: tool === 1 }]),
    ),
    usages: usages.map((usage: { startTimeUnixNano: string; endTimeUnixNano: string }) => ({
      ...usage,
      startTimeUnixNano: BigInt(usage.startTimeUnixNano),
      endTimeUnixNano: BigInt(usage.endTimeUnixNano),
    })),
    corrections,
  }
}
