import type { Compactor } from './compactor.ts'
import { readFacts } from './file-facts.ts'
import { addCounts, type FileFacts, type LakeFormat, type ProjectCounts } from './format.ts'
import { type LakeFile, liveFiles, parseFiles } from './live-files.ts'
import type { ObjectStore } from './object-store.ts'
import { CORRECTIONS, partitionHour, prefixOf, STAGING, TRACES } from './partition.ts'
import { type Retired, readRetired, recordRetired } from './retired.ts'

const HOUR_MILLIS = 3_600_000
const DAY_MILLIS = 24 * HOUR_MILLIS

/** For how many days after its hour a span is kept. */
export interface RetentionPolicy {
  /** Of projects that are not named; forever if absent. */
  readonly days?: number
  readonly projects: Readonly<Record<string, number>>
}

/** What retention does to one partition. */
export interface RetentionStep {
  readonly prefix: string
  /** Delete its files as a whole, or write them anew without the projects that have expired. */
  readonly kind: 'delete' | 'rewrite'
  readonly files: readonly LakeFile[]
  /** Counts of the whole partition. */
  readonly projects: FileFacts['projects']
  readonly expired: ReadonlySet<string>
}

export interface RetentionOptions {
  readonly store: ObjectStore
  readonly format: LakeFormat
  readonly policy: RetentionPolicy
  /** Milliseconds since 1970. */
  readonly now: number
}

/**
 * What has expired. Time is the clock's, but at most a day after the newest hour in the lake: a clock that is years ahead deletes
 * nothing of what came last. Partitions with a compaction under way are left for another day.
 */
export async function planRetention(options: RetentionOptions): Promise<RetentionStep[]> {
  const { store, policy, now } = options
  const shortest = Math.min(policy.days ?? Number.POSITIVE_INFINITY, ...Object.values(policy.projects))
  const partitions = Map.groupBy(parseFiles(await Array.fromAsync(store.list(TRACES))), ({ name }) => prefixOf(name))
  const ends = [...partitions.keys()].map(endOf).filter((end) => end <= now + DAY_MILLIS)
  const today = Math.min(now, Math.max(Number.NEGATIVE_INFINITY, ...ends) + DAY_MILLIS)
  const retired = await readRetired(store, TRACES)
  const busy = new Set(
    (await Array.fromAsync(store.list(STAGING))).map(({ name }) => prefixOf(name).slice(STAGING.length)),
  )

  const steps: RetentionStep[] = []
  for (const [prefix, files] of partitions) {
    if (busy.has(prefix) || endOf(prefix) + shortest * DAY_MILLIS > today) continue
    const projects = await countProjects(files, retired, options)
    const present = Object.entries(projects).filter(([, { rows }]) => rows > 0)
    const expired = present.map(([project]) => project).filter((project) => hasExpired(prefix, project, policy, today))
    if (expired.length === 0 && present.length > 0) continue
    const kind = expired.length === present.length ? 'delete' : 'rewrite'
    steps.push({ prefix, kind, files, projects, expired: new Set(expired) })
  }
  return steps
}

/** Carries out a plan; false for a partition that has become busy since. Each step may be cut short and done again. */
export async function retain(
  steps: readonly RetentionStep[],
  { store, compactor }: { readonly store: ObjectStore; readonly compactor: Compactor },
): Promise<boolean[]> {
  const done: boolean[] = []
  for (const step of steps) {
    if (step.kind === 'rewrite') {
      done.push(await compactor.rewrite(step.prefix, step.expired))
      continue
    }
    const files = step.files.map(({ name }) => name)
    // The record comes first: from then on the files count as expired, whether or not they are gone yet.
    if (Object.keys(step.projects).length > 0)
      await recordRetired(store, step.prefix, { files, projects: step.projects })
    for (const name of files) await store.delete(name)
    for (const beside of [`facts/${step.prefix}`, step.prefix.replace(TRACES, CORRECTIONS)]) {
      for await (const object of store.list(beside)) await store.delete(object.name)
    }
    done.push(true)
  }
  return done
}

function endOf(prefix: string): number {
  return ((partitionHour(prefix) ?? Number.POSITIVE_INFINITY) + 1) * HOUR_MILLIS
}

function hasExpired(prefix: string, project: string, policy: RetentionPolicy, today: number): boolean {
  const days = Object.hasOwn(policy.projects, project) ? policy.projects[project] : policy.days
  return days !== undefined && endOf(prefix) + days * DAY_MILLIS <= today
}

/** Counts of a partition's live files; none of those that a retention cut short has recorded already. */
async function countProjects(
  files: readonly LakeFile[],
  retired: Retired,
  options: RetentionOptions,
): Promise<FileFacts['projects']> {
  const total = new Map<string, ProjectCounts>()
  for (const file of liveFiles(files)) {
    if (!retired.covers(file)) addCounts(total, (await readFacts(file, options)).projects)
  }
  return Object.fromEntries(total)
}
