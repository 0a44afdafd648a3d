import { toPubsubMessage } from '../../shared/bus/pubsub-message.ts'
import { createPushApp } from '../../shared/bus/pubsub-push.ts'
import { createLog } from '../../shared/log.ts'
import { serveFunction } from '../../shared/platform/function-server.ts'
import { readFunctionConfig } from '../../shared/platform/functions.ts'
import { openGcpBus, openGcpTraceStore } from '../../shared/platform/gcp.ts'
import { createWarehouseSubscriber } from './handler.ts'

const config = readFunctionConfig('warehouse')
const log = createLog('warehouse')
const bus = await openGcpBus(config)
// A row of its own for each message would be waited for as long as all of its spans.
const writer = await openGcpTraceStore(config, { enter: bus.enter })
const subscriber = createWarehouseSubscriber({
  writer,
  bury: (message, reason) => bus.bury(toPubsubMessage(message), 'warehouse', reason),
})

serveFunction('warehouse', createPushApp({ subscription: 'warehouse', subscriber, bus, log }))
