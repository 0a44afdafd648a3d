import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { type Config, readConfig } from '../shared/config.ts'
import { describeError, SpanledgerError } from '../shared/errors.ts'
import { openDirectoryStore } from '../shared/lake/directory-store.ts'
import { readLakeBatches } from '../shared/lake/lake-batches.ts'
import { CORRECTIONS } from '../shared/lake/partition.ts'
import { listReadable } from '../shared/lake/readable-files.ts'
import { createLocalPlatform, localPaths } from '../shared/platform/local.ts'

const USAGE = `npm run rebuild -- --from lake
Fills the warehouse from the lake: what it has already is left as it is. Stop the server first.`

/** What a rebuild brought. */
export interface RebuildResult {
  readonly stored: number
  readonly duplicates: number
}

/** Fills the warehouse of `config` from its lake. May be cut short and run again. */
export async function rebuild(config: Config): Promise<RebuildResult> {
  const root = resolve(localPaths(config).lake)
  const lake = openDirectoryStore(root)
  const place = ({ name }: { readonly name: string }) => join(root, name)
  const paths = (await listReadable(lake)).map(place)
  const corrections = (await Array.fromAsync(lake.list(CORRECTIONS))).map(place)
  const store = await createLocalPlatform(config).openTraceStore()
  const scratch = await mkdtemp(join(tmpdir(), 'spanledger-rebuild-'))
  let stored = 0
  let duplicates = 0
  try {
    for await (const batches of readLakeBatches(paths, { scratch, corrections })) {
      for (const result of await store.write(batches)) {
        stored += result.stored
        duplicates += result.duplicates
      }
    }
  } finally {
    await store.close()
    await rm(scratch, { recursive: true, force: true })
  }
  return { stored, duplicates }
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { from: { type: 'string' }, help: { type: 'boolean', short: 'h' } } })
  if (values.help) return console.log(USAGE)
  if (values.from !== 'lake') throw new SpanledgerError('query/invalid', 'say --from lake')
  const { stored, duplicates } = await rebuild(readConfig())
  console.log(`stored ${stored} spans; ${duplicates} came in more than one message`)
}

if (import.meta.main) {
  await main().catch((error) => {
    console.error(`${describeError(error)}\n\n${USAGE}`)
    process.exitCode = 2
  })
}
