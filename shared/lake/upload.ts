import { describeError, isSpanledgerError, SpanledgerError } from '../errors.ts'
import { createLog, type Log } from '../log.ts'
import { factsName, readFacts } from './file-facts.ts'
import type { LakeFormat } from './format.ts'
import { type LakeFile, liveFiles } from './live-files.ts'
import type { ObjectStore } from './object-store.ts'
import { CORRECTIONS, fileName, prefixOf, QUARANTINE, TRACES } from './partition.ts'
import { createPartitionLog, digestKey, refreshPartitionLog } from './partition-log.ts'

export interface UploadOptions {
  readonly from: ObjectStore
  readonly to: ObjectStore
  readonly format: LakeFormat
  readonly log?: Log
}

/** What an upload did. */
export interface UploadReport {
  /** Files that were copied. */
  readonly copied: number
  /** Files that were there, or whose messages were. */
  readonly present: number
  readonly bytes: number
  /** Partitions that lack something, with the reason. */
  readonly failed: Readonly<Record<string, string>>
}

/**
 * Copies the files of one lake to another, which may be empty, or have some of them already, or be written to meanwhile. Each message
 * is there once afterwards: a file whose messages are all in is left out, one whose number is taken gets the next. It may be cut short
 * and done again.
 */
export async function uploadLake(options: UploadOptions): Promise<UploadReport> {
  const { from } = options
  const total = { copied: 0, present: 0, bytes: 0 }
  const failed: Record<string, string> = {}
  for (const base of [TRACES, CORRECTIONS, QUARANTINE]) {
    const files = liveFiles(await Array.fromAsync(from.list(base)))
    for (const [prefix, group] of Map.groupBy(files, ({ name }) => prefixOf(name))) {
      try {
        const done = await uploadPartition(prefix, group, options)
        total.copied += done.copied
        total.present += done.present
        total.bytes += done.bytes
      } catch (error) {
        failed[prefix] = describeError(error)
      }
    }
  }
  return { ...total, failed }
}

async function uploadPartition(prefix: string, files: readonly LakeFile[], options: UploadOptions) {
  const { from, to, format, log = createLog('lake') } = options
  const partition = createPartitionLog(prefix)
  const refresh = () => refreshPartitionLog(partition, { store: to, format, now: Date.now, log })
  await refresh()
  const there = new Map((await Array.fromAsync(to.list(prefix))).map(({ name, size }) => [name, size]))
  const done = { copied: 0, present: 0, bytes: 0 }

  for (const group of Map.groupBy(files, groupOf).values()) {
    const [first] = group as [LakeFile]
    const bytes = group.reduce((sum, { size }) => sum + size, 0)
    const { digests } = await readFacts(first, { store: from, format })
    // Until its last part is there, a compacted file counts for nothing: its parts are copied whatever its facts say.
    const whole = group.every(({ name, size }) => there.get(name) === size)
    const isNew = digests.filter((digest) => !partition.digests.has(digestKey(digest)))
    if (whole || (digests.length > 0 && isNew.length === 0)) {
      done.present += group.length
      continue
    }
    if (isNew.length < digests.length) throw overlap(prefix)
    if (first.parsed.version === 0) await copyFresh(first)
    else await copyCompacted(group)
    for (const digest of digests) partition.digests.add(digestKey(digest))
    done.copied += group.length
    done.bytes += bytes
  }
  return done

  /** Takes the next number, as a writer does. Another writer may be faster; then his file may have the same messages. */
  async function copyFresh(file: LakeFile): Promise<void> {
    const data = await from.read(file.name)
    for (let number = file.parsed.first; ; number = partition.next) {
      const name = prefix + fileName({ ...file.parsed, first: number, last: number })
      // A number that a compacted file stands for would never be read.
      if (number > partition.covered && !there.has(name)) {
        try {
          await to.putIfAbsent(name, data)
          partition.next = Math.max(partition.next, number + 1)
          return
        } catch (error) {
          if (!isSpanledgerError(error, 'lake/exists')) throw error
          await refresh()
          const { digests } = await readFacts(file, { store: from, format })
          if (digests.some((digest) => partition.digests.has(digestKey(digest)))) throw overlap(prefix)
        }
      }
    }
  }

  /** A compacted file stands for its numbers: it can be copied where none of them is taken. */
  async function copyCompacted(group: readonly LakeFile[]): Promise<void> {
    const names = new Set(group.map(({ name }) => name))
    if ([...there.keys()].some((name) => !names.has(name))) throw overlap(prefix)
    const facts = factsName(prefix, (group[0] as LakeFile).parsed)
    await putUnlessThere(facts, await from.read(facts))
    for (const { name } of group) if (!there.has(name)) await putUnlessThere(name, await from.read(name))
    partition.covered = Math.max(partition.covered, (group[0] as LakeFile).parsed.last)
    partition.next = Math.max(partition.next, partition.covered + 1)
  }

  async function putUnlessThere(name: string, data: Uint8Array): Promise<void> {
    try {
      await to.putIfAbsent(name, data)
    } catch (error) {
      if (!isSpanledgerError(error, 'lake/exists')) throw error
    }
  }
}

/** Parts of one compaction go together. */
function groupOf({ parsed: { first, last, version } }: LakeFile): string {
  return `${first}-${last}v${version}`
}

function overlap(prefix: string): SpanledgerError {
  return new SpanledgerError(
    'lake/exists',
    `${prefix} has other files in the bucket, which cannot stand beside these: upload to a prefix of its own`,
  )
}
