import { createAuthenticate } from '../../shared/auth/key-authenticate.ts'
import { createLakeCounter } from '../../shared/lake/counts.ts'
import { createParquetFormat } from '../../shared/lake/parquet-format.ts'
import { createLog } from '../../shared/log.ts'
import { serveFunction } from '../../shared/platform/function-server.ts'
import { readFunctionConfig } from '../../shared/platform/functions.ts'
import {
  openGcpBooks,
  openGcpBudgetLedger,
  openGcpBus,
  openGcpCatalogue,
  openGcpKeyStore,
  openGcpObjectStore,
  openGcpPriceStore,
  openGcpTraceStore,
} from '../../shared/platform/gcp.ts'
import { createGcpConservation } from '../../shared/platform/gcp-conservation.ts'
import { createPricer, type Pricer } from '../../shared/pricing/pricer.ts'
import { createBudgetRoutes } from './budgets/routes.ts'
import { createQueryApp } from './handler.ts'
import { createPriceRoutes } from './prices/routes.ts'

const config = readFunctionConfig('query')
const log = createLog('query')
const [keys, reader, store, ledger, books, prices, bus] = await Promise.all([
  openGcpKeyStore(config),
  openGcpTraceStore(config, { onBilled: (bytes) => log.info({ bytes }, 'queried BigQuery') }),
  openGcpObjectStore(config),
  openGcpBudgetLedger(config),
  openGcpBooks(config),
  openGcpPriceStore(config),
  openGcpBus(config),
])
const authenticate = createAuthenticate({ keys, requireKeys: true })
let loadingPricer: Promise<Pricer> | undefined
/** Loaded by the first request that reprices: no other needs the catalogue. It is to see prices that were set just before. */
const pricer = () => {
  loadingPricer ??= openGcpCatalogue(prices, 1_000).then((catalogue) => createPricer({ catalogue }))
  return loadingPricer
}

serveFunction(
  'query',
  createQueryApp({
    reader,
    authenticate,
    conservation: createGcpConservation({
      books,
      sinks: {
        warehouse: (project) => reader.counts(project),
        lake: createLakeCounter({ store, format: createParquetFormat() }),
        budget: (project) => ledger.counts(project),
      },
    }),
    routes: [
      createBudgetRoutes({ ledger, authenticate, reader, log, alertReach: 'public' }),
      createPriceRoutes({ prices, reader, bus, pricer, authenticate, log }),
    ],
    log,
  }),
)
