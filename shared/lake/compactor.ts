import { describeError, isSpanledgerError, SpanledgerError } from '../errors.ts'
import { createLog, type Log } from '../log.ts'
import { type CompactionStep, type PartitionState, planCompaction } from './compaction-plan.ts'
import { factsName, readFacts } from './file-facts.ts'
import {
  addCounts,
  type FileFacts,
  formatFacts,
  type LakeFormat,
  type MergedFiles,
  type ProjectCounts,
} from './format.ts'
import { type LakeFile, liveFiles, parseFiles } from './live-files.ts'
import type { ObjectInfo, ObjectStore } from './object-store.ts'
import { CORRECTIONS, type FileName, fileName, partitionHour, prefixOf, STAGING, TRACES } from './partition.ts'

const HOUR_MILLIS = 3_600_000
const DEFAULT_GRACE_MS = 15 * 60_000
const DEFAULT_CLOSE_MS = 15 * 60_000
/** A partition takes a handful of steps; more would mean that two compactors are at odds. */
const MAX_STEPS = 8

export interface CompactorOptions {
  readonly store: ObjectStore
  readonly format: LakeFormat
  /** Longer than any reader takes, in milliseconds; default: 15 minutes. */
  readonly graceMs?: number
  /** How long after its end an hour counts as closed, in milliseconds; default: 15 minutes. */
  readonly closeMs?: number
  /** Milliseconds since 1970. */
  readonly now?: () => number
  readonly log?: Log
}

/** What one pass over the lake did. */
export interface CompactionReport {
  /** Partitions by what was done with them. */
  readonly merged: readonly string[]
  readonly published: readonly string[]
  readonly cleaned: readonly string[]
  /** Partitions left as they are, with the reason. */
  readonly failed: Readonly<Record<string, string>>
}

export interface Compactor {
  /** One pass over all partitions, one at a time. What waits for its grace period is left to the next pass. */
  run(): Promise<CompactionReport>
  /** Rewrites one closed partition without the rows of some projects. False while it is busy with a compaction. */
  rewrite(prefix: string, drop: ReadonlySet<string>): Promise<boolean>
}

/**
 * Makes one sorted file of a closed hour's many. At every instant each row is in exactly one file of those that
 * {@link liveFiles} leaves; readers that take all files see rows twice for the moment between publishing and deleting.
 */
export function createCompactor(options: CompactorOptions): Compactor {
  const { store, now = Date.now, log = createLog('lake') } = options

  const stateOf = (prefix: string, published: readonly ObjectInfo[], staged: readonly ObjectInfo[]): PartitionState => {
    const hour = partitionHour(prefix)
    const closesAt = hour === undefined ? Number.POSITIVE_INFINITY : (hour + 1) * HOUR_MILLIS
    return {
      published: parseFiles(published),
      staged: parseFiles(staged),
      closed: now() >= closesAt + (options.closeMs ?? DEFAULT_CLOSE_MS),
      now: now(),
      graceMs: options.graceMs ?? DEFAULT_GRACE_MS,
    }
  }
  const look = async (prefix: string) =>
    stateOf(prefix, await Array.fromAsync(store.list(prefix)), await Array.fromAsync(store.list(STAGING + prefix)))

  const act = async (prefix: string, step: CompactionStep, drop: ReadonlySet<string>): Promise<void> => {
    switch (step.kind) {
      case 'nothing':
        return
      case 'delete':
        for (const file of [...step.published, ...step.staged]) await store.delete(file.name)
        return sweepFacts(prefix)
      case 'publish':
        for (const file of step.group) {
          await putUnlessThere(store, file.name.slice(STAGING.length), await store.read(file.name))
        }
        return
      case 'merge':
        return merge(prefix, step.inputs, step.name, drop)
    }
  }

  const merge = async (prefix: string, inputs: readonly LakeFile[], name: FileName, drop: ReadonlySet<string>) => {
    const facts = await Promise.all(inputs.map((file) => readFacts(file, options)))
    const corrections = await correctionsOf(prefix)
    const input = (file: ObjectInfo) => ({ name: file.name, read: () => store.read(file.name) })
    const merged = await options.format.merge(inputs.map(input), { drop, corrections: corrections.map(input) })
    try {
      const { published } = await look(prefix)
      const present = new Set(published.map((file) => file.name))
      if (!inputs.every((file) => present.has(file.name))) {
        throw new SpanledgerError('lake/unavailable', `${prefix} was compacted by someone else meanwhile`)
      }
      const version = await claimVersion(prefix, name, {
        ...mergeFacts(facts, merged, drop),
        corrections: corrections.length,
      })
      const parts = merged.parts.length
      for (const [index, read] of merged.parts.entries()) {
        const part = fileName({ ...name, version, part: index + 1, parts })
        await store.putIfAbsent(STAGING + prefix + part, await read())
      }
    } finally {
      await merged.close()
    }
  }

  const correctionsOf = (prefix: string) => Array.fromAsync(store.list(prefix.replace(TRACES, CORRECTIONS)))

  /** Whether corrections have come since the partition's compacted files were merged. They are never deleted, only more. */
  const isOutdated = async (prefix: string, published: readonly ObjectInfo[]): Promise<boolean> => {
    const compacted = liveFiles(published).find(({ parsed }) => parsed.version > 0 && parsed.part === 1)
    if (compacted === undefined) return false
    const { corrections = 0 } = await readFacts(compacted, options)
    return (await correctionsOf(prefix)).length > corrections
  }

  /** Whoever gets to write the facts owns the version: no two compactors ever mix their parts. */
  const claimVersion = async (prefix: string, name: FileName, facts: FileFacts): Promise<number> => {
    for (let { version } = name; ; version++) {
      try {
        await store.putIfAbsent(factsName(prefix, { ...name, version }), Buffer.from(formatFacts(facts)))
        return version
      } catch (error) {
        if (!isSpanledgerError(error, 'lake/exists')) throw error
      }
    }
  }

  /** Deletes facts whose files are gone, or never came. */
  const sweepFacts = async (prefix: string): Promise<void> => {
    const { published, staged, now, graceMs } = await look(prefix)
    const used = new Set([...published, ...staged].map(({ parsed }) => factsName(prefix, parsed)))
    for await (const object of store.list(`facts/${prefix}`)) {
      if (!used.has(object.name) && now - object.updatedAt >= graceMs) await store.delete(object.name)
    }
  }

  const NO_PROJECTS: ReadonlySet<string> = new Set()

  const compactPartition = async (prefix: string, outdated: boolean): Promise<Set<CompactionStep['kind']>> => {
    const done = new Set<CompactionStep['kind']>()
    for (let count = 0; count < MAX_STEPS; count++) {
      const step = planCompaction(await look(prefix), { force: outdated && !done.has('merge') })
      if (step.kind === 'nothing') break
      await act(prefix, step, NO_PROJECTS)
      done.add(step.kind)
    }
    return done
  }

  return {
    async run() {
      const kinds: Record<Exclude<CompactionStep['kind'], 'nothing'>, string[]> = { merge: [], publish: [], delete: [] }
      const failed: Record<string, string> = {}
      const published = await byPartition(store, TRACES)
      const staged = await byPartition(store, STAGING)
      const corrections = await byPartition(store, CORRECTIONS)
      const corrected = new Set([...corrections.keys()].map((key) => key.replace(CORRECTIONS, TRACES)))
      for (const prefix of new Set([
        ...published.keys(),
        ...[...staged.keys()].map((key) => key.slice(STAGING.length)),
      ])) {
        const state = stateOf(prefix, published.get(prefix) ?? [], staged.get(STAGING + prefix) ?? [])
        try {
          const outdated = corrected.has(prefix) && (await isOutdated(prefix, state.published))
          if (planCompaction(state, { force: outdated }).kind === 'nothing') continue
          for (const kind of await compactPartition(prefix, outdated)) if (kind !== 'nothing') kinds[kind].push(prefix)
        } catch (error) {
          log.error({ err: error, prefix }, 'a partition was not compacted')
          failed[prefix] = describeError(error)
        }
      }
      return { merged: kinds.merge, published: kinds.publish, cleaned: kinds.delete, failed }
    },

    async rewrite(prefix, drop) {
      for (let count = 0; count < MAX_STEPS; count++) {
        const step = planCompaction(await look(prefix), { force: true })
        if (step.kind === 'nothing') return false
        await act(prefix, step, drop)
        if (step.kind === 'merge') return true
      }
      return false
    },
  }
}

function mergeFacts(facts: readonly FileFacts[], merged: MergedFiles, drop: ReadonlySet<string>): FileFacts {
  const digests = new Set<string>()
  const before = new Map<string, ProjectCounts>()
  for (const file of facts) {
    for (const digest of file.digests) digests.add(digest)
    addCounts(before, file.projects)
  }
  const after = Array.from(before, ([project, counts]): [string, ProjectCounts] => {
    if (drop.has(project)) return [project, { ...counts, rows: 0, expired: counts.expired + counts.rows }]
    const rows = merged.rows.get(project) ?? 0
    return [project, { ...counts, rows, duplicates: counts.duplicates + counts.rows - rows }]
  })
  return { digests: [...digests], projects: Object.fromEntries(after) }
}

async function putUnlessThere(store: ObjectStore, name: string, data: Uint8Array): Promise<void> {
  try {
    await store.putIfAbsent(name, data)
  } catch (error) {
    if (!isSpanledgerError(error, 'lake/exists')) throw error
  }
}

async function byPartition(store: ObjectStore, base: string): Promise<Map<string, ObjectInfo[]>> {
  const objects = await Array.fromAsync(store.list(base))
  return Map.groupBy(objects, ({ name }) => prefixOf(name))
}
