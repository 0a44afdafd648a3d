import { describeError } from '../errors.ts'
import type { Compactor } from './compactor.ts'
import { factsName, readFacts } from './file-facts.ts'
import { addCounts, type FileFacts, type LakeFormat, type ProjectCounts } from './format.ts'
import { type LakeFile, liveFiles, parseFiles } from './live-files.ts'
import type { ObjectInfo, ObjectStore } from './object-store.ts'
import { mapParallel, READS_AT_ONCE } from './parallel.ts'
import { CORRECTIONS, partitionHour, prefixOf, QUARANTINE, STAGING, TRACES } from './partition.ts'
import { type Retired, readRetired, recordRetired } from './retired.ts'

const HOUR_MILLIS = 3_600_000
const DAY_MILLIS = 24 * HOUR_MILLIS
/**
 * An empty file is kept for so long, in milliseconds: meanwhile a message that is delivered again is known as such, and whoever has an
 * old listing finds no number free that was taken.
 */
const EMPTY_MS = 7 * DAY_MILLIS

/** For how many days after its hour a span is kept; one in quarantine, after it came. */
export interface RetentionPolicy {
  /** Of projects that are not named; forever if absent or infinite. */
  readonly days?: number
  readonly projects: Readonly<Record<string, number>>
}

/** What retention does to one partition. */
export type RetentionStep =
  /** Compact it anew without the projects that have expired. */
  | { readonly kind: 'expire'; readonly prefix: string; readonly expired: ReadonlySet<string> }
  /** Delete files of which nothing is left, or that lie in quarantine, and what stands `beside` them. */
  | {
      readonly kind: 'delete'
      readonly prefix: string
      readonly files: readonly LakeFile[]
      readonly beside: readonly string[]
      /** What the files count that is not recorded as retired yet. */
      readonly projects: FileFacts['projects']
    }

export interface RetentionPlan {
  readonly steps: readonly RetentionStep[]
  /** Partitions of which it is not known what they hold, with the reason. */
  readonly failed: Readonly<Record<string, string>>
}

export interface RetentionOptions {
  readonly store: ObjectStore
  readonly format: LakeFormat
  readonly policy: RetentionPolicy
  /** Milliseconds since 1970. */
  readonly now: number
}

/**
 * What has expired. Time is the clock's, but at most the end of the newest hour in the lake: a clock that is years ahead deletes
 * nothing of what came last. Partitions with a compaction under way are left for another day.
 */
export async function planRetention(options: RetentionOptions): Promise<RetentionPlan> {
  const { store, policy, now } = options
  const shortest = Math.min(policy.days ?? Number.POSITIVE_INFINITY, ...Object.values(policy.projects))
  if (shortest === Number.POSITIVE_INFINITY) return { steps: [], failed: {} }
  const partitions = await byPartition(store, TRACES)
  const ends = [...partitions.keys()].map(endOf).filter((end) => end <= now + DAY_MILLIS)
  const today = Math.min(now, Math.max(Number.NEGATIVE_INFINITY, ...ends))
  const corrections = await byPartition(store, CORRECTIONS)
  const staged = await byPartition(store, STAGING)
  const scope: Scope = { ...options, today, retired: await readRetired(store, TRACES) }

  const steps: RetentionStep[] = []
  const failed: Record<string, string> = {}
  const planEach = async (
    chosen: readonly Partition[],
    plan: (partition: Partition) => Promise<RetentionStep | undefined>,
  ) => {
    const planned = await mapParallel(chosen, READS_AT_ONCE, (partition) =>
      plan(partition).catch((error) => {
        failed[partition[0]] = describeError(error)
        return undefined
      }),
    )
    steps.push(...planned.filter((step) => step !== undefined))
  }
  const old = [...partitions].filter(
    ([prefix]) => !staged.has(STAGING + prefix) && endOf(prefix) + shortest * DAY_MILLIS <= today,
  )
  await planEach(old, ([prefix, files]) =>
    planTraces(prefix, files, corrections.get(prefix.replace(TRACES, CORRECTIONS)) ?? [], scope),
  )
  const orphans = [...corrections].filter(([prefix]) => !partitions.has(prefix.replace(CORRECTIONS, TRACES)))
  await planEach(orphans, ([prefix, files]) => planOrphans(prefix, files, scope))
  const quarantine = await byPartition(store, QUARANTINE)
  if (quarantine.size > 0) {
    const quarantineScope = { ...scope, retired: await readRetired(store, QUARANTINE) }
    await planEach([...quarantine], ([prefix, files]) => planQuarantine(prefix, files, quarantineScope))
  }
  return { steps, failed }
}

type Partition = readonly [prefix: string, files: readonly LakeFile[]]

interface Scope extends RetentionOptions {
  readonly today: number
  readonly retired: Retired
}

async function planTraces(
  prefix: string,
  files: readonly LakeFile[],
  corrections: readonly LakeFile[],
  scope: Scope,
): Promise<RetentionStep | undefined> {
  const live = liveFiles(files)
  const projects = await countProjects(live, scope)
  const present = projectsOf(projects)
  const expired = present.filter((project) => hasExpired(project, endOf(prefix), scope))
  if (expired.length > 0) return { kind: 'expire', prefix, expired: new Set(expired) }
  const old = (file: ObjectInfo) => scope.now - file.updatedAt >= EMPTY_MS
  if (present.length > 0 || live.length !== files.length || !files.every(old)) return undefined
  const facts = new Set(files.map(({ parsed }) => factsName(prefix, parsed)))
  return { kind: 'delete', prefix, files, projects, beside: [...facts, ...corrections.filter(old).map(nameOf)] }
}

/** Corrections of spans that are gone, or never came. */
async function planOrphans(prefix: string, files: readonly LakeFile[], scope: Scope) {
  const old = files.every(({ updatedAt }) => scope.now - updatedAt >= EMPTY_MS)
  const projects = old ? projectsOf(await countProjects(files, scope)) : ['']
  if (!old || !projects.every((project) => hasExpired(project, endOf(prefix), scope))) return undefined
  return { kind: 'delete' as const, prefix, files: [], projects: {}, beside: files.map(nameOf) }
}

/** A span in quarantine has no hour that means anything: what counts is when it came. Its file goes with the last of its projects. */
async function planQuarantine(prefix: string, files: readonly LakeFile[], scope: Scope) {
  const expired: LakeFile[] = []
  for (const file of files) {
    const present = projectsOf((await readFacts(file, scope)).projects)
    if (present.every((project) => hasExpired(project, file.updatedAt, scope))) expired.push(file)
  }
  if (expired.length === 0) return undefined
  const projects = await countProjects(expired, scope)
  return { kind: 'delete' as const, prefix, files: expired, projects, beside: [] }
}

/**
 * Carries out a plan, and returns the partitions of which a step failed, with the reason: the others are done all the same. One that has
 * become busy since is left to the next plan. Each step may be cut short and done again.
 */
export async function retain(
  steps: readonly RetentionStep[],
  { store, compactor }: { readonly store: ObjectStore; readonly compactor: Pick<Compactor, 'rewrite'> },
): Promise<Record<string, string>> {
  const failed: Record<string, string> = {}
  for (const step of steps) {
    try {
      if (step.kind === 'expire') await compactor.rewrite(step.prefix, step.expired)
      else await deleteStep(step, store)
    } catch (error) {
      failed[step.prefix] = describeError(error)
    }
  }
  return failed
}

async function deleteStep(
  { prefix, files, projects, beside }: Extract<RetentionStep, { readonly kind: 'delete' }>,
  store: ObjectStore,
): Promise<void> {
  const names = files.map(nameOf)
  // The record comes first: from then on the files count as expired, whether or not they are gone yet.
  if (Object.keys(projects).length > 0) await recordRetired(store, prefix, { files: names, projects })
  for (const name of [...names, ...beside]) await store.delete(name)
}

function endOf(prefix: string): number {
  return ((partitionHour(prefix) ?? Number.POSITIVE_INFINITY) + 1) * HOUR_MILLIS
}

function hasExpired(project: string, since: number, { policy, today }: Scope): boolean {
  const days = Object.hasOwn(policy.projects, project) ? policy.projects[project] : policy.days
  return days !== undefined && since + days * DAY_MILLIS <= today
}

/** Counts of files; none of those that a retention cut short has recorded already. */
async function countProjects(files: readonly LakeFile[], scope: Scope): Promise<FileFacts['projects']> {
  const total = new Map<string, ProjectCounts>()
  for (const file of files) {
    if (!scope.retired.covers(file)) addCounts(total, (await readFacts(file, scope)).projects)
  }
  return Object.fromEntries(total)
}

/** Of which there are rows. */
function projectsOf(projects: FileFacts['projects']): string[] {
  return Object.entries(projects).flatMap(([project, { rows }]) => (rows > 0 ? [project] : []))
}

function nameOf({ name }: { readonly name: string }): string {
  return name
}

async function byPartition(store: ObjectStore, base: string): Promise<Map<string, LakeFile[]>> {
  return Map.groupBy(parseFiles(await Array.fromAsync(store.list(base))), ({ name }) => prefixOf(name))
}
