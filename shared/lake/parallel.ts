/** So many requests of a store are under way at a time where there are thousands to make: one after the other a year of hours takes longer than a run may. */
export const READS_AT_ONCE = 32

/** What `work` makes of each of `items`, in their order, at most `limit` at a time. Rejects with the first error, and begins nothing more. */
export async function mapParallel<T, R>(
  items: readonly T[],
  limit: number,
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = []
  const queue = items.entries()
  let failed = false
  const workers = Array.from({ length: Math.min(limit, items.length) }, async () => {
    for (const [index, item] of queue) {
      if (failed) return
      try {
        results[index] = await work(item)
      } catch (error) {
        failed = true
        throw error
      }
    }
  })
  await Promise.all(workers)
  return results
}
