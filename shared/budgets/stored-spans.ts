import type { SpanFilter, SpanReader, SpanScanner, StoredSpan } from '../warehouse/trace-store.ts'
import { FOREVER } from './period.ts'

/** Which spans, by start time in milliseconds since 1970: `from` inclusive, `to` exclusive. */
export interface StoredSpansOptions {
  readonly project: string
  readonly from: number
  readonly to: number
  readonly now: number
  /** Further conditions. */
  readonly only?: Omit<SpanFilter, 'project' | 'from' | 'to'>
  /** @defaultValue `any` within a day, and one day after another */
  readonly order?: 'startTime' | 'any'
}

const DAY_MS = 86_400_000
/** Most ranges that a time is read in. */
const MAX_RANGES = 400

/** What spans are read from. */
export type StoredSpanReader = Pick<SpanReader & SpanScanner, 'scanSpans' | 'usage'>

/** Parts of the stored spans of a time. */
export async function* storedSpans(
  reader: StoredSpanReader,
  { project, from, to, now, only, order = 'any' }: StoredSpansOptions,
): AsyncGenerator<readonly StoredSpan[]> {
  const within = (start: number, end: number) => ({
    ...only,
    project,
    from: nanos(Math.max(0, start)),
    ...(end < FOREVER && { to: nanos(end) }),
  })
  let begin = from
  if (now - from > MAX_RANGES * DAY_MS) {
    const [all] = await reader.usage({ filter: within(from, to), groupBy: [], maxRows: 1 })
    if (all === undefined) return
    begin = Number(all.firstSeen / 1_000_000n)
  }
  for (const [start, end] of ranges({ from: begin, to, now }))
    yield* reader.scanSpans({ filter: within(start, end), order })
}

/** Day by day, or in longer steps: what a store may read for one query is bounded. */
function* ranges({ from, to, now }: Pick<StoredSpansOptions, 'from' | 'to' | 'now'>): Generator<[number, number]> {
  const until = Math.min(to, now)
  const step = Math.max(DAY_MS, Math.ceil((until - from) / MAX_RANGES))
  let start = from
  for (; start + step < until; start += step) yield [start, start + step]
  yield [start, to]
}

function nanos(millis: number): bigint {
  return BigInt(millis) * 1_000_000n
}
