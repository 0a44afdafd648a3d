import { createAuthenticate } from '../../shared/auth/key-authenticate.ts'
import { createLog } from '../../shared/log.ts'
import { serveFunction } from '../../shared/platform/function-server.ts'
import { readFunctionConfig } from '../../shared/platform/functions.ts'
import { openGcpBus, openGcpKeyStore } from '../../shared/platform/gcp.ts'
import { createIngestApp } from './handler.ts'
import { ingestLimits, unixNano } from './settings.ts'

const config = readFunctionConfig('ingest')
const [bus, keys] = await Promise.all([openGcpBus(config), openGcpKeyStore(config)])

serveFunction(
  'ingest',
  createIngestApp({
    bus,
    authenticate: createAuthenticate({ keys, requireKeys: true }),
    ...ingestLimits(config),
    now: unixNano,
    log: createLog('ingest'),
  }),
)
