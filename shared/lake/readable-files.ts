import { type LakeFile, liveFiles } from './live-files.ts'
import type { ObjectInfo, ObjectStore } from './object-store.ts'
import { STAGING, TRACES } from './partition.ts'

/**
 * The files to read so that every row below `prefix` is seen once, now and for a grace period to come: those that are published and
 * those that are staged, as far as they are live together.
 */
export async function listReadable(store: ObjectStore, prefix: string = TRACES): Promise<LakeFile[]> {
  const staged = await Array.fromAsync(store.list(STAGING + prefix))
  return readableFiles(await Array.fromAsync(store.list(prefix)), staged)
}

/** See {@link listReadable}; `staged` are objects below {@link STAGING}. */
export function readableFiles(published: readonly ObjectInfo[], staged: readonly ObjectInfo[]): LakeFile[] {
  const places = new Map<string, ObjectInfo>()
  for (const object of staged) places.set(object.name.slice(STAGING.length), object)
  for (const object of published) places.set(object.name, object)
  const live = liveFiles(Array.from(places, ([name, object]) => ({ ...object, name })))
  return live.map((file) => ({ ...file, name: (places.get(file.name) ?? file).name }))
}
