import { existsSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { SUBSCRIPTIONS, type Subscription } from '../shared/bus/bus.ts'
import { openQueueAdmin } from '../shared/bus/sqlite/backlog.ts'
import { type Config, readConfig } from '../shared/config.ts'
import { SpanledgerError } from '../shared/errors.ts'
import { openGcpBus, openGcpSource } from '../shared/platform/gcp.ts'
import { requireCredentials, requireSettings } from '../shared/platform/google-access.ts'
import { localPaths } from '../shared/platform/local.ts'
import { misuse, runCommand } from './command.ts'

const USAGE = `npm run replay -- [--subscription NAME] [--project PROJECT]
Delivers dead letters again, of one subscription (${Object.keys(SUBSCRIPTIONS).join(', ')}) or of all, on the platform that
SPANLEDGER_PLATFORM names; the server may be running.`

interface Wanted {
  readonly subscription?: Subscription
  readonly project?: string
}

/** Replays what the arguments ask for and returns what to print. Throws `config/invalid` with what to do instead. */
export async function runReplay(args: readonly string[], config: Config): Promise<string> {
  const options = { subscription: { type: 'string' }, project: { type: 'string' } } as const
  const { subscription, project } = parseArgs({ args: [...args], options }).values
  if (subscription !== undefined && !Object.hasOwn(SUBSCRIPTIONS, subscription))
    throw misuse(`there is no subscription ${JSON.stringify(subscription)}`)
  const wanted: Wanted = {
    ...(subscription !== undefined && { subscription: subscription as Subscription }),
    ...(project !== undefined && { project }),
  }
  return config.SPANLEDGER_PLATFORM === 'gcp' ? replayOnGcp(config, wanted) : replayLocally(config, wanted)
}

function replayLocally(config: Config, wanted: Wanted): string {
  const directory = localPaths(config).queue
  if (!existsSync(directory)) {
    const hint = "set SPANLEDGER_DATA to the server's data directory"
    throw new SpanledgerError('config/invalid', `there is no queue in ${directory}; ${hint}`)
  }
  const admin = openQueueAdmin({ directory })
  try {
    return `${letters(admin.replay(wanted))} due again`
  } finally {
    admin.close()
  }
}

async function replayOnGcp(config: Config, wanted: Wanted): Promise<string> {
  requireSettings(config, 'SPANLEDGER_GCP_PROJECT')
  await requireCredentials()
  const { replayDeadLetters } = await import('../shared/bus/pubsub-replay.ts')
  const [bus, source] = await Promise.all([openGcpBus(config), openGcpSource(config, 'dead-letter')])
  try {
    const report = await replayDeadLetters({ ...wanted, bus, source, prefix: config.SPANLEDGER_GCP_PREFIX })
    const left = report.left > 0 ? [`${report.left} of others wait as before`] : []
    const foreign = report.foreign > 0 ? [`${report.foreign} that Spanledger did not send stay where they are`] : []
    return [`${letters(report.replayed)} delivered again`, ...left, ...foreign].join('; ')
  } finally {
    await Promise.all([bus.close(), source.close()])
  }
}

function letters(count: number): string {
  return `${count} dead ${count === 1 ? 'letter is' : 'letters are'}`
}

if (import.meta.main) await runCommand(USAGE, (args) => runReplay(args, readConfig()))
