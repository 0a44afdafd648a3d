import type { FileFacts, LakeFormat } from './format.ts'
import { parseFacts } from './format.ts'
import type { LakeFile } from './live-files.ts'
import type { ObjectStore } from './object-store.ts'
import { type FileName, fileName, prefixOf } from './partition.ts'

const NOTHING: FileFacts = { digests: [], projects: {} }

/** Where the facts of a compacted file stand: away from the Parquet files, so that no footer grows with the digests. */
export function factsName(prefix: string, name: FileName): string {
  return `facts/${prefix}${fileName({ ...name, part: 1, parts: 1 }).replace('_1of1.parquet', '.json')}`
}

/** Reads a file's facts; those of a compacted file in parts are the first part's. */
export async function readFacts(
  file: LakeFile,
  { store, format }: { readonly store: ObjectStore; readonly format: LakeFormat },
): Promise<FileFacts> {
  if (file.parsed.version === 0) return format.readFacts(store, file)
  if (file.parsed.part > 1) return NOTHING
  const name = factsName(prefixOf(file.name), file.parsed)
  return parseFacts(Buffer.from(await store.read(name)).toString(), name)
}
