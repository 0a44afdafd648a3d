import { createPushApp } from '../../shared/bus/pubsub-push.ts'
import { createLog } from '../../shared/log.ts'
import { serveFunction } from '../../shared/platform/function-server.ts'
import { readFunctionConfig } from '../../shared/platform/functions.ts'
import { openGcpBudgetLedger, openGcpBus } from '../../shared/platform/gcp.ts'
import { createNotifySubscriber } from './handler.ts'

const config = readFunctionConfig('notify')
const log = createLog('notify')
const [bus, ledger] = await Promise.all([openGcpBus(config), openGcpBudgetLedger(config)])
const subscriber = createNotifySubscriber({ ledger, log, reach: 'public' })

serveFunction('notify', createPushApp({ subscription: 'notify', subscriber, bus, log }))
