import { alertFromMessage } from '../../shared/budgets/alert-message.ts'
import type { AlertTarget } from '../../shared/budgets/budget.ts'
import type { Alert, BudgetLedger } from '../../shared/budgets/ledger.ts'
import { ACK, type Delivery, type Outcome, type Subscriber } from '../../shared/bus/bus.ts'
import { describeError, isSpanledgerError } from '../../shared/errors.ts'
import type { Reach } from '../../shared/http/reach.ts'
import type { Log } from '../../shared/log.ts'
import { alertRequest, alertSentence } from './alert-body.ts'
import { post, type Resolve } from './post.ts'

export interface NotifyOptions {
  /** Knows where each budget's alerts go. */
  readonly ledger: Pick<BudgetLedger, 'get' | 'close'>
  readonly log: Log
  /** Where alerts may go. */
  readonly reach: Reach
  /** @defaultValue as the system does */
  readonly resolve?: Resolve
  /** Milliseconds since 1970. */
  readonly now?: () => number
}

const TIMEOUT_MS = 10_000
/** Alerts and posts that are remembered, so that an alert tried again for one target is not told to another twice. */
const MAX_TOLD = 10_000

/**
 * The consumer of `budget-alerts`: tells each alert to the log and to the targets of its budget. A target that does not answer is
 * tried again by the bus, with its pauses and its end; one that refuses is not. After a crash a target may be told twice: under the
 * same `spanledger-alert-id`.
 */
export function createNotifySubscriber(options: NotifyOptions): Subscriber {
  const { ledger, log, reach, resolve, now = Date.now } = options
  const told = new Map<string, Promise<Outcome>>()
  return {
    handle: (deliveries) => Promise.all(deliveries.map(tell)),
    close: () => ledger.close(),
  }

  async function tell(delivery: Delivery): Promise<Outcome> {
    let alert: Alert
    try {
      alert = alertFromMessage(delivery)
    } catch (error) {
      return { kind: 'dead', reason: describeError(error) }
    }
    const { project, budgetId: budget, threshold, period } = alert
    if (!told.has(alert.id)) log.warn({ project, budget, threshold, period }, alertSentence(alert))
    remember(alert.id, Promise.resolve(ACK))
    let targets: readonly AlertTarget[]
    try {
      targets = (await ledger.get(project, budget)).budget.alerts
    } catch (error) {
      if (isSpanledgerError(error, 'budget/not-found')) return ACK
      return { kind: 'retry', reason: describeError(error), blameless: true }
    }
    const outcomes = await Promise.all(targets.map((target) => postTo(alert, target)))
    const retry = outcomes.find(({ kind }) => kind === 'retry')
    if (retry !== undefined) return retry
    // A dead letter that is replayed is for those that refused it.
    for (const [i, { kind }] of outcomes.entries()) if (kind === 'dead') told.delete(keyOf(alert, targets[i]!))
    return outcomes.find(({ kind }) => kind === 'dead') ?? ACK
  }

  async function postTo(alert: Alert, target: AlertTarget): Promise<Outcome> {
    const key = keyOf(alert, target)
    const known = told.get(key)
    if (known !== undefined) return known
    const trying = tryPost(alert, target)
    // From the beginning: two instances may have published it at once.
    remember(key, trying)
    const outcome = await trying
    if (outcome.kind === 'retry' && told.get(key) === trying) told.delete(key)
    return outcome
  }

  async function tryPost(alert: Alert, target: AlertTarget): Promise<Outcome> {
    const url = new URL(target.url)
    const place = `alert target ${url.host}`
    try {
      const limits = { reach, timeoutMs: TIMEOUT_MS, ...(resolve !== undefined && { resolve }) }
      const status = await post(url, alertRequest(alert, target, now()), limits)
      if (status >= 200 && status < 300) return ACK
      const later = status >= 500 || status === 408 || status === 429
      return { kind: later ? 'retry' : 'dead', reason: `${place} answered ${status}` }
    } catch (error) {
      if (isSpanledgerError(error, 'budget/invalid')) return { kind: 'dead', reason: describeError(error) }
      return { kind: 'retry', reason: `${place} does not answer: ${describeError(error)}` }
    }
  }

  function remember(key: string, outcome: Promise<Outcome>): void {
    if (told.size >= MAX_TOLD) told.clear()
    told.set(key, outcome)
  }
}

function keyOf(alert: Alert, target: AlertTarget): string {
  return `${alert.id} ${target.url}`
}
