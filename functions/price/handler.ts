import {
  ACK,
  type Bus,
  type Delivery,
  MAX_MESSAGE_BYTES,
  type Message,
  type Outcome,
  type Subscriber,
} from '../../shared/bus/bus.ts'
import { describeError, isSpanledgerError } from '../../shared/errors.ts'
import type { Log } from '../../shared/log.ts'
import { addSpanAttributes } from '../../shared/otlp/add-attributes.ts'
import { decodeSpans } from '../../shared/otlp/batch.ts'
import { encodeTraces } from '../../shared/otlp/encode.ts'
import { splitTraces, type TracePart } from '../../shared/otlp/split.ts'
import { billAlone, type Pricer } from '../../shared/pricing/pricer.ts'
import { readSlices, type SpanReadings } from '../../shared/pricing/slice.ts'
import type { TraceStateStore } from '../../shared/pricing/trace-state.ts'
import type { Attributes } from '../../shared/spans/attributes.ts'
import { EMPTY_LEDGER, type Ledger, ledgerAttributes } from '../../shared/spans/ledger.ts'
import type { Span } from '../../shared/spans/span.ts'
import { correctionMessages } from './corrections.ts'
import { type Remembered, type SettledMessage, settleMessages } from './settlement.ts'

export interface PriceOptions {
  readonly bus: Bus
  readonly pricer: Pricer
  /** Remembers traces across messages; without it each message is priced as if it held its traces whole. */
  readonly state?: TraceStateStore
  /** @defaultValue `all` */
  readonly remember?: Remembered
  readonly log?: Log
  /** Milliseconds since 1970. */
  readonly now?: () => number
}

interface Work {
  readonly delivery: Delivery
  readonly spans: readonly Span[]
  readonly reading: SpanReadings
}

/**
 * Prices what is on `spans` and publishes it to `priced-spans` under the same digest: one publish for all deliveries,
 * acknowledged when that is durable. A delivery that comes again gives the same messages again.
 *
 * Where our attributes make a message too large it goes out in parts, split at span borders; the digest of all but the
 * first is the delivery's with `.1`, `.2`, … after it. What a delivery changes about earlier spans goes out as
 * corrections, in messages of no spans whose digests end in `.c0`, `.c1`, ….
 */
export function createPriceSubscriber(options: PriceOptions): Subscriber {
  const { bus, pricer, state, remember = 'all', log, now = Date.now } = options
  return {
    handle: async (deliveries) => {
      const outcomes = new Map<Delivery, Outcome>()
      const messages: Message[] = []
      const work: Work[] = []
      for (const delivery of deliveries) {
        try {
          if (delivery.data.length === 0) messages.push({ data: delivery.data, attributes: delivery.attributes })
          else work.push(read(delivery))
        } catch (error) {
          if (!isSpanledgerError(error, 'otlp/malformed')) throw error
          log?.error({ digest: delivery.attributes.digest, reason: describeError(error) }, 'message cannot be decoded')
          outcomes.set(delivery, { kind: 'dead', reason: describeError(error) })
        }
      }
      const projects = work.map(({ delivery }) => delivery.attributes.project)
      const prepared = pricer.prepare(projects)
      const [settled] = await Promise.all([settleAll(work, prepared), prepared])
      for (const [index, { delivery, spans, reading }] of work.entries()) {
        const { bills, corrections } = settled[index]!
        const ledgers = pricer.priceReading(reading, spans, bills, { project: delivery.attributes.project })
        messages.push(...pricedMessages(delivery, spans, ledgers), ...correctionMessages(delivery, corrections, pricer))
      }
      if (messages.length > 0) await bus.publish('priced-spans', messages)
      return deliveries.map((delivery) => outcomes.get(delivery) ?? ACK)
    },
    close: async () => state?.close(),
  }

  async function settleAll(work: readonly Work[], prepared: Promise<void>): Promise<readonly SettledMessage[]> {
    if (state === undefined) return work.map(({ reading }) => ({ bills: billAlone(reading), corrections: [] }))
    const messages = work.map(({ delivery: { attributes }, reading }) => ({ ...attributes, reading }))
    return settleMessages(messages, { state, remember, now: now() * 1000, pricer, prepared })
  }
}

function read(delivery: Delivery): Work {
  const spans = decodeSpans(delivery.data)
  return { delivery, spans, reading: readSlices(spans) }
}

function pricedMessages({ data, attributes }: Delivery, spans: readonly Span[], ledgers: readonly Ledger[]): Message[] {
  const additions = ledgers.map((ledger) => (ledger === EMPTY_LEDGER ? undefined : ledgerAttributes(ledger)))
  const priced = addSpanAttributes(data, additions)
  if (priced.length <= MAX_MESSAGE_BYTES) return [{ data: priced, attributes }]
  return splitPriced(spans.map((span, index) => withAdditions(span, additions[index]))).map((part, index) => {
    const { rejected: _, ...common } = attributes
    const own = index === 0 ? attributes : { ...common, digest: `${attributes.digest}.${index}` }
    return { data: part.data, attributes: { ...own, spans: part.spans } }
  })
}

/** A span that only our attributes make too large travels alone: a few kilobytes above the bound, which every bus bears. */
function splitPriced(spans: readonly Span[]): TracePart[] {
  const oversized: TracePart[] = []
  const tooLarge = (span: Span) => void oversized.push({ data: encodeTraces([span]), spans: 1 })
  return [...splitTraces(spans, { tooLarge }), ...oversized]
}

function withAdditions(span: Span, additions: Attributes | undefined): Span {
  return additions === undefined ? span : { ...span, attributes: new Map([...span.attributes, ...additions]) }
}
