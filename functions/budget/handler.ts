import { alertMessage } from '../../shared/budgets/alert-message.ts'
import { chargesOf, type Rules } from '../../shared/budgets/charge.ts'
import type { BudgetLedger, DebitBatch, DebitResult } from '../../shared/budgets/ledger.ts'
import { ACK, type Bus, type Delivery, type Outcome, type Subscriber } from '../../shared/bus/bus.ts'
import { describeError, isSpanledgerError } from '../../shared/errors.ts'
import type { Log } from '../../shared/log.ts'
import { decodeBatch } from '../../shared/otlp/batch.ts'
import type { PricedSpan } from '../../shared/spans/ledger.ts'

export interface BudgetSubscriberOptions {
  readonly ledger: BudgetLedger
  /** Where alerts are published; without, they wait in the ledger. */
  readonly bus?: Bus
  readonly log?: Log
}

/** Budgets that change while a message is charged are read again, this often at most before the message waits. */
const TRIES = 5

/** Projects whose budgets are remembered: the ledger says when they are no longer what they were. */
const MAX_PROJECTS = 1_000

/** How often alerts are looked for that something else than a debit has raised, in milliseconds. */
const ALERTS_EVERY_MS = 1_000
const ALERTS_AT_ONCE = 100

/**
 * The consumer of `priced-spans` that debits budgets: everything it is given in one transaction, at most one write a budget
 * and period. A message that cannot be read or debited is dead-lettered alone; while the ledger does not answer all wait, and
 * none is blamed.
 */
export function createBudgetSubscriber({ ledger, bus, log }: BudgetSubscriberOptions): Subscriber {
  let publishing = Promise.resolve()
  const known = new Map<string, Rules>()
  const timer = setInterval(() => void publishAlerts(), ALERTS_EVERY_MS).unref()
  return {
    async handle(deliveries) {
      const outcomes = new Map<Delivery, Outcome>()
      await Promise.all([debit(deliveries, outcomes), publishAlerts()])
      // What was just raised.
      await publishAlerts()
      return deliveries.map((delivery) => outcomes.get(delivery) ?? ACK)
    },
    async close() {
      clearInterval(timer)
      await publishing
      await ledger.close()
    },
  }

  /** Publishes what is due. An alert that is published and not yet marked is published again, under the same digest. */
  function publishAlerts(): Promise<void> {
    publishing = publishing.then(async () => {
      if (bus === undefined) return
      try {
        const alerts = await ledger.dueAlerts(ALERTS_AT_ONCE)
        if (alerts.length === 0) return
        await bus.publish('budget-alerts', alerts.map(alertMessage))
        await ledger.alertsPublished(alerts.map(({ id }) => id))
      } catch (error) {
        log?.warn({ err: error }, 'alerts wait')
      }
    })
    return publishing
  }

  /** Debits all of `deliveries`, or halves of them until the one that is refused is alone. */
  async function debit(deliveries: readonly Delivery[], outcomes: Map<Delivery, Outcome>): Promise<void> {
    if (deliveries.length === 0) return
    try {
      await debitAll(deliveries, outcomes)
    } catch (error) {
      const reason = describeError(error)
      const transient = isSpanledgerError(error, 'store/unavailable')
      if (!transient && deliveries.length > 1) {
        const middle = deliveries.length >> 1
        await debit(deliveries.slice(0, middle), outcomes)
        await debit(deliveries.slice(middle), outcomes)
        return
      }
      log?.warn({ err: error, messages: deliveries.length }, 'debit failed')
      const outcome: Outcome = transient ? { kind: 'retry', reason, blameless: true } : { kind: 'dead', reason }
      for (const delivery of deliveries) outcomes.set(delivery, outcome)
    }
  }

  async function debitAll(deliveries: readonly Delivery[], outcomes: Map<Delivery, Outcome>): Promise<void> {
    let waiting = deliveries
    for (let attempt = 0; waiting.length > 0 && attempt < TRIES; attempt++) {
      const batches: DebitBatch[] = []
      for (const delivery of waiting) batches.push(toBatch(delivery, await rulesOf(delivery.attributes.project)))
      const results: readonly DebitResult[] = await ledger.debit(batches)
      waiting = waiting.filter((_, index) => results[index] === 'stale')
      for (const { attributes } of waiting) known.delete(attributes.project)
    }
    const reason = 'budgets kept changing while they were debited'
    for (const delivery of waiting) outcomes.set(delivery, { kind: 'retry', reason, blameless: true })
  }

  async function rulesOf(project: string): Promise<Rules> {
    const rules = known.get(project) ?? (await ledger.rules(project))
    if (known.size >= MAX_PROJECTS) known.clear()
    known.set(project, rules)
    return rules
  }
}

/** Its spans are decoded only when the project has a budget, and held no longer than this takes: they die young. */
function toBatch(delivery: Delivery, rules: Rules): DebitBatch {
  const { project, digest, spans, keyId } = delivery.attributes
  const common = { project, digest, spans, revision: rules.revision }
  if (rules.rules.length === 0) return { ...common, charges: [], reserved: [], samples: [] }
  return { ...common, ...chargesOf(rules, chargeable(delivery), keyId) }
}

/** The spans of a message, and what it says anew of earlier ones. */
function chargeable(delivery: Delivery): readonly PricedSpan[] {
  const { spans, corrections } = decodeBatch(delivery)
  return corrections === undefined ? spans : [...spans, ...corrections]
}
