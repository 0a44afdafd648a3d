import { type LakeFile, liveFiles, replaces } from './live-files.ts'
import type { FileName } from './partition.ts'

/** What is known of one partition when a compactor comes to it. */
export interface PartitionState {
  /** Files that every reader sees. */
  readonly published: readonly LakeFile[]
  /** Compacted files that wait for being published; only our own reader sees them. */
  readonly staged: readonly LakeFile[]
  /** Whether its hour is over for so long that hardly any span is still to come. */
  readonly closed: boolean
  /** Milliseconds since 1970. */
  readonly now: number
  /** How long a reader may take, in milliseconds: what one may still be reading is not deleted. */
  readonly graceMs: number
}

/** What to do next with a partition. Each step is safe to be cut short anywhere and to be done again. */
export type CompactionStep =
  | { readonly kind: 'nothing' }
  /** Delete files that nobody reads any more. */
  | { readonly kind: 'delete'; readonly published: readonly LakeFile[]; readonly staged: readonly LakeFile[] }
  /** Show the staged files `group` to all readers, then delete what they replace. */
  | { readonly kind: 'publish'; readonly group: readonly LakeFile[] }
  /** Merge `inputs` into files of this name and stage them. */
  | { readonly kind: 'merge'; readonly inputs: readonly LakeFile[]; readonly name: FileName }

/** A partition that was compacted is compacted again when so many fresh files have come, or one of them is so old. */
const ENOUGH_FRESH = 8
const OLD_FRESH_MS = 6 * 60 * 60 * 1000

/** The next step for a partition. `force` asks for a merge whether or not files would gain by one. */
export function planCompaction(state: PartitionState, options: { readonly force?: boolean } = {}): CompactionStep {
  const { published, staged, now, graceMs } = state
  const shown = completeGroups(published)
  const replaced = published.filter((file) => shown.some((group) => replaces(group.name, file.parsed)))
  const done = staged.filter((file) => isDone(file, shown, state))
  if (replaced.length > 0 || done.length > 0) return { kind: 'delete', published: replaced, staged: done }

  const waiting = completeGroups(staged).filter((group) => !shown.some((other) => isSame(other, group)))
  const newest = waiting.find((group) => !waiting.some((other) => replaces(other.name, group.name)))
  if (newest !== undefined) {
    if (now - newest.since < graceMs) return { kind: 'nothing' }
    return { kind: 'publish', group: newest.files }
  }

  const inputs = liveFiles(published)
  if (!state.closed || inputs.length === 0 || !(options.force || isWorthwhile(inputs, now))) return { kind: 'nothing' }
  const first = Math.min(...inputs.map(({ parsed }) => parsed.first))
  const last = Math.max(...inputs.map(({ parsed }) => parsed.last))
  const versions = [...published, ...staged]
    .filter(({ parsed }) => parsed.first === first && parsed.last === last)
    .map(({ parsed }) => parsed.version)
  return { kind: 'merge', inputs, name: { first, last, version: Math.max(0, ...versions) + 1, part: 1, parts: 1 } }
}

/** Files of one compaction, all parts there. */
interface Group {
  readonly name: FileName
  readonly files: readonly LakeFile[]
  /** When it was complete: the time of its last part. */
  readonly since: number
}

function completeGroups(files: readonly LakeFile[]): Group[] {
  const groups = Map.groupBy(
    files.filter(({ parsed }) => parsed.version > 0),
    ({ parsed }) => `${parsed.first}-${parsed.last}v${parsed.version}of${parsed.parts}`,
  )
  return [...groups.values()]
    .filter((group) => group.length === group[0]?.parsed.parts)
    .map((group) => ({
      name: (group[0] as LakeFile).parsed,
      files: group.toSorted((a, b) => a.parsed.part - b.parsed.part),
      since: Math.max(...group.map(({ updatedAt }) => updatedAt)),
    }))
}

function isSame(a: Group, b: Group): boolean {
  return a.name.first === b.name.first && a.name.last === b.name.last && a.name.version === b.name.version
}

/**
 * Whether a staged file has served: its compaction is published, or a later one took its place, for longer than any reader takes; or
 * its compaction was never finished and is that old.
 */
function isDone(file: LakeFile, shown: readonly Group[], { staged, now, graceMs }: PartitionState): boolean {
  const groups = completeGroups(staged)
  const own = groups.find(({ files }) => files.includes(file))
  if (own === undefined) return now - file.updatedAt >= graceMs
  const outdated = (group: Group) => now - group.since >= graceMs && replaces(group.name, file.parsed)
  const served = (group: Group) => now - group.since >= graceMs && isSame(group, own)
  return groups.some(outdated) || shown.some((group) => outdated(group) || served(group))
}

/** Fresh files are merged once; later ones when there are many, or they have waited long. */
function isWorthwhile(inputs: readonly LakeFile[], now: number): boolean {
  const fresh = inputs.filter(({ parsed }) => parsed.version === 0)
  if (fresh.length === 0) return false
  if (fresh.length === inputs.length || fresh.length >= ENOUGH_FRESH) return true
  return fresh.some(({ updatedAt }) => now - updatedAt > OLD_FRESH_MS)
}
