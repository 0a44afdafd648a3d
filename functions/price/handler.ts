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
import type { Pricer } from '../../shared/pricing/pricer.ts'
import type { Attributes } from '../../shared/spans/attributes.ts'
import { EMPTY_LEDGER, ledgerAttributes } from '../../shared/spans/ledger.ts'
import type { Span } from '../../shared/spans/span.ts'

export interface PriceOptions {
  readonly bus: Bus
  readonly pricer: Pricer
  readonly log?: Log
}

/**
 * Prices what is on `spans` and publishes it to `priced-spans` under the same digest: one publish for all deliveries,
 * acknowledged when that is durable. Nothing is kept, so a delivery that comes again gives the same message again.
 *
 * Where our attributes make a message too large it goes out in parts, split at span borders; the digest of all but the
 * first is the delivery's with `.1`, `.2`, … after it.
 */
export function createPriceSubscriber({ bus, pricer, log }: PriceOptions): Subscriber {
  return {
    handle: async (deliveries) => {
      const messages: Message[] = []
      const outcomes = deliveries.map((delivery): Outcome => {
        try {
          messages.push(...priceMessage(delivery, pricer))
          return ACK
        } catch (error) {
          if (!isSpanledgerError(error, 'otlp/malformed')) throw error
          log?.error({ digest: delivery.attributes.digest, reason: describeError(error) }, 'message cannot be decoded')
          return { kind: 'dead', reason: describeError(error) }
        }
      })
      if (messages.length > 0) await bus.publish('priced-spans', messages)
      return outcomes
    },
    close: async () => {},
  }
}

function priceMessage({ data, attributes }: Delivery, pricer: Pricer): Message[] {
  if (data.length === 0) return [{ data, attributes }]
  const spans = decodeSpans(data)
  const ledgers = pricer.price(spans, { project: attributes.project })
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
