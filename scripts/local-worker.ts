import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import type { Subscriber, Subscription } from '../shared/bus/bus.ts'
import { consume } from '../shared/bus/consume.ts'
import type { Doorbell } from '../shared/bus/doorbell.ts'
import type { Config } from '../shared/config.ts'
import { createLog } from '../shared/log.ts'
import { createLocalPlatform, type LocalPlatform } from '../shared/platform/local.ts'
import { serveRemote } from '../shared/platform/threads/rpc.ts'

/** What a thread is told: whom to be, and how to reach the others. */
export interface LocalWorkerData {
  readonly subscription: Subscription
  readonly config: Config
  readonly doorbell: Doorbell
  readonly rpc: MessagePort
}

/** One consumer: its handler, the methods other threads may call, and how much it takes at a time. */
interface Role {
  readonly subscriber: Subscriber
  readonly remote: object
  readonly maxBytes: number
  readonly lingerMs: number
}

const MIB = 1024 * 1024

/** Each function's handler on the embedded platform's adapters. Loads only what this thread needs. */
async function openRole(subscription: Subscription, platform: LocalPlatform, config: Config): Promise<Role> {
  const log = createLog(subscription)
  switch (subscription) {
    case 'price': {
      const { createPriceSubscriber } = await import('../functions/price/handler.ts')
      const { createPricer } = await import('../shared/pricing/pricer.ts')
      const pricer = createPricer({ catalogue: await platform.openCatalogue(await platform.openPriceStore()) })
      const state = await platform.openTraceState()
      const remember = config.SPANLEDGER_REMEMBER_TRACES
      const subscriber = createPriceSubscriber({ bus: await platform.openBus(), pricer, state, remember, log })
      return { subscriber, remote: {}, maxBytes: MIB, lingerMs: 0 }
    }
    case 'budget': {
      const { createBudgetSubscriber } = await import('../functions/budget/handler.ts')
      const ledger = await platform.openBudgetLedger()
      const subscriber = createBudgetSubscriber({ ledger, bus: await platform.openBus(), log })
      return { subscriber, remote: ledger, maxBytes: 8 * MIB, lingerMs: 50 }
    }
    case 'notify': {
      const { createNotifySubscriber } = await import('../functions/notify/handler.ts')
      const ledger = await platform.openBudgetLedger()
      const subscriber = createNotifySubscriber({ ledger, log, reach: 'private' })
      return { subscriber, remote: {}, maxBytes: MIB, lingerMs: 0 }
    }
    case 'warehouse': {
      const { createWarehouseSubscriber } = await import('../functions/warehouse/handler.ts')
      const store = await platform.openTraceStore()
      return {
        subscriber: createWarehouseSubscriber({ writer: store }),
        remote: store,
        maxBytes: 8 * MIB,
        lingerMs: 200,
      }
    }
    case 'forward': {
      const { createWarehouseSubscriber } = await import('../functions/warehouse/handler.ts')
      const subscriber = createWarehouseSubscriber({ writer: await platform.openForward() })
      return { subscriber, remote: {}, maxBytes: 8 * MIB, lingerMs: 100 }
    }
    case 'lake': {
      const { createLakeSubscriber } = await import('../functions/lake/handler.ts')
      const { lakeWindow } = await import('../functions/lake/settings.ts')
      const subscriber = createLakeSubscriber({
        store: await platform.openObjectStore(),
        codec: config.SPANLEDGER_LAKE_CODEC,
        window: lakeWindow(config),
      })
      return {
        subscriber,
        remote: subscriber,
        maxBytes: config.SPANLEDGER_LAKE_FLUSH_BYTES,
        lingerMs: config.SPANLEDGER_LAKE_FLUSH_MS,
      }
    }
  }
}

const { subscription, config, doorbell, rpc } = workerData as LocalWorkerData
const platform = createLocalPlatform(config, doorbell)
const draining = new AbortController()
const stopping = new AbortController()
const { subscriber, remote, maxBytes, lingerMs } = await openRole(subscription, platform, config)
const source = platform.openSource(subscription)
serveRemote(rpc, remote)
parentPort?.on('message', (message) => {
  if (message === 'drain') draining.abort()
  if (message === 'stop') stopping.abort()
})
parentPort?.postMessage('ready')
await consume(source, subscriber, {
  maxMessages: 1024,
  maxBytes,
  lingerMs,
  draining: draining.signal,
  stopping: stopping.signal,
  log: createLog(subscription),
})
await subscriber.close()
await source.close()
process.exit(0)
