import { NO_ATTRIBUTES } from './attributes.ts'
import { type Ledger, ledgerAttributes } from './ledger.ts'
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
> & { readonly service: string }

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
