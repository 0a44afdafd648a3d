import { join, resolve } from 'node:path'
import { openDirectoryStore } from './directory-store.ts'
import type { ObjectInfo, ObjectStore } from './object-store.ts'

/** A lake whose files DuckDB can open, since they are on this machine or are fetched to it. */
export interface ReadableLake {
  readonly store: ObjectStore
  /** The directory below which all paths lie. */
  readonly directory: string
  /**
   * Where each object can be read, in the same order; dt and hr are in the paths as they are in the names. What is read at once is
   * located at once: another call may need the room.
   */
  locate(objects: readonly ObjectInfo[]): Promise<string[]>
}

/** The lake in directory `root`, where its files are read in place. */
export function openDirectoryLake(root: string): ReadableLake {
  const directory = resolve(root)
  return {
    store: openDirectoryStore(directory),
    directory,
    locate: async (objects) => objects.map(({ name }) => join(directory, name)),
  }
}

/** Locates several lists of objects at once. */
export async function locateLists<Name extends string>(
  lake: ReadableLake,
  lists: Readonly<Record<Name, readonly ObjectInfo[]>>,
): Promise<Record<Name, readonly string[]>> {
  const names = Object.keys(lists) as Name[]
  const paths = await lake.locate(names.flatMap((name) => lists[name]))
  const located = {} as Record<Name, readonly string[]>
  for (const name of names) located[name] = paths.splice(0, lists[name].length)
  return located
}
