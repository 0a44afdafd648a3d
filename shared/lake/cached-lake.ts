import { randomUUID } from 'node:crypto'
import { mkdir, readdir, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { SpanledgerError } from '../errors.ts'
import type { ObjectInfo, ObjectStore } from './object-store.ts'
import { mapParallel } from './parallel.ts'
import type { ReadableLake } from './readable-lake.ts'

export interface CacheOptions {
  /** Where fetched objects are kept; made when missing. */
  readonly directory: string
  /** The most bytes that are kept. What is needed at once must fit. */
  readonly maxBytes: number
}

/** How many objects are fetched at a time. */
const FETCHES = 8

/**
 * A lake elsewhere, of which what is read is fetched to a directory and kept there, so that it is fetched once: objects never change.
 * What was used longest ago makes room. Two processes may use the directory as long as it has room for both.
 */
export function openCachedLake(store: ObjectStore, options: CacheOptions): ReadableLake {
  const directory = resolve(options.directory)
  return {
    store,
    directory,
    async locate(objects) {
      const bytes = objects.reduce((sum, { size }) => sum + size, 0)
      if (bytes > options.maxBytes) {
        throw new SpanledgerError(
          'query/invalid',
          `${objects.length} files of ${megabytes(bytes)} do not fit into the cache of ${megabytes(options.maxBytes)}: ` +
            'ask for less time by --from and --to, or raise SPANLEDGER_LAKE_CACHE_BYTES',
        )
      }
      await mkdir(directory, { recursive: true, mode: 0o700 })
      const paths = objects.map((object) => pathOf(directory, object))
      const missing = await makeRoom(directory, { keep: new Set(paths), maxBytes: options.maxBytes - bytes })
      const absent = [...objects.entries()].filter(([index]) => missing(paths[index] as string))
      await mapParallel(absent, FETCHES, async ([index, object]) =>
        put(paths[index] as string, await store.read(object.name)),
      )
      return paths
    },
  }
}

/** A name may be taken again after its object was deleted: the time tells the two apart. */
function pathOf(directory: string, { name, updatedAt }: ObjectInfo): string {
  return join(directory, dirname(name), `${updatedAt}_${basename(name)}`)
}

async function put(path: string, data: Uint8Array): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  const scratch = `${path}.${randomUUID()}`
  try {
    await writeFile(scratch, data, { mode: 0o600 })
    await rename(scratch, path)
  } finally {
    await rm(scratch, { force: true })
  }
}

/**
 * Deletes what is not in `keep`, those last used longest ago first, until at most `maxBytes` of it are left. Returns what tells whether
 * a path of `keep` is missing.
 */
async function makeRoom(
  directory: string,
  { keep, maxBytes }: { readonly keep: ReadonlySet<string>; readonly maxBytes: number },
): Promise<(path: string) => boolean> {
  const present = new Set<string>()
  const others: { readonly path: string; readonly size: number; readonly usedAt: number }[] = []
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath, entry.name)
    if (keep.has(path)) {
      present.add(path)
      await utimes(path, new Date(), new Date())
      continue
    }
    const info = await stat(path).catch(() => undefined)
    if (info !== undefined) others.push({ path, size: info.size, usedAt: info.mtimeMs })
  }
  let bytes = others.reduce((sum, { size }) => sum + size, 0)
  for (const { path, size } of others.sort((a, b) => a.usedAt - b.usedAt)) {
    if (bytes <= maxBytes) break
    await rm(path, { force: true })
    bytes -= size
  }
  return (path) => !present.has(path)
}

function megabytes(bytes: number): string {
  return `${Math.ceil(bytes / 1e6).toLocaleString('en')} MB`
}
