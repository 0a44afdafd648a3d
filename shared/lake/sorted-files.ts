import { existsSync } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describeError, SpanledgerError } from '../errors.ts'
import { rangeSql } from './merge-sql.ts'

/** Into how many ranges of trace ids a merge is cut, if memory does not suffice for fewer. */
const RANGES = [1, 16, 256]
/** How often it is looked whether a file is whole, in milliseconds. */
const POLL_MS = 5

/** Writes the rows of a range, a condition in SQL, to files of one row group each in the directory `output`, which it makes. */
export type SortRange = (range: string, output: string) => Promise<unknown>

/**
 * Gives sorted rows to `consume`, as files that it may delete, while those behind are still being written; `directory` is its to write to.
 * All rows are sorted at once, or where that takes more memory than there is, anew, one range of trace ids after the other.
 */
export async function consumeSorted<T>(
  parent: string,
  sort: SortRange,
  consume: (files: AsyncIterable<string>, directory: string) => Promise<T>,
): Promise<T> {
  for (const ranges of RANGES) {
    const directory = join(parent, `ranges_${ranges}`)
    await mkdir(directory)
    try {
      return await consume(sortRanges(ranges, { directory, sort }), directory)
    } catch (error) {
      if (!/Out of Memory/.test(describeError(error)) || ranges === RANGES.at(-1)) throw error
      await rm(directory, { recursive: true, force: true })
    }
  }
  throw new SpanledgerError('lake/unavailable', 'merging needs more memory')
}

async function* sortRanges(
  ranges: number,
  { directory, sort }: { readonly directory: string; readonly sort: SortRange },
): AsyncGenerator<string> {
  for (let range = 0; range < ranges; range++) {
    const output = join(directory, `range_${range}`)
    yield* wholeFiles(output, sort(rangeSql(range, ranges), output))
  }
}

/** The files that DuckDB, on one thread, puts into `output` until `writing` is settled: each as soon as it is whole. */
async function* wholeFiles(output: string, writing: Promise<unknown>): AsyncGenerator<string> {
  let settled = false
  const end = writing.finally(() => {
    settled = true
  })
  // Whoever waits for it below hears of its failure.
  end.catch(() => undefined)
  const path = (index: number) => join(output, `data_${index}.parquet`)
  try {
    for (let next = 0; ; ) {
      const last = settled
      if (last) await end
      // A file is finished after the next is begun, and before the next but one.
      while (existsSync(path(last ? next : next + 2))) yield path(next++)
      if (last) return
      await Promise.race([end, sleep(POLL_MS)])
    }
  } finally {
    // What writes there must be over before the directory goes.
    await end.catch(() => undefined)
  }
}
