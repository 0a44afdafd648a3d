import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from '../config.ts'
import { SpanledgerError } from '../errors.ts'
import { openCachedLake } from '../lake/cached-lake.ts'
import type { ObjectStore } from '../lake/object-store.ts'
import { withPrefix } from '../lake/prefixed-store.ts'
import { openDirectoryLake, type ReadableLake } from '../lake/readable-lake.ts'
import { makeDataDirectory } from './data-directory.ts'
import { openGcpObjectStore } from './gcp.ts'
import { requireCredentials } from './google-access.ts'
import { localPaths } from './local.ts'

/** A bucket, and what the names of a lake's objects begin with. */
interface BucketAddress {
  readonly bucket: string
  /** Empty, or ending in `/`. */
  readonly prefix: string
}

/** Where the lake of this configuration is: a directory, or `gs://BUCKET`. */
export function defaultLake(config: Config): string {
  return config.SPANLEDGER_PLATFORM === 'gcp' ? `gs://${config.SPANLEDGER_GCP_BUCKET}` : localPaths(config).lake
}

/**
 * The lake at `address`, a directory or `gs://BUCKET/PREFIX`, for reading by DuckDB. Throws `lake/not-found` for a directory that is not
 * there and `config/invalid` for an address that is none.
 */
export async function openReadableLake(address: string, config: Config): Promise<ReadableLake> {
  const place = parseBucketAddress(address)
  if (place === undefined) {
    if (!existsSync(address)) {
      const hint = "send spans first, name it with --lake, or set SPANLEDGER_DATA to the server's data directory"
      throw new SpanledgerError('lake/not-found', `there is no lake in ${address}; ${hint}`)
    }
    return openDirectoryLake(address)
  }
  makeDataDirectory(config.SPANLEDGER_DATA)
  const directory = join(localPaths(config).lakeCache, place.bucket, ...place.prefix.split('/'))
  return openCachedLake(await openBucket(place, config), {
    directory,
    maxBytes: config.SPANLEDGER_LAKE_CACHE_BYTES,
  })
}

/** The objects at `gs://BUCKET/PREFIX`. Throws `config/invalid` for anything else. */
export async function openBucketLake(address: string, config: Config): Promise<ObjectStore> {
  const place = parseBucketAddress(address)
  if (place === undefined) throw new SpanledgerError('config/invalid', `${address} is no gs://BUCKET/PREFIX`)
  return openBucket(place, config)
}

async function openBucket({ bucket, prefix }: BucketAddress, config: Config): Promise<ObjectStore> {
  await requireCredentials()
  return withPrefix(await openGcpObjectStore({ ...config, SPANLEDGER_GCP_BUCKET: bucket }), prefix)
}

function parseBucketAddress(address: string): BucketAddress | undefined {
  if (!/^[a-z0-9+.-]+:\/\//i.test(address)) return undefined
  const match = /^gs:\/\/([a-z0-9][a-z0-9._-]{1,220}[a-z0-9])((?:\/[\w.=-]+)*)\/?$/.exec(address)
  if (match === null || match[2]?.split('/').some((segment) => segment === '.' || segment === '..')) {
    throw new SpanledgerError('config/invalid', `${address} is no gs://BUCKET/PREFIX`)
  }
  const [, bucket = '', path = ''] = match
  return { bucket, prefix: path === '' ? '' : `${path.slice(1)}/` }
}
