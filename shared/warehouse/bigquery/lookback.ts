import type { Cursor, Page, SpanFilter } from '../trace-store.ts'

const DAY_NANOS = 86_400_000_000_000n

interface ListQuery {
  readonly filter: SpanFilter
  readonly sort: string
  readonly order: string
  readonly after?: Cursor
}

/**
 * A page of a list. What is asked for newest first is mostly among what started within a day before now, or before the place of the page: that
 * is looked at first, since each further day is billed, and the rest if that was not enough. `now` in nanoseconds since 1970.
 */
export async function lookBack<Q extends ListQuery, T>(
  query: Q,
  now: bigint,
  { list, startOf }: { readonly list: (query: Q) => Promise<Page<T>>; readonly startOf: (item: T) => bigint },
): Promise<Page<T>> {
  const { filter, sort, order, after } = query
  const { from = 0n, to = now } = filter
  const latest = after !== undefined && after.value < to ? after.value : to
  const since = latest - DAY_NANOS
  if (sort === 'startTime' && order === 'desc' && since > from) {
    const page = await list({ ...query, filter: { ...filter, from: since } })
    const last = page.items.at(-1)
    // What starts earlier may not be all of its kind.
    if (page.next !== null && last !== undefined && startOf(last) >= since) return page
  }
  return list(query)
}
