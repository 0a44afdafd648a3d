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
const MAX_DAYS = 400

/** Pages of stored spans, in order of start time. */
export async function* storedSpans(
  reader: Pick<SpanReader, 'listSpans'>,
  { project, ...options }: StoredSpansOptions,
): AsyncGenerator<readonly StoredSpan[]> {
  for (const [from, to] of ranges(options)) {
    const filter = { project, from: nanos(from), ...(to < FOREVER && { to: nanos(to) }) }
    let after: Cursor | null = null
    do {
      const place: { after?: Cursor } = after === null ? {} : { after }
      const query = { filter, sort: 'startTime', order: 'asc', pageSize: PAGE, maxBytes: PAGE_BYTES, ...place } as const
      const page: Page<StoredSpan> = await reader.listSpans(query)
      yield page.items
      after = page.next
    } while (after !== null)
  }
}

/** Day by day, since every page costs what is scanned for it; what is older than a year or so in one piece. */
function* ranges({ from, to, now }: Omit<StoredSpansOptions, 'project'>): Generator<[number, number]> {
  let start = Math.max(0, from)
  if (now - start > MAX_DAYS * DAY_MS) return yield [start, to]
  for (; start + DAY_MS < Math.min(to, now); start += DAY_MS) yield [start, start + DAY_MS]
  yield [start, to]
}

function nanos(millis: number): bigint {
  return BigInt(millis) * 1_000_000n
}
