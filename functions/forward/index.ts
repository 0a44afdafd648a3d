import { createPushApp } from '../../shared/bus/pubsub-push.ts'
import { createLog } from '../../shared/log.ts'
import { serveFunction } from '../../shared/platform/function-server.ts'
import { readFunctionConfig } from '../../shared/platform/functions.ts'
import { openGcpBus, openGcpForward } from '../../shared/platform/gcp.ts'
import { createWarehouseSubscriber } from '../warehouse/handler.ts'

const config = readFunctionConfig('forward')
const log = createLog('forward')
const [bus, writer] = await Promise.all([openGcpBus(config), openGcpForward(config)])
const subscriber = createWarehouseSubscriber({ writer })

serveFunction('forward', createPushApp({ subscription: 'forward', subscriber, bus, log }))
