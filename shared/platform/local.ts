import { join } from 'node:path'
import { openSqliteKeyStore } from '../auth/sqlite-key-store.ts'
import { openSqliteLedger } from '../budgets/sqlite-ledger.ts'
import type { MessageSource, Subscription } from '../bus/bus.ts'
import { createDoorbell, type Doorbell } from '../bus/doorbell.ts'
import { openQueueAdmin, type QueueAdmin } from '../bus/sqlite/backlog.ts'
import { openSqliteBus } from '../bus/sqlite/bus.ts'
import { prepareQueue } from '../bus/sqlite/database.ts'
import { openSqliteSource } from '../bus/sqlite/source.ts'
import type { Config } from '../config.ts'
import { openDirectoryStore } from '../lake/directory-store.ts'
import type { Catalogue } from '../pricing/catalogue.ts'
import { createCustomCatalogue } from '../pricing/custom-catalogue.ts'
import { readPriceFile } from '../pricing/price-file.ts'
import type { PriceStore } from '../pricing/price-store.ts'
import { openSqlitePriceStore } from '../pricing/sqlite-price-store.ts'
import { openSqliteTraceState } from '../pricing/sqlite-trace-state.ts'
import type { TraceStateStore } from '../pricing/trace-state.ts'
import { readForward } from '../warehouse/forward-settings.ts'
import type { SpanWriter } from '../warehouse/trace-store.ts'
import { makeDataDirectory } from './data-directory.ts'
import type { Platform } from './platform.ts'

/** The embedded platform: everything in one directory, nothing outside the process. */
export interface LocalPlatform extends Platform {
  /** The subscriptions that this configuration has. */
  readonly subscriptions: readonly Subscription[]
  /** Shared with the other threads, which pass it to {@link createLocalPlatform}. */
  readonly doorbell: Doorbell
  /** Makes the queue ready. Once a start, by the main thread, before anything else is opened. */
  prepare(): Promise<void>
  openSource(subscription: Subscription): MessageSource
  openQueueAdmin(): QueueAdmin
  /** What `price` remembers of traces across messages. */
  openTraceState(): Promise<TraceStateStore>
  /** Prices of one's own, by project. */
  openPriceStore(): Promise<PriceStore>
  /** The price catalogue, with prices of one's own before it. */
  openCatalogue(prices: PriceStore): Promise<Catalogue>
  /** The OTLP endpoint that gets a copy of every span. */
  openForward(): Promise<SpanWriter>
}

/** Where each store keeps its state below the data directory. */
export function localPaths(config: Config) {
  const at = (name: string) => join(config.SPANLEDGER_DATA, name)
  return {
    queue: at('queue'),
    duckdb: at('warehouse.duckdb'),
    sqlite: at('warehouse.sqlite'),
    lake: at('lake'),
    lakeCache: at('lake-cache'),
    budgets: at('budgets.sqlite'),
    keys: at('keys.sqlite'),
    traces: at('traces.sqlite'),
    prices: at('prices.sqlite'),
  }
}

export function createLocalPlatform(config: Config, doorbell: Doorbell = createDoorbell()): LocalPlatform {
  const paths = localPaths(config)
  makeDataDirectory(config.SPANLEDGER_DATA)
  const queue = { directory: paths.queue, doorbell }
  const file = config.SPANLEDGER_PRICES
  const openPriceFile = async () => (file === undefined ? [] : await readPriceFile(file))
  const subscriptions: Subscription[] = ['price', 'budget', 'warehouse', 'lake', 'notify']
  if (config.SPANLEDGER_FORWARD_URL !== undefined) subscriptions.push('forward')
  return {
    subscriptions,
    doorbell,
    async prepare() {
      // Read for its errors: each thread that would find them says them in its own way.
      await openPriceFile()
      prepareQueue(queue, { subscriptions, now: Date.now() })
    },
    openBus: async () => openSqliteBus({ ...queue, maxBytes: config.SPANLEDGER_QUEUE_MAX_BYTES }),
    openSource: (subscription) =>
      openSqliteSource({
        ...queue,
        subscription,
        visibilityMs: config.SPANLEDGER_QUEUE_VISIBILITY_MS,
        maxAttempts: config.SPANLEDGER_QUEUE_MAX_ATTEMPTS,
      }),
    openQueueAdmin: () => openQueueAdmin(queue),
    openTraceState: async () => openSqliteTraceState({ path: paths.traces }),
    openPriceStore: async () => openSqlitePriceStore(paths.prices),
    async openCatalogue(store) {
      const { loadCatalogue } = await import('../pricing/catalogue.ts')
      return createCustomCatalogue({ base: await loadCatalogue(), store, shared: await openPriceFile() })
    },
    // The stores are loaded by the thread that opens them: the others need not carry DuckDB.
    async openTraceStore() {
      if (config.SPANLEDGER_WAREHOUSE === 'sqlite') {
        return (await import('../warehouse/sqlite-store.ts')).openSqliteStore({ path: paths.sqlite })
      }
      return (await import('../warehouse/duckdb-store.ts')).openDuckDbStore({ path: paths.duckdb })
    },
    async openForward() {
      const { createForwardWriter } = await import('../warehouse/forward-writer.ts')
      return createForwardWriter(readForward(config))
    },
    openObjectStore: async () => openDirectoryStore(paths.lake),
    openBudgetLedger: async () => openSqliteLedger({ path: paths.budgets }),
    openKeyStore: async () => openSqliteKeyStore(paths.keys),
  }
}
