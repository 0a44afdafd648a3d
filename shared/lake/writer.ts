import { isSpanledgerError, SpanledgerError } from '../errors.ts'
import { createLog, type Log } from '../log.ts'
import type { RowContext } from '../spans/columns.ts'
import type { PricedSpan } from '../spans/ledger.ts'
import type { SpanBatch } from '../warehouse/trace-store.ts'
import { type FileFacts, type LakeFormat, NO_COUNTS } from './format.ts'
import type { ObjectStore } from './object-store.ts'
import { CORRECTIONS, fileName, hourOf, partitionHour, partitionPrefix, QUARANTINE, TRACES } from './partition.ts'
import { createPartitionLog, digestKey, type PartitionLog, refreshPartitionLog } from './partition-log.ts'
import type { SpanRow } from './span-columns.ts'
import { compareRows } from './span-file.ts'

const HOUR_MILLIS = 3_600_000
const DAY_MILLIS = 24 * HOUR_MILLIS

/** How far a span's start may lie from the time it was received, in days; beyond, it is quarantined. */
export interface LakeWindow {
  readonly pastDays: number
  readonly futureDays: number
}

export const DEFAULT_WINDOW: LakeWindow = { pastDays: 400, futureDays: 2 }

export interface LakeWriterOptions {
  readonly store: ObjectStore
  readonly format: LakeFormat
  /** Default: {@link DEFAULT_WINDOW}. */
  readonly window?: LakeWindow
  /** Milliseconds since 1970. */
  readonly now?: () => number
  readonly log?: Log
}

/** Writes spans into the lake, each message once, however often and from how many writers it comes. */
export interface LakeWriter {
  /**
   * Writes what is not yet there, one file for each hour, durable when it resolves. One entry for each batch: undefined when all
   * of its spans are in, else why not. A batch that failed may be in for some hours; writing it again adds the rest.
   */
  write(batches: readonly SpanBatch[]): Promise<readonly (unknown | undefined)[]>
}

/**
 * A partition that was not listed for so long, in milliseconds, is listed again: a compactor may have replaced its files. It does not
 * while the hour lasts, and another writer's file is noticed by the number that it took.
 */
const LOG_AGE = 60_000
/** How many partitions are remembered. */
const MAX_LOGS = 256

export function createLakeWriter(options: LakeWriterOptions): LakeWriter {
  const { store, format, window = DEFAULT_WINDOW, now = Date.now, log = createLog('lake') } = options
  const logs = new Map<string, PartitionLog>()
  const refresh = (partition: PartitionLog) => refreshPartitionLog(partition, { store, format, now, log })
  const isOutdated = ({ prefix, listedAt }: PartitionLog): boolean => {
    if (listedAt === Number.NEGATIVE_INFINITY) return true
    const ends = ((partitionHour(prefix) ?? 0) + 1) * HOUR_MILLIS
    return now() - listedAt > LOG_AGE && (now() >= ends || prefix.startsWith(QUARANTINE))
  }

  const logOf = (prefix: string): PartitionLog => {
    const partition = logs.get(prefix) ?? createPartitionLog(prefix)
    logs.delete(prefix)
    logs.set(prefix, partition)
    if (logs.size > MAX_LOGS) logs.delete(logs.keys().next().value as string)
    return partition
  }

  const writePartition = async (prefix: string, batches: ReadonlyMap<string, readonly SpanRow[]>) => {
    const partition = logOf(prefix)
    for (;;) {
      if (isOutdated(partition)) await refresh(partition)
      const fresh = [...batches].filter(([digest]) => !partition.digests.has(digestKey(digest)))
      if (fresh.length === 0) return
      const rows = fresh.flatMap(([, rows]) => rows).sort(compareRows)
      const number = partition.next
      const name = prefix + fileName({ first: number, last: number, version: 0, part: 1, parts: 1 })
      const digests = fresh.map(([digest]) => digest)
      try {
        await store.putIfAbsent(name, format.encode(rows, { digests, projects: countRows(rows) }))
      } catch (error) {
        if (!isSpanledgerError(error, 'lake/exists')) throw error
        // Another writer was faster: its file may hold some of these messages.
        await refresh(partition)
        if (partition.next <= number) throw new SpanledgerError('lake/unavailable', `${name} is taken but not listed`)
        continue
      }
      if (isOutdated(partition)) {
        // A writer that was held up for long may have taken a number again that a compactor had freed: nobody would see the file.
        await refresh(partition)
        if (number <= partition.covered) {
          await store.delete(name)
          continue
        }
      }
      partition.next = Math.max(partition.next, number + 1)
      partition.seen.add(name)
      for (const digest of digests) partition.digests.add(digestKey(digest))
      return
    }
  }

  /** What went wrong, by digest. A message that cannot be encoded fails alone. */
  const tryPartition = async (
    prefix: string,
    batches: ReadonlyMap<string, readonly SpanRow[]>,
  ): Promise<Map<string, unknown>> => {
    try {
      await writePartition(prefix, batches)
      return new Map()
    } catch (error) {
      logs.delete(prefix)
      if (isSpanledgerError(error) || batches.size === 1)
        return new Map(Array.from(batches.keys(), (digest) => [digest, error]))
      const failures = new Map<string, unknown>()
      for (const batch of batches) {
        for (const [digest, failure] of await tryPartition(prefix, new Map([batch]))) failures.set(digest, failure)
      }
      return failures
    }
  }

  return {
    async write(batches) {
      const partitions = groupByPartition(batches, window)
      const failures = new Map<string, unknown>()
      for (const [prefix, rows] of partitions) {
        for (const [digest, error] of await tryPartition(prefix, rows)) failures.set(digest, error)
      }
      return batches.map(({ context }) => failures.get(context.digest))
    },
  }
}

/** Rows by partition and digest. A digest that comes twice counts once. */
function groupByPartition(batches: readonly SpanBatch[], window: LakeWindow): Map<string, Map<string, SpanRow[]>> {
  const partitions = new Map<string, Map<string, SpanRow[]>>()
  const prefixes = new Map<string, string>()
  const grouped = new Set<string>()
  const place = (priced: PricedSpan, context: RowContext, base: string) => {
    const hour = hourOf(priced.span.startTimeUnixNano)
    const prefix = getOrPut(prefixes, base + hour, () => partitionPrefix(base, hour))
    const rows = getOrPut(partitions, prefix, () => new Map<string, SpanRow[]>())
    getOrPut(rows, context.digest, () => []).push({ priced, context })
  }
  for (const { context, spans, corrections = [] } of batches) {
    if (grouped.has(context.digest)) continue
    grouped.add(context.digest)
    for (const priced of spans) {
      place(priced, context, inWindow(priced.span.startTimeUnixNano, context, window) ? TRACES : QUARANTINE)
    }
    for (const priced of corrections) place(priced, context, CORRECTIONS)
  }
  return partitions
}

/** Judged by when the span was received, so that a message falls into the same partitions each time it is delivered. */
function inWindow(start: bigint, { ingestedAt }: RowContext, { pastDays, futureDays }: LakeWindow): boolean {
  return start >= ingestedAt - nanosOfDays(pastDays) && start <= ingestedAt + nanosOfDays(futureDays)
}

function nanosOfDays(days: number): bigint {
  return BigInt(Math.round(days * DAY_MILLIS)) * 1_000_000n
}

function countRows(rows: readonly SpanRow[]): FileFacts['projects'] {
  const projects = new Map<string, number>()
  for (const { context } of rows) projects.set(context.project, (projects.get(context.project) ?? 0) + 1)
  return Object.fromEntries(Array.from(projects, ([project, rows]) => [project, { ...NO_COUNTS, rows }]))
}

function getOrPut<K, V>(map: Map<K, V>, key: K, create: () => V): V {
  const found = map.get(key)
  if (found !== undefined) return found
  const created = create()
  map.set(key, created)
  return created
}
