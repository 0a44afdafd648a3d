import { encodeTraces } from '../../shared/otlp/encode.ts'
import { attributesToOtlpJson } from '../../shared/spans/attribute-text.ts'
import type { AttributeValue } from '../../shared/spans/attributes.ts'
import type { Span } from '../../shared/spans/span.ts'

/** A good export to start from, in both encodings. */
export interface Seed {
  readonly protobuf: Buffer
  readonly json: Buffer
}

const attributes = new Map<string, AttributeValue>([
  ['gen_ai.request.model', 'gpt-4o'],
  ['gen_ai.usage.input_tokens', 1200n],
  ['gen_ai.request.temperature', 0.7],
  ['spanledger.receipt', 'forged'],
  ['stream', true],
  ['nothing', null],
  ['raw', new Uint8Array([0, 1, 254, 255])],
  ['reasons', ['stop', 1n, ['deep']]],
  ['nested', new Map<string, AttributeValue>([['a', new Map([['b', -(2n ** 63n)]])]])],
  ['text', 'naïve 🙂 '.repeat(5)],
])

const resource = {
  attributes: new Map<string, AttributeValue>([['service.name', 'fuzz']]),
  droppedAttributesCount: 1,
  schemaUrl: 'https://opentelemetry.io/schemas/1.37.0',
}
const scope = { name: 'fuzz', version: '1', attributes: new Map(), droppedAttributesCount: 0, schemaUrl: '' }

function span(index: number): Span {
  const isRich = index % 2 === 0
  return {
    traceId: '0af7651916cd43dd8448eb211c80319c',
    spanId: (0xb7ad6b7169203331n + BigInt(index)).toString(16),
    parentSpanId: isRich ? '' : 'b7ad6b7169203331',
    traceState: isRich ? 'a=b' : '',
    flags: 257,
    name: `chat ${index}`,
    kind: 'CLIENT',
    startTimeUnixNano: 1_732_150_000_000_000_000n,
    endTimeUnixNano: 1_732_150_001_000_000_000n,
    attributes: isRich ? attributes : new Map(),
    droppedAttributesCount: 0,
    events: isRich ? [{ timeUnixNano: 1n, name: 'first token', attributes, droppedAttributesCount: 0 }] : [],
    droppedEventsCount: 0,
    links: isRich
      ? [
          {
            traceId: '0af7651916cd43dd8448eb211c80319c',
            spanId: 'b7ad6b7169203331',
            traceState: '',
            attributes: new Map(),
            droppedAttributesCount: 0,
            flags: 1,
          },
        ]
      : [],
    droppedLinksCount: 0,
    statusCode: 'ERROR',
    statusMessage: 'boom',
    resource,
    scope,
  }
}

function toJson(spans: readonly Span[]): string {
  const list = spans.map(({ resource: _, scope: __, statusCode, statusMessage, ...rest }) => ({
    ...rest,
    kind: 'SPAN_KIND_CLIENT',
    attributes: attributesToOtlpJson(rest.attributes),
    events: rest.events.map((event) => ({ ...event, attributes: attributesToOtlpJson(event.attributes) })),
    links: rest.links.map((link) => ({ ...link, attributes: [] })),
    status: { code: 2, message: statusMessage },
  }))
  const shared = { attributes: attributesToOtlpJson(resource.attributes) }
  const request = { resourceSpans: [{ resource: shared, scopeSpans: [{ scope: { name: 'fuzz' }, spans: list }] }] }
  return JSON.stringify(request, (_key, value: unknown) => (typeof value === 'bigint' ? value.toString() : value))
}

/** Exports of one to three spans. */
export const SEEDS: readonly Seed[] = [1, 2, 3].map((count) => {
  const spans = Array.from({ length: count }, (_, index) => span(index))
  return { protobuf: Buffer.from(encodeTraces(spans)), json: Buffer.from(toJson(spans)) }
})
