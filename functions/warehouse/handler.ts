import { ACK, type Delivery, type Outcome, type Subscriber } from '../../shared/bus/bus.ts'
import { describeError, isSpanledgerError } from '../../shared/errors.ts'
import { decodeBatch } from '../../shared/otlp/batch.ts'
import type { SpanBatch, SpanWriter } from '../../shared/warehouse/trace-store.ts'

export interface WarehouseOptions {
  /** Where priced spans go: a trace store, or another system's OTLP endpoint. */
  readonly writer: SpanWriter
}

interface Item {
  readonly delivery: Delivery
  readonly batch: SpanBatch
}

/**
 * The consumer of `priced-spans` that stores spans: everything it is given in one write. A message that cannot be read or
 * stored is dead-lettered alone, those beside it are stored; while the store is down all wait, and none is blamed.
 */
export function createWarehouseSubscriber({ writer }: WarehouseOptions): Subscriber {
  return {
    async handle(deliveries) {
      const outcomes = new Map<Delivery, Outcome>()
      const items: Item[] = []
      for (const delivery of deliveries) {
        try {
          items.push({ delivery, batch: decodeBatch(delivery) })
        } catch (error) {
          outcomes.set(delivery, { kind: 'dead', reason: describeError(error) })
        }
      }
      await write(items, outcomes)
      return deliveries.map((delivery) => outcomes.get(delivery) as Outcome)
    },
    close: () => writer.close(),
  }

  /** Writes all of `items`, or halves of them until the one that is refused is alone. */
  async function write(items: readonly Item[], outcomes: Map<Delivery, Outcome>): Promise<void> {
    if (items.length === 0) return
    const outcome = await writeAll(items)
    if (outcome.kind === 'dead' && items.length > 1) {
      const middle = items.length >> 1
      await write(items.slice(0, middle), outcomes)
      await write(items.slice(middle), outcomes)
      return
    }
    for (const { delivery } of items) outcomes.set(delivery, outcome)
  }

  async function writeAll(items: readonly Item[]): Promise<Outcome> {
    try {
      await writer.write(items.map(({ batch }) => batch))
      return ACK
    } catch (error) {
      const reason = describeError(error)
      if (isSpanledgerError(error, 'store/rejected')) return { kind: 'dead', reason }
      return { kind: 'retry', reason, blameless: true }
    }
  }
}
