import type { ObjectInfo } from './object-store.ts'
import { type FileName, parseFileName, prefixOf } from './partition.ts'

/** A Parquet file of the lake, and what its name says. */
export interface LakeFile extends ObjectInfo {
  readonly parsed: FileName
}

/** The objects that are Parquet files of the lake. */
export function parseFiles(objects: Iterable<ObjectInfo>): LakeFile[] {
  return Array.from(objects).flatMap((object) => {
    const parsed = parseFileName(object.name)
    return parsed === undefined ? [] : [{ ...object, parsed }]
  })
}

/**
 * The rule by which a reader sees each row once while a partition is compacted: a compacted file, once all of its parts are
 * listed, replaces every other file of its partition whose numbers lie within its own, of which a lower version of itself is one.
 * What remains, in order of name.
 */
export function liveFiles(objects: Iterable<ObjectInfo>): LakeFile[] {
  const files = parseFiles(objects)
  const groups = Map.groupBy(
    files.filter(({ parsed }) => parsed.version > 0),
    ({ name, parsed }) => `${prefixOf(name)}${parsed.first}-${parsed.last}v${parsed.version}of${parsed.parts}`,
  )
  const whole = new Map<string, FileName[]>()
  for (const group of groups.values()) {
    const [file] = group
    if (file === undefined || group.length < file.parsed.parts) continue
    const prefix = prefixOf(file.name)
    whole.set(prefix, [...(whole.get(prefix) ?? []), file.parsed])
  }
  return files.filter(({ name, parsed }) => {
    const compacted = whole.get(prefixOf(name)) ?? []
    if (parsed.version > 0 && !compacted.some((other) => sameGroup(parsed, other))) return false
    return !compacted.some((other) => replaces(other, parsed))
  })
}

function sameGroup(a: FileName, b: FileName): boolean {
  return a.first === b.first && a.last === b.last && a.version === b.version && a.parts === b.parts
}

/** Whether a compacted file stands for `other`. */
export function replaces(compacted: FileName, other: FileName): boolean {
  if (compacted.version === 0 || other.first < compacted.first || other.last > compacted.last) return false
  const same = other.first === compacted.first && other.last === compacted.last
  return !same || other.version < compacted.version
}
