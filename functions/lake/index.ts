import { createCompactor } from '../../shared/lake/compactor.ts'
import { createParquetFormat } from '../../shared/lake/parquet-format.ts'
import { createLog } from '../../shared/log.ts'
import { serveFunction } from '../../shared/platform/function-server.ts'
import { readFunctionConfig } from '../../shared/platform/functions.ts'
import { openGcpBus, openGcpObjectStore, openGcpSource } from '../../shared/platform/gcp.ts'
import { createLakeSubscriber } from './handler.ts'
import { createLakeSchedule } from './schedule.ts'
import { lakeWindow, retentionPolicy } from './settings.ts'

/** A merge takes three times as much, of memory: the function has 4 GiB, and nothing else to write to. */
const MAX_MERGE_BYTES = 768 * 1024 ** 2

const config = readFunctionConfig('lake')
const log = createLog('lake')
const [bus, store, source] = await Promise.all([
  openGcpBus(config),
  openGcpObjectStore(config),
  openGcpSource(config, 'lake'),
])
const codec = config.SPANLEDGER_LAKE_CODEC
const format = createParquetFormat({ codec })
const subscriber = createLakeSubscriber({ store, codec, window: lakeWindow(config), log })
const graceMs = config.SPANLEDGER_LAKE_GRACE_MS
const compactor = createCompactor({ store, format, graceMs, maxMergeBytes: MAX_MERGE_BYTES, log })
const retention = { store, format, policy: retentionPolicy(config) }
const maxBytes = config.SPANLEDGER_LAKE_FLUSH_BYTES

serveFunction('lake', createLakeSchedule({ source, subscriber, compactor, retention, bus, maxBytes, log }))
