import type { Config } from '../../shared/config.ts'
import type { IngestOptions } from './ingest.ts'

type Limits = Pick<IngestOptions, 'limits' | 'maxBodyBytes' | 'maxInFlightBytes'>

/** What the configuration says of the sizes that `ingest` takes. */
export function ingestLimits(config: Pick<Config, IngestSetting>): Limits {
  return {
    maxBodyBytes: config.SPANLEDGER_MAX_BODY_BYTES,
    maxInFlightBytes: config.SPANLEDGER_MAX_IN_FLIGHT_BYTES,
    limits: {
      maxBytes: config.SPANLEDGER_MAX_BODY_BYTES,
      maxAttributes: config.SPANLEDGER_MAX_ATTRIBUTES,
      maxAttributeBytes: config.SPANLEDGER_MAX_ATTRIBUTE_BYTES,
      maxDepth: config.SPANLEDGER_MAX_DEPTH,
      maxNameBytes: config.SPANLEDGER_MAX_NAME_BYTES,
      maxResourceBytes: config.SPANLEDGER_MAX_RESOURCE_BYTES,
      maxObjects: config.SPANLEDGER_MAX_OBJECTS,
    },
  }
}

type IngestSetting =
  | 'SPANLEDGER_MAX_BODY_BYTES'
  | 'SPANLEDGER_MAX_IN_FLIGHT_BYTES'
  | 'SPANLEDGER_MAX_ATTRIBUTES'
  | 'SPANLEDGER_MAX_ATTRIBUTE_BYTES'
  | 'SPANLEDGER_MAX_DEPTH'
  | 'SPANLEDGER_MAX_NAME_BYTES'
  | 'SPANLEDGER_MAX_RESOURCE_BYTES'
  | 'SPANLEDGER_MAX_OBJECTS'

/** Now, in nanoseconds since 1970: when `ingest` took what it takes. */
export function unixNano(): bigint {
  return BigInt(Date.now()) * 1_000_000n
}
