import { z } from 'zod'
import { isSpanledgerError, SpanledgerError } from '../errors.ts'
import { addCounts, type FileFacts, type ProjectCounts } from './format.ts'
import type { ObjectInfo, ObjectStore } from './object-store.ts'
import { mapParallel, READS_AT_ONCE } from './parallel.ts'

/** Where it is noted which files retention deletes, before it does. */
const RETIRED = 'retired/'

const record = z.object({
  files: z.array(z.string()),
  projects: z.record(z.string(), z.object({ rows: z.number(), duplicates: z.number(), expired: z.number() })),
})

/** Files that retention deletes as a whole, and the counts they take along. */
export interface RetiredFiles {
  readonly files: readonly string[]
  readonly projects: FileFacts['projects']
}

/** What retention has deleted so far. */
export interface Retired {
  /** Whether a listed file is one that retention was about to delete: it is counted with the record, not by itself. */
  covers(file: Pick<ObjectInfo, 'name' | 'updatedAt'>): boolean
  readonly projects: readonly FileFacts['projects'][]
}

/** Notes that `retired` is about to be deleted from the partition `prefix`. */
export async function recordRetired(store: ObjectStore, prefix: string, retired: RetiredFiles): Promise<void> {
  const projects = new Map<string, ProjectCounts>()
  addCounts(projects, retired.projects)
  for (const [project, { rows, duplicates, expired }] of projects) {
    projects.set(project, { rows: 0, duplicates, expired: expired + rows })
  }
  const data = Buffer.from(JSON.stringify({ files: retired.files, projects: Object.fromEntries(projects) }))
  for (let number = 1; ; number++) {
    try {
      return await store.putIfAbsent(`${RETIRED}${prefix}${String(number).padStart(4, '0')}.json`, data)
    } catch (error) {
      if (!isSpanledgerError(error, 'lake/exists')) throw error
    }
  }
}

/** Reads all records of files below `base`; those in `known` not again. */
export async function readRetired(
  store: ObjectStore,
  base: string,
  known: Map<string, RetiredFiles> = new Map(),
): Promise<Retired> {
  const times = new Map<string, number>()
  const projects: FileFacts['projects'][] = []
  const objects = await Array.fromAsync(store.list(RETIRED + base))
  const records = await mapParallel(objects, READS_AT_ONCE, async ({ name }) => {
    const retired = known.get(name) ?? parseRecord(name, await store.read(name))
    known.set(name, retired)
    return retired
  })
  for (const [index, retired] of records.entries()) {
    projects.push(retired.projects)
    for (const file of retired.files) times.set(file, objects[index]!.updatedAt)
  }
  // A partition that was emptied counts from 1 again: a file newer than the record only has the name in common.
  return { covers: ({ name, updatedAt }) => updatedAt <= (times.get(name) ?? Number.NEGATIVE_INFINITY), projects }
}

function parseRecord(name: string, data: Uint8Array): RetiredFiles {
  try {
    return record.parse(JSON.parse(Buffer.from(data).toString()))
  } catch (cause) {
    throw new SpanledgerError('lake/corrupt', `${name} is no record of retention: restore it`, { cause })
  }
}
