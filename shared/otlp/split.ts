import { MAX_MESSAGE_BYTES } from '../bus/bus.ts'
import type { Span } from '../spans/span.ts'
import { encodeTraces } from './encode.ts'

/** Spans as one bus message holds them. */
export interface TracePart {
  readonly data: Uint8Array
  readonly spans: number
}

/**
 * Encodes `spans` in as many messages of at most `maxBytes` as it takes, in order: halves, and halves of halves. The same spans
 * always give the same messages. `tooLarge` hears of each span too large for a message of its own.
 */
export function splitTraces(
  spans: readonly Span[],
  { maxBytes = MAX_MESSAGE_BYTES, tooLarge }: { maxBytes?: number; tooLarge: (span: Span) => void },
): TracePart[] {
  const parts: TracePart[] = []
  const split = (from: number, to: number) => {
    if (from === to) return
    const data = encodeTraces(spans.slice(from, to))
    if (data.length <= maxBytes) {
      parts.push({ data, spans: to - from })
    } else if (to - from === 1) {
      tooLarge(spans[from]!)
    } else {
      const middle = (from + to) >>> 1
      split(from, middle)
      split(middle, to)
    }
  }
  split(0, spans.length)
  return parts
}
