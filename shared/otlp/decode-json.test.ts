import { expect, test } from 'vitest'
import type { AttributeValue } from '../spans/attributes.ts'
import { decodeTracesJson } from './decode-json.ts'
import { DEFAULT_LIMITS } from './limits.ts'

const TRACE = '0102030405060708090a0b0c0d0e0f10'
const SPAN = 'a1a2a3a4a5a6a7a8'
const IDS = `"traceId":"${TRACE}","spanId":"${SPAN}"`
const request = (...spans: string[]): string => `{"resourceSpans":[{"scopeSpans":[{"spans":[${spans.join(',')}]}]}]}`
const valid = (more = ''): string => `{${IDS}${more === '' ? '' : `,${more}`}}`
const decode = (json: string, limits = DEFAULT_LIMITS) => decodeTracesJson(Buffer.from(json), limits)
const spanOf = (more: string) => {
  const { spans, rejected } = decode(request(valid(more)))
  expect(rejected).toStrictEqual(new Map())
  return spans[0]!
}
const decodeValue = (value: string): AttributeValue | undefined =>
  spanOf(`"attributes":[{"key":"k","value":${value}}]`).attributes.get('k')

test('the names of the fields do as well as those of JSON', () => {
  const snake =
    decode(`{"resource_spans":[{"schema_url":"r","resource":{"dropped_attributes_count":1},"scope_spans":[{"spans":[{
    "trace_id":"${TRACE}","span_id":"${SPAN}","parent_span_id":"${SPAN}","trace_state":"t","start_time_unix_nano":"5",
    "end_time_unix_nano":"6","dropped_attributes_count":2,"dropped_events_count":3,"dropped_links_count":4,
    "attributes":[{"key":"a","value":{"string_value":"x"}},{"key":"b","value":{"array_value":{"values":[{"int_value":1}]}}}],
    "events":[{"time_unix_nano":"7"}],"links":[{"trace_id":"${TRACE}","span_id":"${SPAN}"}]}]}]}]}`).spans
  expect(snake[0]).toMatchObject({
    traceId: TRACE,
    parentSpanId: SPAN,
    traceState: 't',
    startTimeUnixNano: 5n,
    endTimeUnixNano: 6n,
    droppedAttributesCount: 2,
    droppedEventsCount: 3,
    droppedLinksCount: 4,
    resource: { schemaUrl: 'r', droppedAttributesCount: 1 },
    events: [{ timeUnixNano: 7n }],
    links: [{ traceId: TRACE, spanId: SPAN }],
  })
  expect(snake[0]?.attributes).toStrictEqual(
    new Map<string, AttributeValue>([
      ['a', 'x'],
      ['b', [1n]],
    ]),
  )
})

test.each([
  ['{"intValue":"9223372036854775807"}', 2n ** 63n - 1n],
  ['{"intValue":-9223372036854775808}', -(2n ** 63n)],
  ['{"intValue":9007199254740993}', 2n ** 53n + 1n],
  ['{"intValue":12}', 12n],
  ['{"intValue":1e3}', 1000n],
  ['{"intValue":"1e3"}', 1000n],
  ['{"intValue":1.0}', 1n],
  ['{"intValue":"9223372036854775808"}', 2 ** 63],
  ['{"intValue":-9223372036854775809}', -(2 ** 63)],
  ['{"intValue":1e300}', 1e300],
  ['{"intValue":1.5}', 1.5],
  ['{"doubleValue":1}', 1],
  ['{"doubleValue":null}', Number.NaN],
  ['{"doubleValue":12345678901234567000}', 12345678901234567000],
  ['{"doubleValue":"1.5"}', 1.5],
  ['{"doubleValue":"NaN"}', Number.NaN],
  ['{"doubleValue":"-Infinity"}', Number.NEGATIVE_INFINITY],
  ['{"doubleValue":"Infinity"}', Number.POSITIVE_INFINITY],
  ['{"boolValue":false}', false],
  ['{"stringValue":""}', ''],
  ['{"stringValue":"\\ud83d\\ude42"}', '🙂'],
  ['{"stringValue":"\\ud83d"}', '\ufffd'],
  ['{"bytesValue":"+/8="}', new Uint8Array([0xfb, 0xff])],
  ['{"bytesValue":"-_8"}', new Uint8Array([0xfb, 0xff])],
  ['{"bytesValue":""}', new Uint8Array(0)],
  ['{"arrayValue":{}}', []],
  ['{"arrayValue":{"values":[{},null]}}', [null, null]],
  ['{"kvlistValue":{"values":[{"key":"a"}]}}', new Map([['a', null]])],
  ['{}', null],
  ['null', null],
  ['{"stringValue":null,"intValue":1}', 1n],
  ['{"unknown":{"deep":[1,{}]}}', null],
] as [string, AttributeValue][])('AnyValue %s', (json, expected) => {
  expect(decodeValue(json)).toStrictEqual(expected)
})

test('long digits in text and in another number do not change what is exact', () => {
  const value =
    '{"kvlistValue":{"values":[{"key":"12345678901234567890","value":{"doubleValue":0.12345678901234568}}]}}'
  expect(decodeValue(value)).toStrictEqual(new Map([['12345678901234567890', 0.12345678901234568]]))
})

test.each([
  ['"startTimeUnixNano":"1732150000000000001"', 1732150000000000001n],
  ['"startTimeUnixNano":1732150000000000001', 1732150000000000001n],
  ['"startTimeUnixNano":null', 0n],
])('time %s', (json, expected) => {
  expect(spanOf(json).startTimeUnixNano).toBe(expected)
})

test.each([
  ['3', 'CLIENT'],
  ['"3"', 'CLIENT'],
  ['"SPAN_KIND_CLIENT"', 'CLIENT'],
  ['"CLIENT"', 'CLIENT'],
  ['99', 'UNSPECIFIED'],
  ['"whatever"', 'UNSPECIFIED'],
  ['null', 'UNSPECIFIED'],
])('kind %s', (json, expected) => {
  expect(spanOf(`"kind":${json}`).kind).toBe(expected)
})

test.each(['2', '"STATUS_CODE_ERROR"', '"ERROR"'])('status %s', (json) => {
  expect(spanOf(`"status":{"code":${json}}`).statusCode).toBe('ERROR')
})

test.each([
  ['hex of the upper case', TRACE.toUpperCase(), SPAN.toUpperCase()],
  ['base64', Buffer.from(TRACE, 'hex').toString('base64'), Buffer.from(SPAN, 'hex').toString('base64')],
  ['base64 for URLs', Buffer.from(TRACE, 'hex').toString('base64url'), Buffer.from(SPAN, 'hex').toString('base64url')],
])('ids in %s', (_, traceId, spanId) => {
  const [span] = decode(request(`{"traceId":"${traceId}","spanId":"${spanId}"}`)).spans
  expect(span).toMatchObject({ traceId: TRACE, spanId: SPAN, parentSpanId: '' })
})

const limits = {
  ...DEFAULT_LIMITS,
  maxAttributes: 2,
  maxAttributeBytes: 8,
  maxNameBytes: 4,
  maxDepth: 2,
  maxResourceBytes: 90,
}
const withValue = (value: string): string => valid(`"attributes":[{"key":"k","value":${value}}]`)

test.each([
  ['invalid_trace_id', `{"spanId":"${SPAN}"}`],
  ['invalid_trace_id', `{"traceId":"${'0'.repeat(32)}","spanId":"${SPAN}"}`],
  ['invalid_trace_id', `{"traceId":"${'g'.repeat(32)}","spanId":"${SPAN}"}`],
  ['invalid_trace_id', `{"traceId":"${SPAN}","spanId":"${SPAN}"}`],
  ['invalid_trace_id', `{"traceId":7,"spanId":"${SPAN}"}`],
  ['invalid_span_id', `{"traceId":"${TRACE}","spanId":"${'0'.repeat(16)}"}`],
  ['invalid_span_id', `{"traceId":"${TRACE}"}`],
  ['invalid_parent_span_id', valid('"parentSpanId":"abc"')],
  ['invalid_link_id', valid('"links":[{"traceId":"abc"}]')],
  ['invalid_time', valid('"startTimeUnixNano":"9223372036854775808"')],
  ['invalid_time', valid('"endTimeUnixNano":-1')],
  ['invalid_field', valid('"startTimeUnixNano":"tomorrow"')],
  ['invalid_field', valid('"startTimeUnixNano":1.5')],
  ['invalid_field', valid(`"startTimeUnixNano":${'9'.repeat(5000)}`)],
  ['invalid_field', valid('"name":5')],
  ['invalid_field', valid('"attributes":{}')],
  ['invalid_field', valid('"attributes":[1]')],
  ['invalid_field', valid('"flags":-1')],
  ['invalid_field', withValue('{"intValue":"many"}')],
  ['invalid_field', withValue('{"boolValue":"true"}')],
  ['invalid_field', withValue('{"doubleValue":""}')],
  ['invalid_field', withValue('{"bytesValue":"a*=="}')],
  ['invalid_field', 'null'],
  ['invalid_field', '[]'],
  ['name_too_long', valid('"name":"12345"')],
  ['too_many_attributes', valid('"attributes":[{},{},{}]')],
  ['attribute_too_long', valid('"attributes":[{"key":"123456789"}]')],
  ['attribute_too_long', withValue('{"stringValue":"ééééé"}')],
  ['attribute_too_long', withValue('{"bytesValue":"AAAAAAAAAAAA"}')],
  ['too_deep', withValue('{"arrayValue":{"values":[{"kvlistValue":{"values":[{"value":{"arrayValue":{}}}]}}]}}')],
])('%s is rejected alone: %s', (reason, bad) => {
  const { spans, rejected, examples } = decode(request(valid(), bad, valid()), limits)
  expect(spans).toHaveLength(2)
  expect(rejected).toStrictEqual(new Map([[reason, 1]]))
  expect(examples).toStrictEqual(new Map([[reason, 1]]))
})

test('a resource that breaks a limit takes its own spans with it, and no others', () => {
  const group = (resource: string) => `{"resource":${resource},"scopeSpans":[{"spans":[${valid()}]}]}`
  const large = `{"attributes":[{"key":"a","value":{"unknown":"${'x'.repeat(90)}"}}]}`
  const { spans, rejected } = decode(`{"resourceSpans":[${group('{}')},${group(large)}]}`, limits)
  expect(spans).toHaveLength(1)
  expect(rejected).toStrictEqual(new Map([['resource_too_large', 1]]))
})

test.each(['{}', '{"resourceSpans":[]}', '{"resourceSpans":null}', '{"resourceSpans":[{}]}', '{"x":1}'])(
  '%s is empty',
  (json) => {
    expect(decode(json)).toMatchObject({ spans: [], rejected: new Map() })
  },
)

test.each([
  ['', 'no JSON at all'],
  ['{', 'cut off'],
  ['[]', 'a list'],
  ['null', 'null'],
  ['"x"', 'a string'],
  ['{"resourceSpans":{}}', 'an object for a list'],
  ['{"resourceSpans":[{"scopeSpans":5}]}', 'a number for a list'],
  ['{"resourceSpans":[[]]}', 'a list for an object'],
  ['['.repeat(2000), 'nested without end'],
  ['{"a":'.repeat(100_000), 'nested without end'],
])('%.20s is malformed: %s', (json) => {
  expect(() => decode(json)).toThrow(expect.objectContaining({ code: 'otlp/malformed' }))
})

test('bytes that are not UTF-8 are malformed', () => {
  const data = Buffer.from(request(valid('"name":"x"')))
  data[data.indexOf('"x"') + 1] = 0xff
  expect(() => decodeTracesJson(data)).toThrow(expect.objectContaining({ code: 'otlp/malformed' }))
})

test('what would inflate is refused before it is built', () => {
  const few = { ...DEFAULT_LIMITS, maxObjects: 10 }
  expect(() => decode(`[${'{},'.repeat(100)}{}]`, few)).toThrow(expect.objectContaining({ code: 'otlp/too-large' }))
  expect(() => decode(request(valid()), { ...few, maxBytes: 10 })).toThrow(
    expect.objectContaining({ code: 'otlp/too-large' }),
  )
})

test('our namespace is taken off when asked', () => {
  const attributes = '"attributes":[{"key":"spanledger.receipt","value":{"stringValue":"x"}},{"key":"k"}]'
  const json = Buffer.from(
    `{"resourceSpans":[{"resource":{${attributes}},"scopeSpans":[{"spans":[${valid(attributes)}]}]}]}`,
  )
  const { spans, stripped } = decodeTracesJson(json, DEFAULT_LIMITS, { strip: true })
  expect(stripped).toBe(2)
  expect([...spans[0]!.attributes.keys(), ...spans[0]!.resource.attributes.keys()]).toStrictEqual(['k', 'k'])
})

test('names that objects inherit are no fields', () => {
  const { spans } = decode(request(valid('"__proto__":{"name":"x"},"constructor":1')))
  expect(spans[0]?.name).toBe('')
})

test.each([
  ['', 'not JSON: it ends too early'],
  ['{"resourceSpans":[', 'not JSON: it ends too early'],
  ['{"resourceSpans":[],}', 'not JSON, from character 20 on'],
  ["{'resourceSpans':[]}", 'not JSON, from character 1 on'],
  ['{"resourceSpans":[]} x', 'not JSON, from character 21 on'],
  ['{"resourceSpans":[secret]}', 'not JSON'],
  ['[]', 'which is {"resourceSpans": [{"scopeSpans": [{"spans": […]}]}]}'],
  ['{"resourceSpans":{}}', 'which is {"resourceSpans": [{"scopeSpans": [{"spans": […]}]}]}'],
])('whoever wrote JSON by hand was not told where it breaks off, or what it should be: %s', (text, message) => {
  const decode = () => decodeTracesJson(Buffer.from(text))
  expect(decode).toThrow(message)
  expect(decode).not.toThrow('secret')
})
