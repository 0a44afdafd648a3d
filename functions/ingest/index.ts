import { createAuthenticate } from '../../shared/auth/key-authenticate.ts'
import { createLog } from '../../shared/log.ts'
import { serveFunction } from '../../shared/platform/function-server.ts'
import { readFunctionConfig } from '../../shared/platform/functions.ts'
import { openGcpBus, openGcpKeyStore } from '../../shared/platform/gcp.ts'
import { createIngestApp } from './handler.ts'

const config = readFunctionConfig('ingest')
const [bus, keys] = await Promise.all([openGcpBus(config), openGcpKeyStore(config)])

serveFunction(
  'ingest',
  createIngestApp({
    bus,
    authenticate: createAuthenticate({ keys, requireKeys: true }),
    limits: {
      maxBytes: config.SPANLEDGER_MAX_BODY_BYTES,
      maxAttributes: config.SPANLEDGER_MAX_ATTRIBUTES,
      maxAttributeBytes: config.SPANLEDGER_MAX_ATTRIBUTE_BYTES,
      maxDepth: config.SPANLEDGER_MAX_DEPTH,
      maxNameBytes: config.SPANLEDGER_MAX_NAME_BYTES,
      maxResourceBytes: config.SPANLEDGER_MAX_RESOURCE_BYTES,
      maxObjects: config.SPANLEDGER_MAX_OBJECTS,
    },
    maxBodyBytes: config.SPANLEDGER_MAX_BODY_BYTES,
    maxInFlightBytes: config.SPANLEDGER_MAX_IN_FLIGHT_BYTES,
    now: () => BigInt(Date.now()) * 1_000_000n,
    log: createLog('ingest'),
  }),
)
