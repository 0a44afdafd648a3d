import { createPushApp } from '../../shared/bus/pubsub-push.ts'
import { createLog } from '../../shared/log.ts'
import { serveFunction } from '../../shared/platform/function-server.ts'
import { readFunctionConfig } from '../../shared/platform/functions.ts'
import { openGcpBus } from '../../shared/platform/gcp.ts'
import { loadCatalogue } from '../../shared/pricing/catalogue.ts'
import { createPricer } from '../../shared/pricing/pricer.ts'
import { createPriceSubscriber } from './handler.ts'

const log = createLog('price')
const bus = await openGcpBus(readFunctionConfig('price'))
const pricer = createPricer({ catalogue: await loadCatalogue() })
const subscriber = createPriceSubscriber({ bus, pricer, log })

serveFunction('price', createPushApp({ subscription: 'price', subscriber, bus, log }))
