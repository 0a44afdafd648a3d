import { existsSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { SUBSCRIPTIONS, type Subscription } from '../shared/bus/bus.ts'
import { openQueueAdmin } from '../shared/bus/sqlite/backlog.ts'
import { readConfig } from '../shared/config.ts'
import { localPaths } from '../shared/platform/local.ts'

const USAGE = `npm run replay -- [--subscription NAME] [--project PROJECT]
Delivers dead letters again, of one subscription (${Object.keys(SUBSCRIPTIONS).join(', ')}) or of all; the server may be running.`

function main(): number {
  const { values } = parseArgs({
    options: { subscription: { type: 'string' }, project: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
  })
  if (values.help) {
    console.log(USAGE)
    return 0
  }
  const { subscription, project } = values
  if (subscription !== undefined && !(subscription in SUBSCRIPTIONS)) {
    console.error(`there is no subscription ${JSON.stringify(subscription)}\n${USAGE}`)
    return 2
  }
  const directory = localPaths(readConfig()).queue
  if (!existsSync(directory)) {
    console.error(`there is no queue in ${directory}; set SPANLEDGER_DATA to the server's data directory`)
    return 2
  }
  const admin = openQueueAdmin({ directory })
  const replayed = admin.replay({
    ...(subscription !== undefined && { subscription: subscription as Subscription }),
    ...(project !== undefined && { project }),
  })
  admin.close()
  console.log(`${replayed} dead ${replayed === 1 ? 'letter is' : 'letters are'} due again`)
  return 0
}

try {
  process.exitCode = main()
} catch (error) {
  console.error(`${error instanceof Error ? error.message : error}\n${USAGE}`)
  process.exitCode = 2
}
