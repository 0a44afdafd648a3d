import type { AttributeValue } from '../../shared/spans/attributes.ts'
import type { Span } from '../../shared/spans/span.ts'

/** What a test says of a span; the rest is filled in. Whole numbers become int64, as SDKs send them. */
export interface SpanSketch {
  readonly attributes?: Readonly<Record<string, AttributeValue>>
  readonly resource?: Readonly<Record<string, AttributeValue>>
  readonly scope?: string
  readonly scopeVersion?: string
  readonly name?: string
  readonly traceId?: string
  readonly spanId?: string
  readonly parentSpanId?: string
  /** RFC 3339; by default 2026-11-01. */
  readonly start?: string
}

const int64 = (value: AttributeValue) => (typeof value === 'number' && Number.isInteger(value) ? BigInt(value) : value)

/** A span as the decoder would give it. */
export function buildSpan(sketch: SpanSketch): Span {
  const {
    attributes = {},
    resource = {},
    scope = 'test',
    scopeVersion = '1.0.0',
    start = '2026-11-01T00:00:00Z',
  } = sketch
  const startTimeUnixNano = BigInt(Date.parse(start)) * 1_000_000n
  return {
    traceId: (sketch.traceId ?? '1').padStart(32, '0'),
    spanId: (sketch.spanId ?? '1').padStart(16, '0'),
    parentSpanId: sketch.parentSpanId === undefined ? '' : sketch.parentSpanId.padStart(16, '0'),
    traceState: '',
    flags: 0,
    name: sketch.name ?? 'span',
    kind: 'CLIENT',
    startTimeUnixNano,
    endTimeUnixNano: startTimeUnixNano + 1_000_000n,
    attributes: new Map(Object.entries(attributes).map(([key, value]) => [key, int64(value)])),
    droppedAttributesCount: 0,
    events: [],
    droppedEventsCount: 0,
    links: [],
    droppedLinksCount: 0,
    statusCode: 'UNSET',
    statusMessage: '',
    resource: { attributes: new Map(Object.entries(resource)), droppedAttributesCount: 0, schemaUrl: '' },
    scope: { name: scope, version: scopeVersion, attributes: new Map(), droppedAttributesCount: 0, schemaUrl: '' },
  }
}

/** A chat call in current OpenTelemetry attributes. */
export function buildChat(
  model: string,
  usage: Readonly<Record<string, AttributeValue>>,
  sketch: SpanSketch = {},
): Span {
  const counts = Object.entries(usage).map(([key, value]) => [`gen_ai.usage.${key}`, value])
  const attributes = { 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': model, ...Object.fromEntries(counts) }
  return buildSpan({ ...sketch, attributes: { ...attributes, ...sketch.attributes } })
}
