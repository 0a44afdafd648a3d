import { type Attributes, SpanKind, SpanStatusCode, TraceFlags } from '@opentelemetry/api'
import { JsonTraceSerializer, ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer'
import { resourceFromAttributes } from '@opentelemetry/resources'
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base'
import { expect, test } from 'vitest'
import { decodeTracesJson } from './decode-json.ts'
import { decodeTraces } from './decode-protobuf.ts'
import { encodeTraces } from './encode.ts'

const context = (spanId: string) => ({
  traceId: '0102030405060708090a0b0c0d0e0f10',
  spanId,
  traceFlags: TraceFlags.SAMPLED,
})

const readable = (name: string, attributes: Attributes): ReadableSpan => ({
  name,
  kind: SpanKind.CLIENT,
  spanContext: () => context('a1a2a3a4a5a6a7a8'),
  parentSpanContext: context('b1b2b3b4b5b6b7b8'),
  startTime: [1_700_000_000, 123_456_789],
  endTime: [1_700_000_001, 1],
  status: { code: SpanStatusCode.ERROR, message: 'boom' },
  attributes,
  links: [{ context: context('c1c2c3c4c5c6c7c8'), attributes: { why: 'retry' } }],
  events: [{ name: 'first token', time: [1_700_000_000, 200_000_000], attributes: { index: 0 } }],
  duration: [0, 876_543_212],
  ended: true,
  resource: resourceFromAttributes({ 'service.name': 'shop', 'process.pid': 42 }),
  instrumentationScope: { name: 'lib', version: '1.0' },
  droppedAttributesCount: 1,
  droppedEventsCount: 2,
  droppedLinksCount: 3,
})

const spans = [
  readable('chat 🙂', {
    text: 'hé',
    yes: true,
    int: 9_007_199_254_740_991,
    negative: -1,
    double: 0.5,
    list: ['a', 'b'],
    numbers: [1, 2.5],
    empty: [],
  }),
  readable('other', {}),
]

test.each([
  ['protobuf', () => decodeTraces(ProtobufTraceSerializer.serializeRequest(spans)!)],
  ['JSON', () => decodeTracesJson(JsonTraceSerializer.serializeRequest(spans)!)],
])("the JavaScript SDK's %s arrives whole", (_, decode) => {
  const { spans: decoded, rejected } = decode()
  expect(rejected.size).toBe(0)
  expect(decoded.map(({ name }) => name)).toStrictEqual(['chat 🙂', 'other'])
  const [first] = decoded
  expect(first).toMatchObject({
    traceId: '0102030405060708090a0b0c0d0e0f10',
    spanId: 'a1a2a3a4a5a6a7a8',
    parentSpanId: 'b1b2b3b4b5b6b7b8',
    kind: 'CLIENT',
    startTimeUnixNano: 1_700_000_000_123_456_789n,
    endTimeUnixNano: 1_700_000_001_000_000_001n,
    statusCode: 'ERROR',
    statusMessage: 'boom',
    droppedAttributesCount: 1,
    droppedEventsCount: 2,
    droppedLinksCount: 3,
    scope: { name: 'lib', version: '1.0' },
  })
  expect(first?.attributes).toStrictEqual(
    new Map<string, unknown>([
      ['text', 'hé'],
      ['yes', true],
      ['int', 9_007_199_254_740_991n],
      ['negative', -1n],
      ['double', 0.5],
      ['list', ['a', 'b']],
      ['numbers', [1n, 2.5]],
      ['empty', []],
    ]),
  )
  expect(first?.resource.attributes).toStrictEqual(
    new Map<string, unknown>([
      ['service.name', 'shop'],
      ['process.pid', 42n],
    ]),
  )
  expect(first?.events).toMatchObject([{ name: 'first token', timeUnixNano: 1_700_000_000_200_000_000n }])
  expect(first?.links).toMatchObject([{ spanId: 'c1c2c3c4c5c6c7c8', attributes: new Map([['why', 'retry']]) }])
})

test("the JavaScript SDK's two encodings are published as the same bytes", () => {
  const binary = decodeTraces(ProtobufTraceSerializer.serializeRequest(spans)!).spans
  const text = decodeTracesJson(JsonTraceSerializer.serializeRequest(spans)!).spans
  expect(encodeTraces(text)).toStrictEqual(encodeTraces(binary))
})

test.each([2 ** 63, -(2 ** 70), 1e300, Number.NaN, Number.POSITIVE_INFINITY])(
  'a span with a number that no 64 bits hold was refused, or lost that number: %s',
  (number) => {
    const { spans: decoded, rejected } = decodeTracesJson(
      JsonTraceSerializer.serializeRequest([readable('chat', { tokens: number })])!,
    )
    expect(rejected.size).toBe(0)
    expect(decoded[0]?.attributes.get('tokens')).toBe(Number.isFinite(number) ? number : Number.NaN)
  },
)
