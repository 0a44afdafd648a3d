import type { Cursor, Page, SpanReader, StoredSpan } from '../warehouse/trace-store.ts'
import { FOREVER } from './period.ts'

/** Which spans, by start time in milliseconds since 1970: `from` inclusive, `to` exclusive. */
export interface StoredSpansOptions {
  readonly project: string
  readonly from: number
  readonly to: number
  readonly now: number
}

const DAY_MS = 86_400_000
const PAGE = 1_000
const PAGE_BYTES = 4 * 1024 * 1024
/** Most ranges that a time is read in. */
const MAX_RANGES = 400

/** Pages of stored spans, in order of start time. */
export async function* storedSpans(
  reader: Pick<SpanReader, 'listSpans'>,
  { project, from, to, now }: StoredSpansOptions,
): AsyncGenerator<readonly StoredSpan[]> {
  const read = (start: number, end: number, after: Cursor | null, pageSize = PAGE): Promise<Page<StoredSpan>> =>
    reader.listSpans({
      filter: { project, from: nanos(Math.max(0, start)), ...(end < FOREVER && { to: nanos(end) }) },
      ...{ sort: 'startTime', order: 'asc', pageSize, maxBytes: PAGE_BYTES },
      ...(after !== null && { after }),
    })
  let begin = from
  if (now - from > MAX_RANGES * DAY_MS) {
    const [first] = (await read(from, to, null, 1)).items
    if (first === undefined) return
    begin = Number(first.span.startTimeUnixNano / 1_000_000n)
  }
  for (const [start, end] of ranges({ from: begin, to, now })) {
    let after: Cursor | null = null
    do {
      const page: Page<StoredSpan> = await read(start, end, after)
      yield page.items
      after = page.next
    } while (after !== null)
  }
}

/** Day by day, or in longer steps: every page costs what is scanned for it. */
function* ranges({ from, to, now }: Omit<StoredSpansOptions, 'project'>): Generator<[number, number]> {
  const until = Math.min(to, now)
  const step = Math.max(DAY_MS, Math.ceil((until - from) / MAX_RANGES))
  let start = from
  for (; start + step < until; start += step) yield [start, start + step]
  yield [start, to]
}

function nanos(millis: number): bigint {
  return BigInt(millis) * 1_000_000n
}
