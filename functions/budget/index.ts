import { createPushApp } from '../../shared/bus/pubsub-push.ts'
import { createLog } from '../../shared/log.ts'
import { serveFunction } from '../../shared/platform/function-server.ts'
import { readFunctionConfig } from '../../shared/platform/functions.ts'
import { openGcpBudgetLedger, openGcpBus } from '../../shared/platform/gcp.ts'
import { createBudgetSubscriber } from './handler.ts'

const config = readFunctionConfig('budget')
const log = createLog('budget')
const [bus, ledger] = await Promise.all([openGcpBus(config), openGcpBudgetLedger(config)])
const subscriber = createBudgetSubscriber({ ledger, bus, log })

serveFunction('budget', createPushApp({ subscription: 'budget', subscriber, bus, log }))
