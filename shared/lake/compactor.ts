import { describeError, isSpanledgerError, SpanledgerError } from '../errors.ts'
import { createLog, type Log } from '../log.ts'
import { type CompactionStep, type PartitionState, planCompaction } from './compaction-plan.ts'
import { factsName, readFacts } from './file-facts.ts'
import { type FileFacts, formatFacts, type LakeFormat, type LakeMerger, type MergedFiles } from './format.ts'
import { type LakeFile, liveFiles, parseFiles } from './live-files.ts'
import { isEmptied, mergeFacts } from './merged-facts.ts'
import type { ObjectInfo, ObjectStore } from './object-store.ts'
import { mapParallel, READS_AT_ONCE } from './parallel.ts'
import {
  CORRECTIONS,
  type FileName,
  fileName,
  partitionHour,
  partitionPrefix,
  prefixOf,
  STAGING,
  TRACES,
} from './partition.ts'

const HOUR_MILLIS = 3_600_000
const DAY_HOURS = 24
/** What was listed longer ago, in milliseconds, is listed again before it is acted upon. */
const LISTING_AGE = 60_000
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
  /** Files of one hour that are larger together, in bytes, are left as they are, and the hour is named; default: no bound. */
  readonly maxMergeBytes?: number
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

/** How much of the lake a pass looks at. */
export interface CompactionScope {
  /** Only the partitions of so many days, today's and those before, and whatever is staged; default: all. */
  readonly days?: number
}

export interface Compactor {
  /** One pass over the partitions, one at a time. What waits for its grace period is left to the next pass. */
  run(scope?: CompactionScope): Promise<CompactionReport>
  /** Rewrites one closed partition without the rows of some projects. False while it is busy with a compaction. */
  rewrite(prefix: string, drop: ReadonlySet<string>): Promise<boolean>
}

const NO_PROJECTS: ReadonlySet<string> = new Set()

/** What a merge is done with, and which projects it leaves out. */
interface Merging {
  readonly merger: LakeMerger
  readonly drop: ReadonlySet<string>
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

  /** Returns what the partition is like afterwards: what was done is known, and needs no listing. */
  const act = async (
    prefix: string,
    state: PartitionState,
    step: Exclude<CompactionStep, { readonly kind: 'nothing' }>,
    merging: Merging,
  ): Promise<PartitionState> => {
    switch (step.kind) {
      case 'delete': {
        const published = state.published.filter((file) => !step.published.includes(file))
        const staged = state.staged.filter((file) => !step.staged.includes(file))
        for (const file of [...step.published, ...step.staged]) await store.delete(file.name)
        const used = new Set([...published, ...staged].map(({ parsed }) => factsName(prefix, parsed)))
        const replaced = new Set(step.published.filter(isCompacted).map(({ parsed }) => factsName(prefix, parsed)))
        for (const facts of replaced.difference(used)) await store.delete(facts)
        return stateOf(prefix, published, staged)
      }
      case 'publish': {
        for (const file of step.group) await checkStaged(file)
        for (const { name } of step.group) {
          await putUnlessThere(store, name.slice(STAGING.length), await store.read(name))
        }
        // Readers that have listed the staged files may begin until now.
        const updatedAt = now()
        const shown = step.group.map((file) => ({ ...file, name: file.name.slice(STAGING.length), updatedAt }))
        return stateOf(prefix, [...state.published, ...shown], state.staged)
      }
      case 'merge':
        return stateOf(prefix, state.published, [...state.staged, ...(await merge(prefix, step, merging))])
    }
  }

  /** A staged file that was damaged must not take the place of its inputs, which are all there: without it they are merged again. */
  const checkStaged = async (file: LakeFile): Promise<void> => {
    try {
      await options.format.check(store, file)
    } catch (error) {
      if (isSpanledgerError(error, 'lake/corrupt')) await store.delete(file.name)
      throw error
    }
  }

  /** Returns what it staged. */
  const merge = async (
    prefix: string,
    { inputs, name }: { readonly inputs: readonly LakeFile[]; readonly name: FileName },
    { merger, drop }: Merging,
  ): Promise<ObjectInfo[]> => {
    checkSize(inputs)
    const facts = await Promise.all(inputs.map((file) => readFacts(file, options)))
    const corrections = await correctionsOf(prefix)
    const input = (file: ObjectInfo) => ({ name: file.name, read: () => store.read(file.name) })
    const merged =
      drop.size > 0 && isEmptied(facts, drop)
        ? NOTHING_LEFT
        : await merger.merge(inputs.map(input), { drop, corrections: corrections.map(input) })
    try {
      const present = new Set((await Array.fromAsync(store.list(prefix))).map((file) => file.name))
      if (!inputs.every((file) => present.has(file.name))) {
        throw new SpanledgerError('lake/unavailable', `${prefix} was compacted by someone else meanwhile`)
      }
      const version = await claimVersion(prefix, name, {
        ...mergeFacts(facts, merged, drop),
        corrections: corrections.length,
      })
      // A partition of which nothing is left keeps an empty file: it says which numbers are taken and which messages were in.
      const empty = async () => options.format.encode([], { digests: [], projects: {} })
      const parts = merged.parts.length > 0 ? merged.parts : [empty]
      const staged: ObjectInfo[] = []
      for (const [index, read] of parts.entries()) {
        const part = STAGING + prefix + fileName({ ...name, version, part: index + 1, parts: parts.length })
        const data = await read()
        await store.putIfAbsent(part, data)
        staged.push({ name: part, size: data.length, updatedAt: now() })
      }
      return staged
    } finally {
      await merged.close()
    }
  }

  /** What does not fit would end the process in the middle of it, and with it all hours after this one, each time. */
  const checkSize = (inputs: readonly LakeFile[]): void => {
    const megabytes = (bytes: number) => `${Math.ceil(bytes / 1e6).toLocaleString('en')} MB`
    const bytes = inputs.reduce((sum, { size }) => sum + size, 0)
    const { maxMergeBytes = Number.POSITIVE_INFINITY } = options
    if (bytes <= maxMergeBytes) return
    const why = `its files are ${megabytes(bytes)} together, of which ${megabytes(maxMergeBytes)} are merged here`
    throw new SpanledgerError('lake/unavailable', `${why}: run npm run compact where the disk has three times that`)
  }

  const correctionsOf = (prefix: string) => Array.fromAsync(store.list(prefix.replace(TRACES, CORRECTIONS)))

  /** Whether other corrections are there than when the partition's compacted files were merged. */
  const isOutdated = async (state: PartitionState, corrections: number): Promise<boolean> => {
    const compacted = liveFiles(state.published).find((file) => isCompacted(file) && file.parsed.part === 1)
    return compacted !== undefined && ((await readFacts(compacted, options)).corrections ?? 0) !== corrections
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

  /** Deletes those of the listed `facts` whose files never came, or are gone. */
  const sweepFacts = async (facts: readonly ObjectInfo[], partitions: ReadonlyMap<string, PartitionState>) => {
    const used = new Set<string>()
    for (const [prefix, { published, staged }] of partitions) {
      for (const { parsed } of [...published, ...staged]) used.add(factsName(prefix, parsed))
    }
    const graceMs = options.graceMs ?? DEFAULT_GRACE_MS
    for (const { name, updatedAt } of facts) {
      if (!used.has(name) && now() - updatedAt >= graceMs) await store.delete(name)
    }
  }

  const compactPartition = async (
    prefix: string,
    first: PartitionState,
    { outdated, ...merging }: Merging & { readonly outdated: boolean },
  ): Promise<Set<CompactionStep['kind']>> => {
    const done = new Set<CompactionStep['kind']>()
    let state = first
    for (let count = 0; count < MAX_STEPS; count++) {
      const step = planCompaction(state, { force: outdated && !done.has('merge') })
      if (step.kind === 'nothing') break
      state = await act(prefix, state, step, merging)
      done.add(step.kind)
    }
    return done
  }

  return {
    async run({ days } = {}) {
      const kinds: Record<Exclude<CompactionStep['kind'], 'nothing'>, string[]> = { merge: [], publish: [], delete: [] }
      const failed: Record<string, string> = {}
      const whole = days === undefined
      const from = whole ? '' : firstOfDay(now(), days)
      // Facts come before the files that they are of: those that are listed first and have none will not get one.
      const facts = whole ? await Array.fromAsync(store.list('facts/')) : []
      const listedAt = now()
      const published = await byPartition(store, TRACES, from)
      const staged = await byPartition(store, STAGING)
      const corrections = whole ? await byPartition(store, CORRECTIONS) : new Map<string, ObjectInfo[]>()
      const prefixes = new Set([...published.keys(), ...[...staged.keys()].map((key) => key.slice(STAGING.length))])
      const partitions = new Map<string, PartitionState>()
      for (const prefix of prefixes) {
        const known = prefix >= from || published.has(prefix)
        partitions.set(
          prefix,
          known ? stateOf(prefix, published.get(prefix) ?? [], staged.get(STAGING + prefix) ?? []) : await look(prefix),
        )
      }
      const fail = (prefix: string, error: unknown) => {
        log.error({ err: error, prefix }, 'a partition was not compacted')
        failed[prefix] = describeError(error)
      }
      const outdatedOnes = new Set<string>()
      await mapParallel([...partitions], READS_AT_ONCE, async ([prefix, listed]) => {
        const corrected = corrections.get(prefix.replace(TRACES, CORRECTIONS))?.length
        try {
          if (corrected !== undefined && (await isOutdated(listed, corrected))) outdatedOnes.add(prefix)
        } catch (error) {
          fail(prefix, error)
        }
      })
      const merger = options.format.openMerger()
      try {
        for (const [prefix, listed] of partitions) {
          if (Object.hasOwn(failed, prefix)) continue
          try {
            const outdated = outdatedOnes.has(prefix)
            if (planCompaction(listed, { force: outdated }).kind === 'nothing') continue
            const state = now() - listedAt < LISTING_AGE ? listed : await look(prefix)
            for (const kind of await compactPartition(prefix, state, { outdated, merger, drop: NO_PROJECTS }))
              if (kind !== 'nothing') kinds[kind].push(prefix)
          } catch (error) {
            fail(prefix, error)
          }
        }
      } finally {
        await merger.close()
      }
      await sweepFacts(facts, partitions)
      return { merged: kinds.merge, published: kinds.publish, cleaned: kinds.delete, failed }
    },

    async rewrite(prefix, drop) {
      const merger = options.format.openMerger()
      try {
        let state = await look(prefix)
        for (let count = 0; count < MAX_STEPS; count++) {
          const step = planCompaction(state, { force: true })
          if (step.kind === 'nothing') return false
          state = await act(prefix, state, step, { merger, drop })
          if (step.kind === 'merge') return true
        }
        return false
      } finally {
        await merger.close()
      }
    },
  }
}

/** Where the partitions of the last `days` days begin. */
function firstOfDay(now: number, days: number): string {
  const today = Math.floor(now / (DAY_HOURS * HOUR_MILLIS))
  return partitionPrefix(TRACES, (today + 1 - days) * DAY_HOURS)
}

function isCompacted({ parsed }: LakeFile): boolean {
  return parsed.version > 0
}

/** What a merge of which nothing is left would give. */
const NOTHING_LEFT: MergedFiles = { parts: [], rows: new Map(), close: async () => {} }

async function putUnlessThere(store: ObjectStore, name: string, data: Uint8Array): Promise<void> {
  try {
    await store.putIfAbsent(name, data)
  } catch (error) {
    if (!isSpanledgerError(error, 'lake/exists')) throw error
  }
}

async function byPartition(store: ObjectStore, base: string, from = ''): Promise<Map<string, ObjectInfo[]>> {
  const objects = await Array.fromAsync(store.list(base, { from }))
  return Map.groupBy(objects, ({ name }) => prefixOf(name))
}
