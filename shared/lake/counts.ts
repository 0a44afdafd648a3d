import { isSpanledgerError } from '../errors.ts'
import type { FileFacts } from './file-facts.ts'
import { readFacts } from './file-facts.ts'
import { liveFiles } from './live-files.ts'
import type { ObjectInfo, ObjectStore } from './object-store.ts'
import { QUARANTINE, TRACES } from './partition.ts'

/** How many spans of a project the lake holds. */
export interface LakeCounts {
  readonly stored: bigint
  /** Spans that came in more than one message and were dropped by compaction. */
  readonly duplicates: bigint
  /** Spans outside the window. */
  readonly quarantined: bigint
}

/**
 * Counts from the files' footers, which are the only books there are: what is counted is what can be read. A footer is read
 * once; after that a count costs two listings. Corrupt files count as nothing.
 */
export function createLakeCounter(store: ObjectStore): (project: string) => Promise<LakeCounts> {
  let known = new Map<string, FileFacts['projects']>()

  const sum = async (base: string, project: string, kept: typeof known) => {
    const files: ObjectInfo[] = []
    for await (const file of store.list(base)) files.push(file)
    let rows = 0n
    let duplicates = 0n
    for (const file of liveFiles(files)) {
      const projects = known.get(file.name) ?? (await readProjects(store, file))
      kept.set(file.name, projects)
      const counts = Object.hasOwn(projects, project) ? projects[project] : undefined
      rows += BigInt(counts?.rows ?? 0)
      duplicates += BigInt(counts?.duplicates ?? 0)
    }
    return { rows, duplicates }
  }

  return async (project) => {
    const kept: typeof known = new Map()
    const traces = await sum(TRACES, project, kept)
    const quarantine = await sum(QUARANTINE, project, kept)
    known = kept
    return { stored: traces.rows, duplicates: traces.duplicates, quarantined: quarantine.rows }
  }
}

async function readProjects(store: ObjectStore, file: ObjectInfo): Promise<FileFacts['projects']> {
  try {
    return (await readFacts(store, file)).projects
  } catch (error) {
    if (isSpanledgerError(error, 'lake/corrupt') || isSpanledgerError(error, 'lake/not-found')) return {}
    throw error
  }
}
