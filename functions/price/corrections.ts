import type { Delivery, Message } from '../../shared/bus/bus.ts'
import { splitTraces } from '../../shared/otlp/split.ts'
import type { Pricer } from '../../shared/pricing/pricer.ts'
import { NO_ATTRIBUTES } from '../../shared/spans/attributes.ts'
import { type Ledger, ledgerAttributes } from '../../shared/spans/ledger.ts'
import type { Scope, Span } from '../../shared/spans/span.ts'
import type { SettledMessage } from './settlement.ts'

const SCOPE: Scope = {
  name: 'spanledger.price',
  version: '',
  attributes: NO_ATTRIBUTES,
  droppedAttributesCount: 0,
  schemaUrl: '',
}

/** What a span is called and when it was, for a correction of it. */
export type CorrectedSpan = Pick<
  Span,
  'traceId' | 'spanId' | 'parentSpanId' | 'name' | 'kind' | 'startTimeUnixNano' | 'endTimeUnixNano'
> & { readonly service: string }

/** The messages that carry the corrections which a delivery causes: none for most. */
export function correctionMessages(
  { attributes: { project, digest, ingestedAt, traceparent } }: Delivery,
  corrections: SettledMessage['corrections'],
  pricer: Pricer,
): Message[] {
  if (corrections.length === 0) return []
  const spans = corrections.map(({ traceId, usage, correction: { billed, revision } }) => {
    const ledger = pricer.priceUsage(usage.call, billed, usage.startTimeUnixNano, { project })
    return correctionSpan({ ...usage, traceId, parentSpanId: '' }, { ...ledger, revision })
  })
  return splitTraces(spans, { tooLarge: () => {} }).map(({ data }, part) => ({
    data,
    attributes: { project, digest: `${digest}.c${part}`, spans: 0, ingestedAt, traceparent },
  }))
}

/** A span that carries nothing but its ids, its times and a ledger with a revision. */
export function correctionSpan({ service, ...span }: CorrectedSpan, ledger: Ledger): Span {
  const named = new Map([['service.name', service]])
  return {
    traceId: span.traceId,
    spanId: span.spanId,
    parentSpanId: span.parentSpanId,
    traceState: '',
    flags: 0,
    name: span.name,
    kind: span.kind,
    startTimeUnixNano: span.startTimeUnixNano,
    endTimeUnixNano: span.endTimeUnixNano,
    attributes: ledgerAttributes(ledger),
    droppedAttributesCount: 0,
    events: [],
    droppedEventsCount: 0,
    links: [],
    droppedLinksCount: 0,
    statusCode: 'UNSET',
    statusMessage: '',
    resource: { attributes: service === '' ? NO_ATTRIBUTES : named, droppedAttributesCount: 0, schemaUrl: '' },
    scope: SCOPE,
  }
}
