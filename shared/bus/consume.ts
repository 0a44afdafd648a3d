import { setTimeout as sleep } from 'node:timers/promises'
import { describeError } from '../errors.ts'
import type { Log } from '../log.ts'
import type { Delivery, MessageSource, Outcome, PullOptions, Subscriber } from './bus.ts'

export interface ConsumeOptions extends Omit<PullOptions, 'signal'> {
  /** When aborted, what is due is still handled, without waiting for more; then {@link consume} returns. */
  readonly draining: AbortSignal
  /** When aborted too, only what is at hand is still handled. */
  readonly stopping: AbortSignal
  readonly log: Log
}

/** The longest pause after a sink has failed as a whole. */
const MAX_PAUSE_MS = 10_000

/** Delivers a subscription's messages to its subscriber until told to drain. */
export async function consume(source: MessageSource, subscriber: Subscriber, options: ConsumeOptions): Promise<void> {
  const pull: PullOptions = { ...options, signal: options.draining }
  let failures = 0
  for (;;) {
    if (options.stopping.aborted) return
    const deliveries = await source.pull(pull)
    if (deliveries.length === 0) return
    const outcomes = await handle(subscriber, deliveries, options.log)
    await source.settle(new Map(deliveries.map((delivery, index) => [delivery.id, outcomes[index] as Outcome])))
    const down = outcomes.every((outcome) => outcome.kind === 'retry' && outcome.blameless)
    failures = down ? failures + 1 : 0
    // A sink that is down fails every message alike: asking it once in a while is enough.
    if (down && options.draining.aborted) return
    if (down)
      await sleep(Math.min(MAX_PAUSE_MS, 100 * 2 ** failures), undefined, { signal: options.draining }).catch(() => {})
  }
}

async function handle(subscriber: Subscriber, deliveries: readonly Delivery[], log: Log): Promise<readonly Outcome[]> {
  let outcomes: readonly Outcome[]
  try {
    outcomes = await subscriber.handle(deliveries)
    if (outcomes.length !== deliveries.length) throw new Error('the subscriber did not answer for each delivery')
  } catch (error) {
    const reason = describeError(error)
    log.error({ err: error, deliveries: deliveries.length }, 'subscriber failed')
    outcomes = deliveries.map(() => ({ kind: 'retry', reason }))
  }
  for (const outcome of outcomes) {
    if (outcome.kind === 'ack') continue
    const count = outcomes.filter(({ kind }) => kind !== 'ack').length
    log.warn({ count, outcome: outcome.kind, reason: outcome.reason }, 'messages were not taken')
    break
  }
  return outcomes
}
