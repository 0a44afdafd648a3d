import type { StoredSpan } from '../../../shared/warehouse/trace-store.ts'

/** A trace of a scan; no `spans` where they are too many to be held. */
export interface ScannedTrace {
  readonly traceId: string
  readonly spans?: readonly StoredSpan[]
}

/** Makes traces of a scan in their order. Of a trace that goes on after two parts nothing is held. */
export async function* wholeTraces(parts: AsyncIterable<readonly StoredSpan[]>): AsyncGenerator<ScannedTrace> {
  let traceId: string | undefined
  let spans: StoredSpan[] = []
  let parted = 0
  const trace = (id: string): ScannedTrace => (parted > 1 ? { traceId: id } : { traceId: id, spans })
  for await (const part of parts) {
    for (const stored of part) {
      if (stored.span.traceId !== traceId) {
        if (traceId !== undefined) yield trace(traceId)
        traceId = stored.span.traceId
        spans = []
        parted = 0
      }
      if (parted < 2) spans.push(stored)
    }
    if (++parted > 1) spans = []
  }
  if (traceId !== undefined) yield trace(traceId)
}
