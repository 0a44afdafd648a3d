import { createPushApp } from '../../shared/bus/pubsub-push.ts'
import { createLog } from '../../shared/log.ts'
import { serveFunction } from '../../shared/platform/function-server.ts'
import { readFunctionConfig } from '../../shared/platform/functions.ts'
import { openGcpBus, openGcpCatalogue, openGcpPriceStore, openGcpTraceState } from '../../shared/platform/gcp.ts'
import { createPricer } from '../../shared/pricing/pricer.ts'
import { createPriceSubscriber } from './handler.ts'

/** How old a project's prices may be. */
const PRICES_REFRESH_MS = 30_000

const log = createLog('price')
const config = readFunctionConfig('price')
const bus = await openGcpBus(config)
const state = await openGcpTraceState(config)
const pricer = createPricer({ catalogue: await openGcpCatalogue(await openGcpPriceStore(config), PRICES_REFRESH_MS) })
const remember = config.SPANLEDGER_REMEMBER_TRACES
const subscriber = createPriceSubscriber({ bus, pricer, state, remember, log })

serveFunction('price', createPushApp({ subscription: 'price', subscriber, bus, log }))
