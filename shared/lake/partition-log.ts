import { isSpanledgerError } from '../errors.ts'
import type { Log } from '../log.ts'
import { readFacts } from './file-facts.ts'
import type { LakeFormat } from './format.ts'
import { liveFiles } from './live-files.ts'
import type { ObjectStore } from './object-store.ts'
import { parseFileName } from './partition.ts'

/**
 * What one writer knows of a partition. Its files form a log: the next number is taken by put-if-absent, so whoever gets it has
 * seen all files before it, and with them the digest of every message that is already in.
 */
export interface PartitionLog {
  readonly prefix: string
  /** The number of the next file. */
  next: number
  /** Compacted files stand for all numbers up to this one: a fresh file with one of them would not be seen. */
  covered: number
  readonly digests: Set<string>
  /** Names of files whose digests are in. */
  readonly seen: Set<string>
  /** When the partition was last listed, in milliseconds since 1970. */
  listedAt: number
}

export function createPartitionLog(prefix: string): PartitionLog {
  return { prefix, next: 1, covered: 0, digests: new Set(), seen: new Set(), listedAt: Number.NEGATIVE_INFINITY }
}

/** Half of a digest tells messages apart as well and takes half the memory. */
export function digestKey(digest: string): string {
  return /^[0-9a-f]{64}$/.test(digest) ? Buffer.from(digest.slice(0, 32), 'hex').toString('latin1') : digest
}

interface RefreshOptions {
  readonly store: ObjectStore
  readonly format: LakeFormat
  readonly now: () => number
  readonly log: Log
}

/** Lists the partition and reads the facts of files that are new. A corrupt one is named in the log and passed over. */
export async function refreshPartitionLog(partition: PartitionLog, options: RefreshOptions): Promise<void> {
  return refresh(partition, options, new Set())
}

/** `missing` are files whose facts were not there although they were listed. */
async function refresh(partition: PartitionLog, options: RefreshOptions, missing: Set<string>): Promise<void> {
  const listedAt = options.now()
  const objects = await Array.fromAsync(options.store.list(partition.prefix))
  for (const { name } of objects) partition.next = Math.max(partition.next, (parseFileName(name)?.last ?? 0) + 1)
  const live = liveFiles(objects)
  partition.covered = Math.max(0, ...live.map(({ parsed }) => (parsed.version > 0 ? parsed.last : 0)))
  for (const file of live) {
    if (partition.seen.has(file.name)) continue
    try {
      const { digests } = await readFacts(file, options)
      for (const digest of digests) partition.digests.add(digestKey(digest))
    } catch (error) {
      // A compactor may have removed it since; what it held stands in a file that the next listing shows.
      if (isSpanledgerError(error, 'lake/not-found') && !missing.has(file.name)) {
        return refresh(partition, options, missing.add(file.name))
      }
      if (!isSpanledgerError(error, 'lake/corrupt') && !isSpanledgerError(error, 'lake/not-found')) throw error
      options.log.error({ err: error, file: file.name }, 'a file of the lake is corrupt')
    }
    partition.seen.add(file.name)
  }
  partition.listedAt = listedAt
}
