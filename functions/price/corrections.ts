import type { Delivery, Message } from '../../shared/bus/bus.ts'
import { splitTraces } from '../../shared/otlp/split.ts'
import { NOBODY } from '../../shared/pricing/catalogue.ts'
import type { Pricer } from '../../shared/pricing/pricer.ts'
import { correctLedger } from '../../shared/pricing/receipt.ts'
import { correctionSpan } from '../../shared/spans/correction.ts'
import type { SettledMessage } from './settlement.ts'

/** The messages that carry the corrections which a delivery causes: none for most. */
export function correctionMessages(
  { attributes: { project, digest, ingestedAt, traceparent } }: Delivery,
  corrections: SettledMessage['corrections'],
  pricer: Pricer,
): Message[] {
  if (corrections.length === 0) return []
  const spans = corrections.map(({ traceId, usage, first, correction: { billed, revision } }) => {
    const { call, startTimeUnixNano } = usage
    const earlier =
      first.said ?? pricer.priceUsage(first.call, first.billed, first.startTimeUnixNano, { project: NOBODY })
    const ledger = pricer.priceUsage(call, billed, startTimeUnixNano, { project })
    return correctionSpan({ ...usage, traceId, parentSpanId: '' }, correctLedger(ledger, earlier, revision))
  })
  return splitTraces(spans, { tooLarge: () => {} }).map(({ data }, part) => ({
    data,
    attributes: { project, digest: `${digest}.c${part}`, spans: 0, ingestedAt, traceparent },
  }))
}
