import { createLog } from '../../shared/log.ts'
import { serveFunction } from '../../shared/platform/function-server.ts'
import { readFunctionConfig } from '../../shared/platform/functions.ts'
import { openGcpBooks, openGcpSource } from '../../shared/platform/gcp.ts'
import { createBooksSchedule } from './handler.ts'

const config = readFunctionConfig('books')
const [books, ...sources] = await Promise.all([
  openGcpBooks(config),
  openGcpSource(config, 'intake'),
  openGcpSource(config, 'buried'),
])
const prefix = config.SPANLEDGER_GCP_PREFIX

serveFunction('books', createBooksSchedule({ sources, books, prefix, log: createLog('books') }))
