import { setTimeout as sleep } from 'node:timers/promises'
import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { createIngestApp } from '../functions/ingest/handler.ts'
import { ingestLimits, unixNano } from '../functions/ingest/settings.ts'
import { createBudgetRoutes } from '../functions/query/budgets/routes.ts'
import { createQueryApp } from '../functions/query/handler.ts'
import { createPriceRoutes } from '../functions/query/prices/routes.ts'
import { createAuthenticate } from '../shared/auth/key-authenticate.ts'
import type { Subscription } from '../shared/bus/bus.ts'
import { type Config, readConfig, unknownSettings } from '../shared/config.ts'
import type { SinkCounts } from '../shared/conservation.ts'
import { isSpanledgerError, SpanledgerError } from '../shared/errors.ts'
import { answerBrokenRequest } from '../shared/http/broken-request.ts'
import { refuseForeignPages } from '../shared/http/loopback.ts'
import { handleProblems } from '../shared/http/problem.ts'
import { dropUnreadBody } from '../shared/http/unread-body.ts'
import { createLog } from '../shared/log.ts'
import { createLocalConservation } from '../shared/platform/conservation.ts'
import { lockDataDirectory } from '../shared/platform/data-lock.ts'
import { createIdleCheck } from '../shared/platform/idle.ts'
import { createLocalPlatform, type LocalPlatform } from '../shared/platform/local.ts'
import { type Supervisor, supervise } from '../shared/platform/threads/supervisor.ts'
import { createPricer, type Pricer } from '../shared/pricing/pricer.ts'
import { scanByPages } from '../shared/warehouse/scan.ts'
import type { SpanReader, SpanScanner } from '../shared/warehouse/trace-store.ts'
import { banner, describeStartError, isAddressError, isLoopback, urlOf } from './banner.ts'
import { startCompactionTimer } from './compaction-timer.ts'
import { startReconcileTimer } from './reconcile-timer.ts'

/** Heap bound of each thread in MiB: the whole process is to stay below 1 GiB. */
const HEAP_MB: Record<Subscription, number> = {
  price: 128,
  budget: 96,
  warehouse: 256,
  lake: 256,
  forward: 128,
  notify: 48,
}

/**
 * In which order threads finish: whoever publishes first, then who is published to; and what each may take over what is due, in
 * milliseconds, before it leaves the rest to the next start. Ten seconds after SIGTERM many a supervisor kills.
 */
const STOP_STAGES: readonly { readonly names: readonly Subscription[]; readonly ms: number }[] = [
  { names: ['price'], ms: 2_000 },
  { names: ['budget', 'warehouse', 'lake', 'forward'], ms: 3_500 },
  { names: ['notify'], ms: 300 },
]

/** What the threads of a start that failed get to end, in milliseconds. */
const ABANDON_MS = 2_000

/** What requests that are still open get at the end of a stop, in milliseconds. */
const STOP_REQUESTS_MS = 500

/** Longer than the five seconds at which SDKs export: at Node's own five, an export met its connection as it was closed. */
const KEEP_ALIVE_MS = 65_000

/** Before budgets that differ from the stored spans are looked at again: what was on its way is mostly there by then. */
const RECONCILE_PAUSE_MS = 10_000

const log = createLog('local')

const SETTINGS = 'settings are environment variables, in docs/settings.md'

interface LocalServer {
  readonly url: string
  /** Every request needs a key, and there is none yet. */
  readonly needsFirstKey: boolean
  stop(): Promise<void>
}

type Threads = ReadonlyMap<Subscription, Supervisor>

/** Starts the whole product in this process, one thread a consumer. Rejects when something cannot be opened. */
async function startLocal(config: Config): Promise<LocalServer> {
  const lock = lockDataDirectory(config.SPANLEDGER_DATA)
  const platform = createLocalPlatform(config)
  await platform.prepare()
  const threads: Threads = new Map(
    platform.subscriptions.map((subscription) => [subscription, startThread(subscription, config, platform.doorbell)]),
  )
  try {
    return await serveLocal(config, { lock, platform, threads })
  } catch (error) {
    // A process that ends while a thread opens DuckDB is aborted by it.
    await Promise.allSettled(Array.from(threads.values(), (thread) => thread.ready))
    await Promise.all(Array.from(threads.values(), (thread) => thread.drain(ABANDON_MS)))
    throw error
  }
}

interface Parts {
  readonly lock: { release(): void }
  readonly platform: LocalPlatform
  readonly threads: Threads
}

async function serveLocal(config: Config, { lock, platform, threads }: Parts): Promise<LocalServer> {
  const [bus, keys, ledger, prices] = await Promise.all([
    platform.openBus(),
    platform.openKeyStore(),
    platform.openBudgetLedger(),
    platform.openPriceStore(),
    ...Array.from(threads.values(), (thread) => thread.ready),
  ])
  const admin = platform.openQueueAdmin()

  const loopback = isLoopback(config.SPANLEDGER_HOST)
  const requireKeys = config.SPANLEDGER_REQUIRE_KEYS || !loopback
  const authenticate = createAuthenticate({ keys, requireKeys })
  const counts = (sink: Subscription) => (project: string) =>
    remote<{ counts(project: string): Promise<SinkCounts> }>(threads, sink).counts(project)
  const conservation = createLocalConservation({
    admin,
    subscriptions: platform.subscriptions,
    sinks: { warehouse: counts('warehouse'), lake: counts('lake'), budget: counts('budget') },
  })
  const pages = remote<SpanReader>(threads, 'warehouse')
  // What is iterated over does not cross threads: pages do.
  const reader = remote<SpanReader & SpanScanner>(threads, 'warehouse', scanByPages(pages))
  let loadingPricer: Promise<Pricer> | undefined
  const pricer = () => {
    loadingPricer ??= platform.openCatalogue(prices).then((catalogue) => createPricer({ catalogue }))
    return loadingPricer
  }
  const app = new Hono()
  handleProblems(app, log)
  if (!requireKeys) app.use(refuseForeignPages(() => keys.any()))
  app.route('/', createIngestApp({ bus, authenticate, now: unixNano, log, ...ingestLimits(config) }))
  app.route(
    '/',
    createQueryApp({
      reader,
      conservation,
      authenticate,
      log,
      ready: async () => {
        await counts('warehouse')('')
      },
      routes: [
        createBudgetRoutes({ ledger, authenticate, reader, log }),
        createPriceRoutes({ prices, reader, bus, pricer, authenticate, log }),
      ],
    }),
  )

  const server = await listen(app, config)
  const compactMs = config.SPANLEDGER_LAKE_COMPACT_MS
  const compaction = compactMs === 0 ? undefined : startCompactionTimer({ log, everyMs: compactMs })
  const reconciliation = startReconcileTimer({
    sources: { ledger, reader, now: Date.now, isIdle: createIdleCheck(admin), pause: () => sleep(RECONCILE_PAUSE_MS) },
    log,
    everyMs: config.SPANLEDGER_RECONCILE_MS,
    retentionDays: config.SPANLEDGER_WAREHOUSE_RETENTION_DAYS,
  })
  return {
    url: server.url,
    needsFirstKey: requireKeys && !(await keys.any()),
    async stop() {
      // From here on clients are told to try again later; what is under way is acknowledged once it is durable.
      const closed = server.close()
      reconciliation.stop()
      const compacted = compaction?.stop()
      await bus.close()
      const drained: boolean[] = []
      for (const { names, ms } of STOP_STAGES) {
        const stage = names.flatMap((name) => threads.get(name) ?? [])
        drained.push(...(await Promise.all(stage.map((thread) => thread.drain(ms)))))
      }
      if (drained.includes(false))
        log.warn('stopped with messages left in the queue; they are handled at the next start')
      await Promise.race([closed, sleep(STOP_REQUESTS_MS)])
      await compacted
      admin.close()
      prices.close()
      await Promise.all([keys.close(), ledger.close()])
      lock.release()
    },
  }
}

function startThread(subscription: Subscription, config: Config, doorbell: Int32Array): Supervisor {
  return supervise({
    entry: new URL('./local-worker.ts', import.meta.url),
    name: subscription,
    workerData: { subscription, config, doorbell },
    heapMb: HEAP_MB[subscription],
    log,
  })
}

/** The methods that a thread serves, as if they were here, beside those that are. */
function remote<T extends object>(threads: Threads, subscription: Subscription, own: Partial<T> = {}): T {
  return new Proxy(own as T, {
    get: (here, method) =>
      Reflect.get(here, method) ??
      ((...args: unknown[]) => threads.get(subscription)?.remote.call(String(method), args)),
  })
}

function listen(app: Hono, config: Config): Promise<{ url: string; close(): Promise<void> }> {
  return new Promise((resolve, reject) => {
    const serverOptions = { keepAliveTimeout: KEEP_ALIVE_MS }
    const address = { port: config.PORT, hostname: config.SPANLEDGER_HOST }
    const server = serve({ fetch: app.fetch, ...address, serverOptions }, ({ port }) => {
      resolve({ url: urlOf(config.SPANLEDGER_HOST, port), close })
    })
    server.once('error', reject)
    server.on('clientError', answerBrokenRequest)
    server.on('request', dropUnreadBody)
    const close = () =>
      new Promise<void>((closed) => {
        server.close(() => closed())
        if ('closeIdleConnections' in server) server.closeIdleConnections()
      })
  })
}

async function main(): Promise<void> {
  const config = readConfig()
  if (process.argv.length > 2) throw new SpanledgerError('config/invalid', `npm start takes no arguments; ${SETTINGS}`)
  if (config.SPANLEDGER_PLATFORM !== 'local')
    throw new SpanledgerError('config/invalid', 'npm start serves this machine alone; unset SPANLEDGER_PLATFORM')
  for (const name of unknownSettings()) log.warn(`${name} is no setting and is ignored; ${SETTINGS}`)
  const server = await startLocal(config)
  process.stdout.write(banner(server.url, config, server))
  let stopping = false
  const stop = async (signal: string) => {
    if (stopping) return
    stopping = true
    log.info({ signal }, 'stopping')
    await server.stop()
    process.exit(0)
  }
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
}

main().catch((error) => {
  process.stderr.write(`spanledger could not start: ${describeStartError(error)}\n`)
  if (!isSpanledgerError(error) && !isAddressError(error)) log.error({ err: error }, 'start failed')
  process.exit(1)
})
