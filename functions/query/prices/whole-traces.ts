import type { StoredSpan } from '../../../shared/warehouse/trace-store.ts'

/** A trace of a scan; no `spans` where they are too many to be held. */
export interface ScannedTrace {
  readonly traceId: string
  readonly spans?: readonly StoredSpan[]
}

/** Makes traces of a scan in order of trace id. Of one that is in more than two parts nothing is held. */
export async function* wholeTraces(parts: AsyncIterable<readonly StoredSpan[]>): AsyncGenerator<ScannedTrace> {
  let traceId: string | undefined
  let spans: StoredSpan[] | undefined
  /** How many parts the trace is in so far. */
  let within = 0
  const trace = (id: string): ScannedTrace => ({ traceId: id, ...(spans !== undefined && { spans }) })
  for await (const part of parts) {
    within++
    for (const stored of part) {
      if (stored.span.traceId !== traceId) {
        if (traceId !== undefined) yield trace(traceId)
        traceId = stored.span.traceId
        spans = []
        within = 1
      }
      if (within > 2) spans = undefined
      else spans?.push(stored)
    }
  }
  if (traceId !== undefined) yield trace(traceId)
}
