import { isSpanledgerError } from '../errors.ts'
import { readFacts } from './file-facts.ts'
import { type FileFacts, type LakeFormat, NO_COUNTS } from './format.ts'
import { liveFiles } from './live-files.ts'
import type { ObjectStore } from './object-store.ts'
import { mapParallel, READS_AT_ONCE } from './parallel.ts'
import { QUARANTINE, TRACES } from './partition.ts'
import { type RetiredFiles, readRetired } from './retired.ts'

/** How many spans of a project the lake has, or had. */
export interface LakeCounts {
  /** Rows that a reader sees. */
  readonly stored: bigint
  /** Spans that came in more than one message and were dropped by compaction. */
  readonly duplicates: bigint
  /** Spans whose start time was outside the window. */
  readonly quarantined: bigint
  /** Spans that retention has deleted. */
  readonly expired: bigint
}

interface CounterOptions {
  readonly store: ObjectStore
  readonly format: LakeFormat
}

/**
 * Counts from what the files say of themselves, which are the only books there are: what is counted is what can be read. A file
 * is asked once; after that a count costs three listings. Corrupt files count as nothing.
 */
export function createLakeCounter(options: CounterOptions): (project: string) => Promise<LakeCounts> {
  let known = new Map<string, FileFacts['projects']>()
  const records = new Map<string, RetiredFiles>()

  const sum = async (base: string, project: string, kept: typeof known) => {
    const objects = await Array.fromAsync(options.store.list(base))
    const retired = await readRetired(options.store, base, records)
    const total = { rows: 0n, duplicates: 0n, expired: 0n }
    const add = (projects: FileFacts['projects']) => {
      const counts = (Object.hasOwn(projects, project) ? projects[project] : undefined) ?? NO_COUNTS
      total.rows += BigInt(counts.rows)
      total.duplicates += BigInt(counts.duplicates)
      total.expired += BigInt(counts.expired)
    }
    const files = liveFiles(objects).filter((file) => !retired.covers(file))
    const counted = await mapParallel(files, READS_AT_ONCE, async (file) => {
      const key = `${file.name}@${file.updatedAt}`
      const projects = known.get(key) ?? (await readProjects(file, options))
      // At once: whoever asks again after this broke off goes on from here.
      known.set(key, projects)
      kept.set(key, projects)
      return projects
    })
    for (const projects of counted) add(projects)
    for (const projects of retired.projects) add(projects)
    return total
  }

  return async (project) => {
    const kept: typeof known = new Map()
    const traces = await sum(TRACES, project, kept)
    const quarantine = await sum(QUARANTINE, project, kept)
    known = kept
    const { rows: stored, duplicates } = traces
    return { stored, duplicates, quarantined: quarantine.rows, expired: traces.expired + quarantine.expired }
  }
}

async function readProjects(file: ReturnType<typeof liveFiles>[number], options: CounterOptions) {
  try {
    return (await readFacts(file, options)).projects
  } catch (error) {
    if (isSpanledgerError(error, 'lake/corrupt') || isSpanledgerError(error, 'lake/not-found')) return {}
    throw error
  }
}
