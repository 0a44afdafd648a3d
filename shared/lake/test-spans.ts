import type { AttributeValue } from '../spans/attributes.ts'
import { EMPTY_LEDGER, type Ledger, type PricedSpan } from '../spans/ledger.ts'
import type { Span } from '../spans/span.ts'
import type { SpanBatch } from '../warehouse/trace-store.ts'

/** 2026-02-05T00:00:00Z in nanoseconds. */
export const DAY = 1_770_249_600_000_000_000n
export const HOUR = 3_600_000_000_000n

/** A hex id of `length` digits that tells `value` apart from any other. */
export function hexId(value: number, length: 16 | 32): string {
  return value.toString(16).padStart(length, '0')
}

export interface SpanParts extends Partial<Omit<Span, 'attributes'>> {
  readonly attributes?: Record<string, AttributeValue>
  readonly ledger?: Partial<Ledger>
}

/** A span with what a test cares about. */
export function testSpan({ attributes = {}, ledger = {}, ...parts }: SpanParts = {}): PricedSpan {
  const span: Span = {
    traceId: hexId(1, 32),
    spanId: hexId(1, 16),
    parentSpanId: '',
    traceState: '',
    flags: 0,
    name: 'chat',
    kind: 'CLIENT',
    startTimeUnixNano: DAY,
    endTimeUnixNano: (parts.startTimeUnixNano ?? DAY) + 1_500_000_000n,
    attributes: new Map(Object.entries(attributes)),
    droppedAttributesCount: 0,
    events: [],
    droppedEventsCount: 0,
    links: [],
    droppedLinksCount: 0,
    statusCode: 'UNSET',
    statusMessage: '',
    resource: { attributes: new Map([['service.name', 'agent']]), droppedAttributesCount: 0, schemaUrl: '' },
    scope: { name: 'test', version: '1', attributes: new Map(), droppedAttributesCount: 0, schemaUrl: '' },
    ...parts,
  }
  return { span, ledger: { ...EMPTY_LEDGER, ...ledger } }
}

/** A message of `spans`; `digest` also tells its project's messages apart. */
export function testBatch(digest: string, spans: readonly PricedSpan[], project = 'default'): SpanBatch {
  return { context: { project, digest, ingestedAt: DAY + 12n * HOUR }, spans }
}
