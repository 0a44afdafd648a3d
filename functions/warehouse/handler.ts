import { ACK, type Delivery, type Message, type Outcome, type Subscriber } from '../../shared/bus/bus.ts'
import { describeError, isSpanledgerError } from '../../shared/errors.ts'
import { decodeBatch, decodeSpans } from '../../shared/otlp/batch.ts'
import { encodeTraces } from '../../shared/otlp/encode.ts'
import type { BatchResult, RefusedSpan, SpanBatch, SpanWriter } from '../../shared/warehouse/trace-store.ts'

export interface WarehouseOptions {
  /** Where priced spans go: a trace store, or another system's OTLP endpoint. */
  readonly writer: SpanWriter
  /**
   * Keeps the spans of a message that a store refused while it took those beside them, as a dead letter of their own. Without
   * it the whole message is one.
   */
  readonly bury?: (message: Message, reason: string) => Promise<void>
}

/**
 * The consumer of `priced-spans` that stores spans: everything it is given in one write. A message that cannot be read or
 * stored is dead-lettered alone, those beside it are stored, and so are the other spans of a message where the store takes them
 * one by one; while the store is down all wait, and none is blamed.
 */
export function createWarehouseSubscriber({ writer, bury }: WarehouseOptions): Subscriber {
  return {
    async handle(deliveries) {
      const outcomes = new Map<Delivery, Outcome>()
      await write(deliveries, outcomes)
      return deliveries.map((delivery) => outcomes.get(delivery) as Outcome)
    },
    close: () => writer.close(),
  }

  /** Writes all of `deliveries`, or halves of them until the one that is refused is alone. */
  async function write(deliveries: readonly Delivery[], outcomes: Map<Delivery, Outcome>): Promise<void> {
    if (deliveries.length === 0) return
    const written: Delivery[] = []
    const results = await writeAll(decodeEach(deliveries, written, outcomes))
    if (!('kind' in results)) {
      await Promise.all(
        written.map(async (delivery, index) => outcomes.set(delivery, await settle(delivery, results[index]!))),
      )
      return
    }
    const left = deliveries.filter((delivery) => !outcomes.has(delivery))
    if (results.kind === 'dead' && left.length > 1) {
      const middle = left.length >> 1
      await write(left.slice(0, middle), outcomes)
      await write(left.slice(middle), outcomes)
      return
    }
    for (const delivery of left) outcomes.set(delivery, results)
  }

  async function writeAll(batches: Iterable<SpanBatch>): Promise<readonly BatchResult[] | Outcome> {
    try {
      return await writer.write(batches)
    } catch (error) {
      const reason = describeError(error)
      if (isSpanledgerError(error, 'store/rejected')) return { kind: 'dead', reason }
      return { kind: 'retry', reason, blameless: true }
    }
  }

  /** Acknowledges a message once what the store refused of it is kept. */
  async function settle(delivery: Delivery, { refused = [] }: BatchResult): Promise<Outcome> {
    if (refused.length === 0) return ACK
    const batch = decodeBatch(delivery)
    const all = batch.spans.length + (batch.corrections?.length ?? 0)
    const reason = `store: ${[...new Set(refused.map((span) => span.reason))].slice(0, 3).join('; ')}`
    if (bury === undefined || refused.length === all) return { kind: 'dead', reason }
    try {
      await bury(refusedPart(delivery, batch, refused), reason)
      return ACK
    } catch (error) {
      return { kind: 'retry', reason: describeError(error), blameless: true }
    }
  }
}

/** The batches of those `deliveries` that can be read, which become `written`, each as it is asked for; the others are dead. */
function* decodeEach(
  deliveries: readonly Delivery[],
  written: Delivery[],
  outcomes: Map<Delivery, Outcome>,
): Generator<SpanBatch> {
  for (const delivery of deliveries) {
    let batch: SpanBatch
    try {
      batch = decodeBatch(delivery)
    } catch (error) {
      outcomes.set(delivery, { kind: 'dead', reason: describeError(error) })
      continue
    }
    written.push(delivery)
    yield batch
  }
}

/** A message of the refused spans alone, priced as they came. Its digest is the message's with `.r0` after it. */
function refusedPart({ data, attributes }: Delivery, batch: SpanBatch, refused: readonly RefusedSpan[]): Message {
  const { rejected: _, ...own } = attributes
  const places = new Set(refused.map(({ index }) => index))
  const wanted = [...batch.spans, ...(batch.corrections ?? [])]
    .filter((_, index) => places.has(index))
    .map(({ span }) => `${span.traceId}${span.spanId}`)
  const ids = new Set(wanted)
  const part = decodeSpans(data).filter(({ traceId, spanId }) => ids.has(traceId + spanId))
  const spans = refused.filter(({ index }) => index < batch.spans.length).length
  return { data: encodeTraces(part), attributes: { ...own, digest: `${own.digest}.r0`, spans } }
}
