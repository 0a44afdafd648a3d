import { expect, test } from 'vitest'
import type { AttributeValue } from '../spans/attributes.ts'
import { decodeTraces } from './decode-protobuf.ts'
import { encodeTraces } from './encode.ts'
import { DEFAULT_LIMITS, MAX_DEPTH } from './limits.ts'

/** Hand-built protobuf: numbers are bytes, strings UTF-8, lists length-delimited. */
type Part = number | string | Uint8Array | readonly Part[]
function bytes(...parts: readonly Part[]): Buffer {
  return Buffer.concat(
    parts.map((part) => {
      if (typeof part === 'number') return Buffer.from([part])
      if (typeof part === 'string') return Buffer.from(part)
      if (part instanceof Uint8Array) return part
      const content = bytes(...(part as readonly Part[]))
      const { length } = content
      return Buffer.concat([length < 128 ? Buffer.from([length]) : varint(length), content])
    }),
  )
}

function varint(value: number): Buffer {
  const out: number[] = []
  let rest = value
  for (; rest > 127; rest = Math.floor(rest / 128)) out.push((rest % 128) | 128)
  return Buffer.from([...out, rest])
}

const TRACE = Buffer.from('0102030405060708090a0b0c0d0e0f10', 'hex')
const SPAN = Buffer.from('a1a2a3a4a5a6a7a8', 'hex')
const IDS: Part[] = [0x0a, [TRACE], 0x12, [SPAN]]
const request = (...span: Part[]): Buffer => bytes(0x0a, [0x12, [0x12, [...span]]])
const valid = (...more: Part[]): Buffer => request(...IDS, ...more)
const withValue = (...value: Part[]): Buffer => valid(0x4a, [0x0a, ['k'], 0x12, [...value]])
const decodeValue = (data: Uint8Array): AttributeValue | undefined => decodeTraces(data).spans[0]?.attributes.get('k')

test('a whole span, byte by byte', () => {
  const data = bytes(0x0a, [
    ...[0x0a, [0x0a, [0x0a, ['service.name'], 0x12, [0x0a, ['shop']]], 0x10, 2]],
    ...[
      0x12,
      [
        0x0a,
        [0x0a, ['lib'], 0x12, ['1.0'], 0x1a, [0x0a, ['s'], 0x12, [0x10, 1]], 0x20, 1],
        0x12,
        [
          ...IDS,
          ...[0x1a, ['a=b'], 0x22, [SPAN], 0x2a, ['GET /'], 0x30, 3],
          ...[0x39, Buffer.from('0100000000000000', 'hex'), 0x41, Buffer.from('ffffffffffffff7f', 'hex')],
          ...[0x4a, [0x0a, ['n'], 0x12, [0x18, Buffer.from('ffffffffffffffffff01', 'hex')]], 0x50, 7],
          ...[0x5a, [0x09, Buffer.from('0200000000000000', 'hex'), 0x12, ['e'], 0x20, 3], 0x60, 4],
          ...[0x6a, [0x0a, [TRACE], 0x12, [SPAN], 0x1a, ['l'], 0x28, 5, 0x35, 1, 0, 0, 0], 0x70, 6],
          ...[0x7a, [0x12, ['boom'], 0x18, 2], 0x85, 1, 1, 1, 0, 0],
        ],
        0x1a,
        ['scope-url'],
      ],
    ],
    ...[0x1a, ['resource-url']],
  ])
  const resource = {
    attributes: new Map([['service.name', 'shop']]),
    droppedAttributesCount: 2,
    schemaUrl: 'resource-url',
  }
  const scope = {
    name: 'lib',
    version: '1.0',
    attributes: new Map([['s', true]]),
    droppedAttributesCount: 1,
    schemaUrl: 'scope-url',
  }
  const expected = {
    traceId: TRACE.toString('hex'),
    spanId: SPAN.toString('hex'),
    parentSpanId: SPAN.toString('hex'),
    traceState: 'a=b',
    flags: 257,
    name: 'GET /',
    kind: 'CLIENT',
    startTimeUnixNano: 1n,
    endTimeUnixNano: 2n ** 63n - 1n,
    attributes: new Map([['n', -1n]]),
    droppedAttributesCount: 7,
    events: [{ timeUnixNano: 2n, name: 'e', attributes: new Map(), droppedAttributesCount: 3 }],
    droppedEventsCount: 4,
    links: [
      {
        traceId: TRACE.toString('hex'),
        spanId: SPAN.toString('hex'),
        traceState: 'l',
        attributes: new Map(),
        droppedAttributesCount: 5,
        flags: 1,
      },
    ],
    droppedLinksCount: 6,
    statusCode: 'ERROR',
    statusMessage: 'boom',
    resource,
    scope,
  }
  const { spans } = decodeTraces(data)
  expect(spans).toStrictEqual([expected])
  // The fields were written in order and nothing was left out, so the encoder must give the very same bytes.
  expect(Buffer.from(encodeTraces(spans))).toStrictEqual(data)
})

test.each([
  ['string', [0x0a, ['hé🙂']], 'hé🙂'],
  ['true', [0x10, 1], true],
  ['false', [0x10, 0], false],
  ['int', [0x18, 0xac, 0x02], 300n],
  ['int64 min', [0x18, Buffer.from('80808080808080808001', 'hex')], -(2n ** 63n)],
  ['int64 max', [0x18, Buffer.from('ffffffffffffffff7f', 'hex')], 2n ** 63n - 1n],
  ['2^53 + 1', [0x18, Buffer.from('8180808080808010', 'hex')], 2n ** 53n + 1n],
  ['double', [0x21, Buffer.from('000000000000f03f', 'hex')], 1],
  ['bytes', [0x3a, [1, 2]], new Uint8Array([1, 2])],
  ['array', [0x2a, [0x0a, [0x18, 1], 0x0a, []]], [1n, null]],
  ['empty array', [0x2a, []], []],
  ['kvlist', [0x32, [0x0a, [0x0a, ['a'], 0x12, [0x10, 1]]]], new Map([['a', true]])],
  ['empty kvlist', [0x32, []], new Map()],
  ['empty', [], null],
] as [string, Part[], AttributeValue][])('AnyValue: %s', (_, value, expected) => {
  expect(decodeValue(withValue(...value))).toStrictEqual(expected)
})

test.each([
  ['the last of two kinds holds', [0x0a, ['x'], 0x10, 1], true],
  ['arrays merge', [0x2a, [0x0a, [0x18, 1]], 0x2a, [0x0a, [0x18, 2]]], [1n, 2n]],
  ['an array after a string starts anew', [0x2a, [0x0a, [0x18, 1]], 0x0a, ['x'], 0x2a, []], []],
] as [string, Part[], AttributeValue][])('AnyValue twice: %s', (_, value, expected) => {
  expect(decodeValue(withValue(...value))).toStrictEqual(expected)
})

test('messages that come twice merge, scalars that do are replaced, of a key the last value holds', () => {
  const data = bytes(0x0a, [
    ...[0x0a, [0x0a, [0x0a, ['a'], 0x12, [0x18, 1]], 0x10, 1]],
    ...[0x12, [0x12, [...IDS, 0x2a, ['old'], 0x2a, ['new'], 0x7a, [0x12, ['m']], 0x7a, [0x18, 1]]]],
    ...[0x12, [0x12, [...IDS, 0x4a, [0x0a, ['k'], 0x12, [0x18, 1]], 0x4a, [0x0a, ['k'], 0x12, [0x18, 2]]]]],
    // After the spans that it belongs to.
    ...[0x0a, [0x0a, [0x0a, ['b'], 0x12, [0x18, 2]]]],
  ])
  const [first, second] = decodeTraces(data).spans
  expect(first).toMatchObject({ name: 'new', statusCode: 'OK', statusMessage: 'm' })
  expect(first?.resource.attributes).toStrictEqual(
    new Map([
      ['a', 1n],
      ['b', 2n],
    ]),
  )
  expect(first?.resource.droppedAttributesCount).toBe(1)
  expect(second?.attributes).toStrictEqual(new Map([['k', 2n]]))
})

test('unknown fields of every wire type are skipped', () => {
  const unknown: Part[] = [
    ...[0xc8, 0x3e, 0xff, 0x01],
    ...[0xc9, 0x3e, Buffer.alloc(8)],
    ...[0xca, 0x3e, ['xyz']],
    ...[0xcd, 0x3e, Buffer.alloc(4)],
  ]
  const data = bytes(...unknown, 0x0a, [
    ...unknown,
    ...[0x12, [...unknown, 0x12, [...unknown, ...IDS, ...unknown, 0x7a, [0x08, 1, ...unknown, 0x18, 2]], ...unknown]],
    ...unknown,
  ])
  const { spans, rejected } = decodeTraces(data)
  expect(spans).toHaveLength(1)
  expect(spans[0]?.statusCode).toBe('ERROR')
  expect(rejected.size).toBe(0)
})

test('enum numbers that we do not know are the first of their enum', () => {
  const [span] = decodeTraces(valid(0x30, 99, 0x7a, [0x18, Buffer.from('ffffffffffffffffff01', 'hex')])).spans
  expect(span).toMatchObject({ kind: 'UNSPECIFIED', statusCode: 'UNSET' })
})

test.each([
  ['a truncated tag', bytes(0x80)],
  ['a truncated length', bytes(0x0a, 0x80)],
  ['a length past the end', bytes(0x0a, 5, 0)],
  ['a length of 4 GiB', bytes(0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f)],
  ['a length past the end of what encloses it', bytes(0x0a, [0x12, 5], 0, 0, 0, 0, 0)],
  ['a varint of 11 bytes', valid(0x30, Buffer.alloc(10, 0x80), 0)],
  ['field number 0', bytes(0x02, [])],
  ['a wrong wire type', bytes(0x08, 1)],
  ['a wrong wire type in a span', valid(0x28, 1)],
  ['a truncated fixed64', request(...IDS, 0x39, 1, 2)],
  ['a group', bytes(0x0b, 0x0c)],
  ['the end of a group', bytes(0x0c)],
  ['wire type 6', bytes(0x0e)],
  ['wire type 7', bytes(0x0f)],
  ['a name that is not UTF-8', valid(0x2a, [0xff])],
  ['a key that is not UTF-8', valid(0x4a, [0x0a, [0xc3]])],
  ['a surrogate in UTF-8', valid(0x2a, [0xed, 0xa0, 0x80])],
  ['a long value that is not UTF-8', withValue(0x0a, ['x'.repeat(100), 0xc3, 0x28])],
])('%s is malformed', (_, data) => {
  expect(() => decodeTraces(data)).toThrow(expect.objectContaining({ code: 'otlp/malformed' }))
})

test('U+FFFD that was sent is no error', () => {
  expect(decodeValue(withValue(0x0a, ['\ufffd']))).toBe('\ufffd')
})

const nested = (depth: number): Part[] => (depth === 0 ? [0x18, 1] : [0x2a, [0x0a, nested(depth - 1)]])
const limits = {
  ...DEFAULT_LIMITS,
  maxAttributes: 2,
  maxAttributeBytes: 8,
  maxNameBytes: 4,
  maxDepth: 3,
  maxResourceBytes: 40,
}
const attribute = (key: string): Part[] => [0x4a, [0x0a, [key]]]

test.each([
  ['invalid_trace_id', request(0x12, [SPAN])],
  ['invalid_trace_id', request(0x0a, [Buffer.alloc(16)], 0x12, [SPAN])],
  ['invalid_trace_id', request(0x0a, [SPAN], 0x12, [SPAN])],
  ['invalid_span_id', request(0x0a, [TRACE])],
  ['invalid_span_id', request(0x0a, [TRACE], 0x12, [Buffer.alloc(8)])],
  ['invalid_parent_span_id', valid(0x22, [1, 2, 3])],
  ['invalid_link_id', valid(0x6a, [0x0a, [1]])],
  ['invalid_time', valid(0x41, Buffer.from('0000000000000080', 'hex'))],
  ['invalid_time', valid(0x5a, [0x09, Buffer.alloc(8, 0xff)])],
  ['name_too_long', valid(0x2a, ['12345'])],
  ['name_too_long', valid(0x1a, ['12345'])],
  ['too_many_attributes', valid(...attribute('a'), ...attribute('b'), ...attribute('c'))],
  ['too_many_attributes', valid(0x5a, [0x1a, [], 0x1a, [], 0x1a, []])],
  ['attribute_too_long', valid(...attribute('123456789'))],
  ['attribute_too_long', withValue(0x0a, ['123456789'])],
  ['attribute_too_long', withValue(0x3a, ['123456789'])],
  ['too_deep', withValue(...nested(4))],
  ['resource_too_large', bytes(0x0a, [0x0a, [0x7a, [Buffer.alloc(50)]], 0x12, [0x12, [...IDS]]])],
  ['resource_too_large', bytes(0x0a, [0x12, [0x0a, [0x7a, [Buffer.alloc(50)]], 0x12, [...IDS]]])],
  ['attribute_too_long', bytes(0x0a, [0x12, [0x12, [...IDS]], 0x0a, [0x0a, [0x0a, ['123456789']]]])],
])('%s is rejected alone', (reason, bad) => {
  const { spans, rejected, examples } = decodeTraces(bytes(valid(), bad, valid()), limits)
  expect(spans).toHaveLength(2)
  expect(rejected).toStrictEqual(new Map([[reason, 1]]))
  expect(examples).toStrictEqual(new Map([[reason, 1]]))
})

test('what is within the limits is accepted', () => {
  const good = [valid(0x2a, ['1234']), valid(...attribute('12345678'), ...attribute('b')), withValue(...nested(3))]
  expect(decodeTraces(bytes(...good), limits).spans).toHaveLength(3)
})

test('an all-zero or empty parent is a root', () => {
  for (const parent of [Buffer.alloc(8), Buffer.alloc(0)]) {
    expect(decodeTraces(valid(0x22, [parent])).spans[0]?.parentSpanId).toBe('')
  }
})

test('no configuration makes the stack overflow', () => {
  const deep = { ...DEFAULT_LIMITS, maxDepth: 1_000_000 }
  let value: Buffer = bytes(0x18, 1)
  for (let depth = 0; depth < 3000; depth++) value = bytes(0x2a, [0x0a, [value]])
  expect(decodeTraces(withValue(value), deep).rejected).toStrictEqual(new Map([['too_deep', 1]]))
  expect(decodeTraces(withValue(...nested(MAX_DEPTH)), deep).spans).toHaveLength(1)
})

test('a request that would inflate is refused whole', () => {
  const few = { ...DEFAULT_LIMITS, maxObjects: 10 }
  const events = Array.from({ length: 10 }, (): Part[] => [0x5a, []]).flat()
  const elements = Array.from({ length: 80 }, (): Part[] => [0x0a, []]).flat()
  for (const data of [
    valid(...events),
    withValue(0x2a, elements),
    withValue(0x2a, Array.from({ length: 10 }, () => [0x0a, [0x2a, []]]).flat()),
  ]) {
    expect(() => decodeTraces(data, few)).toThrow(expect.objectContaining({ code: 'otlp/too-large' }))
  }
  expect(() => decodeTraces(Buffer.alloc(11), { ...few, maxBytes: 10 })).toThrow(
    expect.objectContaining({ code: 'otlp/too-large' }),
  )
})

test('our namespace is taken off spans and resources when asked, and only there', () => {
  const ours: Part[] = [0x0a, ['spanledger.cost.pico_usd'], 0x12, [0x18, 1]]
  const data = bytes(0x0a, [
    0x0a,
    [0x0a, ours],
    0x12,
    [0x12, [...IDS, 0x4a, ours, 0x4a, [0x0a, ['k']], 0x5a, [0x1a, ours]]],
  ])
  const stripped = decodeTraces(data, DEFAULT_LIMITS, { strip: true })
  expect(stripped.stripped).toBe(2)
  expect([...stripped.spans[0]!.attributes.keys()]).toStrictEqual(['k'])
  expect(stripped.spans[0]!.resource.attributes.size).toBe(0)
  expect(stripped.spans[0]!.events[0]!.attributes.size).toBe(1)
  expect(decodeTraces(data).spans[0]!.attributes.size).toBe(2)
})
