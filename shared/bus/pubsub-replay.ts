import type { PubsubBus } from './pubsub-bus.ts'
import { type PulledMessage, readDeath } from './pubsub-message.ts'
import type { PubsubSubscription } from './pubsub-names.ts'
import type { PubsubSource } from './pubsub-source.ts'

export interface ReplayOptions {
  /** Of the subscription that keeps dead letters. */
  readonly source: Pick<PubsubSource, 'gather' | 'settle'>
  readonly bus: Pick<PubsubBus, 'replay'>
  /** What the names of topics and subscriptions start with. */
  readonly prefix: string
  /** Only what this subscription gave up; all if absent. */
  readonly subscription?: PubsubSubscription
  /** Only of this project; of all if absent. */
  readonly project?: string
}

/** What a replay did, in messages. */
export interface ReplayReport {
  readonly replayed: number
  /** Of other subscriptions and projects, or given up again meanwhile: they wait. */
  readonly left: number
  /** That nobody of ours sent, so that there is nobody to deliver them to: they wait as well. */
  readonly foreign: number
}

const BOUNDS = { maxMessages: 1_000, maxBytes: 64 * 1024 * 1024 }

/**
 * Delivers dead letters again to the subscriptions that gave them up, each once: what is given up again meanwhile waits for the
 * next replay. A dead letter is acknowledged once it is durable on its topic. Rejects with `bus/unavailable`; another replay goes
 * on from there.
 */
export async function replayDeadLetters(options: ReplayOptions): Promise<ReplayReport> {
  const { source, bus, prefix } = options
  const held = new Map<string, string>()
  const handled = new Set<string>()
  const report = { replayed: 0, left: 0, foreign: 0 }

  async function handle(message: PulledMessage): Promise<'done' | 'left' | 'foreign'> {
    const { project, digest } = message.attributes
    const death = readDeath(message, prefix)
    if (death === undefined || project === undefined || digest === undefined) return 'foreign'
    const { subscription } = death
    const wanted = (options.subscription ?? subscription) === subscription && (options.project ?? project) === project
    const key = `${subscription}/${digest}`
    if (!wanted || handled.has(key)) return 'left'
    await bus.replay(message, subscription)
    handled.add(key)
    return 'done'
  }

  try {
    for (;;) {
      const messages = await source.gather(BOUNDS)
      const fresh = messages.filter(({ messageId }) => !held.has(messageId))
      // Later deliveries of what is left have new ids, which are those to let go of.
      for (const { messageId, id } of messages) if (held.has(messageId)) held.set(messageId, id)
      if (fresh.length === 0) return report
      const done: string[] = []
      for (const message of fresh) {
        const outcome = await handle(message)
        if (outcome === 'done') done.push(message.id)
        else held.set(message.messageId, message.id)
        report[outcome === 'done' ? 'replayed' : outcome]++
      }
      await source.settle(done, 'ack')
    }
  } finally {
    await source.settle([...held.values()], 'nack')
  }
}
