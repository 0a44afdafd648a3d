import type { Delivery } from '../bus/bus.ts'
import { SpanledgerError } from '../errors.ts'
import type { AttributeValue } from '../spans/attributes.ts'
import { LedgerBuilder, type PricedSpan } from '../spans/ledger.ts'
import type { Span } from '../spans/span.ts'
import type { SpanBatch } from '../warehouse/trace-store.ts'
import { readTraces } from './decode-protobuf.ts'
import { BUS_LIMITS } from './limits.ts'

/**
 * The spans of a message on `spans`, in wire order. `ingest` checked them, so a span that cannot be read means that the message
 * is not what `ingest` published: throws `otlp/malformed`.
 */
export function decodeSpans(data: Uint8Array): Span[] {
  const spans: Span[] = []
  readTraces(data, BUS_LIMITS, { accept: (span) => spans.push(span), refuse: refuseMessage })
  return spans
}

/** One for all messages, so that what is compiled for it lives on: see `IDLE_READER`. */
const builder = new LedgerBuilder()

/**
 * The priced spans of a message on `priced-spans`, corrections of earlier ones apart: our attributes are read into ledgers.
 * Throws like {@link decodeSpans}.
 */
export function decodeBatch({ data, attributes: { project, digest, ingestedAt, keyId = '' } }: Delivery): SpanBatch {
  const spans: PricedSpan[] = []
  const corrections: PricedSpan[] = []
  // What a broken message has left.
  builder.take()
  readTraces(data, BUS_LIMITS, {
    accept: (span) => {
      const ledger = builder.take()
      if (ledger.revision > 0) corrections.push({ span, ledger })
      else spans.push({ span, ledger })
    },
    refuse: refuseMessage,
    divert: (key: string, value: AttributeValue) => builder.set(key, value),
    divertFromResource: () => {},
  })
  return {
    context: { project, digest, ingestedAt: BigInt(ingestedAt), keyId },
    spans,
    ...(corrections.length > 0 && { corrections }),
  }
}

function refuseMessage(reason: string, index: number): never {
  throw new SpanledgerError('otlp/malformed', `span ${index} of a message on the bus: ${reason}`)
}
