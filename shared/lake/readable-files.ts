import { type LakeFile, liveFiles } from './live-files.ts'
import type { ObjectInfo, ObjectStore } from './object-store.ts'
import { CORRECTIONS, partitionHour, partitionPrefix, STAGING, TRACES } from './partition.ts'

const HOUR_MILLIS = 3_600_000
/** No partition comes before or after these: years have four digits. */
const FIRST_MILLIS = 0
const END_MILLIS = Date.UTC(9999, 0)

/** Only hours that touch [from, to), in milliseconds since 1970. */
export interface TimeRange {
  readonly from?: number
  readonly to?: number
}

/** What to list. */
export interface ReadableOptions extends TimeRange {
  /** Names of objects to do without: what a compacted file among them stands for is listed instead, if it is still there. */
  readonly without?: { has(name: string): boolean }
}

/** What to read of a lake. */
export interface ReadableFiles {
  readonly spans: readonly LakeFile[]
  readonly corrections: readonly ObjectInfo[]
}

/**
 * The files to read so that every row is seen once, now and for a grace period to come: those that are published and those that
 * are staged, as far as they are live together; and the corrections of their spans.
 */
export async function listReadable(store: ObjectStore, options: ReadableOptions = {}): Promise<ReadableFiles> {
  const staged = await listRange(store, STAGING + TRACES, options)
  const spans = readableFiles(await listRange(store, TRACES, options), staged)
  return { spans, corrections: await listRange(store, CORRECTIONS, options) }
}

/** Lists no more than the hours that are asked for. */
async function listRange(
  store: ObjectStore,
  base: string,
  { without, ...range }: ReadableOptions,
): Promise<ObjectInfo[]> {
  const from = Math.max(range.from ?? FIRST_MILLIS, FIRST_MILLIS)
  const to = Math.min(range.to ?? END_MILLIS, END_MILLIS)
  const objects: ObjectInfo[] = []
  if (from >= END_MILLIS || to <= FIRST_MILLIS) return objects
  const last = partitionPrefix(base, Math.ceil(to / HOUR_MILLIS))
  for await (const object of store.list(base, { from: partitionPrefix(base, Math.floor(from / HOUR_MILLIS)) })) {
    if (object.name >= last) break
    if (partitionHour(object.name) !== undefined && !without?.has(object.name)) objects.push(object)
  }
  return objects
}

/** See {@link listReadable}; `staged` are objects below {@link STAGING}. */
export function readableFiles(published: readonly ObjectInfo[], staged: readonly ObjectInfo[]): LakeFile[] {
  const places = new Map<string, ObjectInfo>()
  for (const object of staged) places.set(object.name.slice(STAGING.length), object)
  for (const object of published) places.set(object.name, object)
  const live = liveFiles(Array.from(places, ([name, object]) => ({ ...object, name })))
  return live.map((file) => ({ ...file, name: (places.get(file.name) ?? file).name }))
}
