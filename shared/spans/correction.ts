import { NO_ATTRIBUTES } from './attributes.ts'
import { type Ledger, ledgerAttributes, RESERVATION_ATTRIBUTE } from './ledger.ts'
import type { Scope, Span } from './span.ts'

const SCOPE: Scope = {
  name: 'spanledger.correction',
  version: '',
  attributes: NO_ATTRIBUTES,
  droppedAttributesCount: 0,
  schemaUrl: '',
}

/** What a span is called and when it was, for a correction of it. */
export type CorrectedSpan = Pick<
  Span,
  'traceId' | 'spanId' | 'parentSpanId' | 'name' | 'kind' | 'startTimeUnixNano' | 'endTimeUnixNano'
> & {
  readonly service: string
  /** The reservation that it names, where that is known: the first of its prices may not have been, and what was held then stands. */
  readonly reservation?: string
}

/** A span that carries nothing but its ids, its times, its reservation and a ledger with a revision. */
export function correctionSpan({ service, reservation, ...span }: CorrectedSpan, ledger: Ledger): Span {
  const attributes = ledgerAttributes(ledger)
  if (reservation !== undefined) attributes.set(RESERVATION_ATTRIBUTE, reservation)
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
    attributes,
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
