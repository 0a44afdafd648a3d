import { tmpdir } from 'node:os'
import { parseArgs } from 'node:util'
import { type Config, readConfig } from '../shared/config.ts'
import { readLakeBatches } from '../shared/lake/lake-batches.ts'
import { parseFiles } from '../shared/lake/live-files.ts'
import { QUARANTINE } from '../shared/lake/partition.ts'
import { listReadable } from '../shared/lake/readable-files.ts'
import { locateLists, type ReadableLake } from '../shared/lake/readable-lake.ts'
import { openScratch } from '../shared/lake/scratch.ts'
import { findUnreadable, mayBeUnreadable, type UnreadableFiles } from '../shared/lake/unreadable-files.ts'
import { lockDataDirectory } from '../shared/platform/data-lock.ts'
import { defaultLake, openReadableLake } from '../shared/platform/lake-address.ts'
import { openPlatform } from '../shared/platform/platform.ts'
import type { TraceStore } from '../shared/warehouse/trace-store.ts'
import { misuse, runCommand } from './command.ts'

const USAGE = `npm run rebuild -- --from lake [--lake DIRECTORY|gs://BUCKET]
Fills the warehouse of this platform (SPANLEDGER_PLATFORM, BigQuery on gcp) from a lake, its own unless one is named: what the
warehouse has already is left as it is. Stop an embedded server first. From a bucket all of the lake is fetched to the data
directory, at most SPANLEDGER_LAKE_CACHE_BYTES. A file that cannot be read is named and left out, and the exit code is 1.`

/** What a rebuild brought. */
export interface RebuildResult {
  readonly stored: number
  readonly duplicates: number
  /** Spans that the warehouse will never take. */
  readonly refused: number
  /** Files whose spans are missing. */
  readonly unreadable: UnreadableFiles
}

/**
 * Fills the warehouse of `config` from the lake at `address`. May be cut short and run again. Throws `config/invalid` while a server has
 * the warehouse.
 */
export async function rebuild(config: Config, address: string = defaultLake(config)): Promise<RebuildResult> {
  const lake = await openReadableLake(address, config)
  const lock = config.SPANLEDGER_PLATFORM === 'local' ? lockDataDirectory(config.SPANLEDGER_DATA) : undefined
  try {
    return await rebuildFrom(lake, config)
  } finally {
    lock?.release()
  }
}

async function rebuildFrom(lake: ReadableLake, config: Config): Promise<RebuildResult> {
  const store = await (await openPlatform(config)).openTraceStore()
  const fillWithout = async (unreadable: UnreadableFiles): Promise<RebuildResult> => {
    const files = await locateLists(lake, await listFiles(lake, unreadable))
    return { ...(await fill(store, files)), unreadable }
  }
  try {
    return await fillWithout(new Map()).catch(async (error) => {
      if (!mayBeUnreadable(error)) throw error
      const unreadable = await findUnreadable(lake, Object.values(await listFiles(lake)).flat())
      if (unreadable.size === 0) throw error
      return fillWithout(unreadable)
    })
  } finally {
    await store.close()
  }
}

async function listFiles({ store }: ReadableLake, without: UnreadableFiles = new Map()) {
  const { spans, corrections } = await listReadable(store, { without })
  // Only the lake sets spans aside: a warehouse has them like any others.
  const aside = parseFiles(await Array.fromAsync(store.list(QUARANTINE))).filter(({ name }) => !without.has(name))
  return { spans: [...spans, ...aside], corrections }
}

async function fill(
  store: TraceStore,
  { spans, corrections }: { readonly spans: readonly string[]; readonly corrections: readonly string[] },
): Promise<Omit<RebuildResult, 'unreadable'>> {
  const scratch = await openScratch(tmpdir(), 'spanledger-rebuild')
  let stored = 0
  let duplicates = 0
  let refused = 0
  try {
    for await (const batches of readLakeBatches(spans, { scratch: scratch.path, corrections })) {
      for (const result of await store.write(batches)) {
        stored += result.stored
        duplicates += result.duplicates
        refused += result.refused?.length ?? 0
      }
    }
  } finally {
    await scratch.close()
  }
  return { stored, duplicates, refused }
}

async function main(args: readonly string[]): Promise<string> {
  const { values } = parseArgs({ args: [...args], options: { from: { type: 'string' }, lake: { type: 'string' } } })
  if (values.from !== 'lake') throw misuse('say --from lake')
  const { stored, duplicates, refused, unreadable } = await rebuild(readConfig(), values.lake)
  if (refused > 0) console.error(`${refused} spans were refused`)
  for (const [path, reason] of unreadable) console.error(`left out ${path}: ${reason}`)
  if (unreadable.size + refused > 0) process.exitCode = 1
  return `stored ${stored} spans; ${duplicates} came in more than one message`
}

if (import.meta.main) await runCommand(USAGE, main)
