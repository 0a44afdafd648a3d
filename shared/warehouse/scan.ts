import { type Cursor, SCAN_BYTES, SCAN_SPANS, type SpanReader, type SpanScanner } from './trace-store.ts'

/** The scanner of a store whose pages cost no more than what is on them. */
export function scanByPages({ listSpans }: Pick<SpanReader, 'listSpans'>): SpanScanner {
  return {
    async *scanSpans({ filter, order }) {
      const sort = order === 'any' ? 'startTime' : order
      const query = { filter, sort, order: 'asc', pageSize: SCAN_SPANS, maxBytes: SCAN_BYTES } as const
      for (let after: Cursor | null | undefined; after !== null; ) {
        const { items, next } = await listSpans({ ...query, ...(after !== undefined && { after }) })
        if (items.length > 0) yield items
        after = next
      }
    },
  }
}
