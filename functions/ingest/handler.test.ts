import { createHash } from 'node:crypto'
import zlib from 'node:zlib'
import { describe, expect, test } from 'vitest'
import type { Message } from '../../shared/bus/bus.ts'
import { type ErrorCode, SpanledgerError } from '../../shared/errors.ts'
import { decodeTraces } from '../../shared/otlp/decode-protobuf.ts'
import { encodeTraces } from '../../shared/otlp/encode.ts'
import { DEFAULT_LIMITS } from '../../shared/otlp/limits.ts'
import type { Span } from '../../shared/spans/span.ts'
import { createIngestApp } from './handler.ts'

const PROTOBUF = 'application/x-protobuf'
const JSON_TYPE = 'application/json'
const MAX = 20 * 1024 * 1024

const span = (overrides: Partial<Span> = {}): Span => ({
  traceId: '0102030405060708090a0b0c0d0e0f10',
  spanId: 'a1a2a3a4a5a6a7a8',
  parentSpanId: '',
  traceState: '',
  flags: 0,
  name: 'chat',
  kind: 'CLIENT',
  startTimeUnixNano: 1n,
  endTimeUnixNano: 2n,
  attributes: new Map(),
  droppedAttributesCount: 0,
  events: [],
  droppedEventsCount: 0,
  links: [],
  droppedLinksCount: 0,
  statusCode: 'UNSET',
  statusMessage: '',
  resource: { attributes: new Map(), droppedAttributesCount: 0, schemaUrl: '' },
  scope: { name: '', version: '', attributes: new Map(), droppedAttributesCount: 0, schemaUrl: '' },
  ...overrides,
})

interface Faults {
  publish?: Error
  authenticate?: Error
}

const ignore = () => {}

function setUp({ publish, authenticate }: Faults = {}) {
  const messages: Message[] = []
  const logged: unknown[] = []
  const asked: unknown[] = []
  const app = createIngestApp({
    bus: {
      publish: async (topic, published) => {
        if (publish !== undefined) throw publish
        expect(topic).toBe('spans')
        messages.push(...published)
      },
    },
    authenticate: async (authorization, scope) => {
      asked.push([authorization, scope])
      if (authenticate !== undefined) throw authenticate
      return { project: 'shop', keyId: '', scopes: ['ingest'] }
    },
    log: { debug: ignore, info: ignore, error: ignore, warn: (...given: unknown[]) => void logged.push(given) },
    limits: { ...DEFAULT_LIMITS, maxBytes: MAX, maxAttributeBytes: MAX },
    maxBodyBytes: MAX,
    now: () => 1_700_000_000_000_000_001n,
  })
  const post = (body: string | Uint8Array, headers: Record<string, string>) =>
    app.request('/v1/traces', { method: 'POST', body: body as string, headers })
  return { app, messages, asked, logged, post }
}

const json = (...spans: unknown[]) => JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans }] }] })
const jsonSpan = { traceId: '0102030405060708090A0B0C0D0E0F10', spanId: 'a1a2a3a4a5a6a7a8', name: 'chat', kind: 3 }
const sha256 = (...parts: (string | Uint8Array)[]) =>
  createHash('sha256')
    .update(Buffer.concat(parts.map((part) => Buffer.from(part as string))))
    .digest('hex')

test('an export becomes one durable message before it is acknowledged', async () => {
  const { messages, asked, post } = setUp()
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
  const body = encodeTraces([span(), span({ spanId: 'b1b2b3b4b5b6b7b8' })])
  const response = await post(body, { 'content-type': PROTOBUF, authorization: 'Bearer x', traceparent })
  expect(response.status).toBe(200)
  expect(response.headers.get('content-type')).toBe(PROTOBUF)
  expect((await response.bytes()).length).toBe(0)
  expect(asked).toStrictEqual([['Bearer x', 'ingest']])
  expect(messages).toStrictEqual([
    {
      data: body,
      attributes: {
        project: 'shop',
        digest: sha256('shop\0', body),
        spans: 2,
        ingestedAt: '1700000000000000001',
        traceparent,
      },
    },
  ])
})

test('JSON and protobuf of one export, compressed or not, have one digest', async () => {
  const { messages, post } = setUp()
  const binary = Buffer.from(encodeTraces([span({ startTimeUnixNano: 0n, endTimeUnixNano: 0n })]))
  await post(binary, { 'content-type': PROTOBUF })
  await post(json(jsonSpan), { 'content-type': `${JSON_TYPE}; charset=utf-8` })
  await post(zlib.zstdCompressSync(binary), { 'content-type': `${PROTOBUF};x=y`, 'content-encoding': 'zstd' })
  await post(zlib.gzipSync(json(jsonSpan)), { 'content-type': 'Application/JSON', 'content-encoding': 'gzip' })
  expect(messages).toHaveLength(4)
  expect(new Set(messages.map(({ attributes }) => attributes.digest)).size).toBe(1)
})

test.each([
  [PROTOBUF, new Uint8Array(0)],
  [JSON_TYPE, Buffer.from('{}')],
  [JSON_TYPE, Buffer.from('{"resourceSpans":[]}')],
])('an empty request of %s is fine, and publishes nothing', async (type, body) => {
  const { messages, post } = setUp()
  const response = await post(body, { 'content-type': type })
  expect(response.status).toBe(200)
  expect(await response.text()).toBe(type === JSON_TYPE ? '{}' : '')
  expect(messages).toHaveLength(0)
})

test('a bad span is rejected alone, told, and counted on the bus', async () => {
  const { messages, post } = setUp()
  const response = await post(json({ ...jsonSpan, spanId: '<script>' }, jsonSpan), { 'content-type': JSON_TYPE })
  expect(await response.json()).toStrictEqual({
    partialSuccess: {
      rejectedSpans: '1',
      errorMessage: '1 span rejected: 1 invalid_span_id (first: span 0 of the request, from 0)',
    },
  })
  expect(response.status).toBe(200)
  expect(messages).toHaveLength(1)
  expect(messages[0]?.attributes).toMatchObject({ spans: 1, rejected: { invalid_span_id: 1 } })
})

test('when all are rejected the refusal itself is published, each request under a digest of its own', async () => {
  const { messages, post } = setUp()
  for (const name of ['a', 'b', 'b']) await post(json({ name }), { 'content-type': JSON_TYPE })
  expect(messages.map(({ data }) => data.length)).toStrictEqual([0, 0, 0])
  const [first, second, again] = messages.map(({ attributes }) => attributes)
  expect(first).toMatchObject({ spans: 0, rejected: { invalid_trace_id: 1 } })
  expect(first?.digest).not.toBe(second?.digest)
  expect(second?.digest).toBe(again?.digest)
})

test('what only we may set is taken off, and the reservation is not', async () => {
  const { messages, post } = setUp()
  const attributes = new Map([
    ['spanledger.cost.pico_usd', 1n],
    ['spanledger.reservation', 2n],
  ])
  await post(encodeTraces([span({ attributes })]), { 'content-type': PROTOBUF })
  const [published] = decodeTraces(messages[0]!.data).spans
  expect([...published!.attributes.keys()]).toStrictEqual(['spanledger.reservation'])
})

test('a large export becomes several messages, and a span that fits none is rejected', async () => {
  const { messages, post } = setUp()
  const sized = (bytes: number) => span({ attributes: new Map([['text', 'x'.repeat(bytes)]]) })
  const spans = [sized(5_000_000), sized(5_000_000), sized(8 * 1024 * 1024)]
  const response = await post(encodeTraces(spans), { 'content-type': PROTOBUF })
  expect(response.status).toBe(200)
  expect(await response.text()).toContain('1 span_too_large')
  expect(messages.map(({ attributes }) => attributes.spans)).toStrictEqual([1, 1])
  expect(messages.map(({ attributes }) => attributes.rejected)).toStrictEqual([{ span_too_large: 1 }, undefined])
  for (const { data } of messages) expect(data.length).toBeLessThanOrEqual(8 * 1024 * 1024)
})

describe('refusals', () => {
  test.each(['GET', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'])('%s is not allowed', async (method) => {
    const response = await setUp().app.request('/v1/traces', { method })
    expect(response.status).toBe(405)
    expect(response.headers.get('allow')).toBe('POST')
  })

  test.each([
    ['/v1/metrics', 'OTEL_METRICS_EXPORTER=none'],
    ['/v1/logs', 'OTEL_LOGS_EXPORTER=none'],
    ['/v1/profiles', '/v1/traces'],
    ['/v1/traces/v1/traces', '/v1/traces'],
    ['/v1/traces/', '/v1/traces'],
    ['/', '/v1/traces'],
  ])('%s: an SDK that sends more than traces was not told in OTLP what to turn off', async (path, hint) => {
    const { app } = setUp()
    for (const [type, decode] of [
      [JSON_TYPE, (text: string) => JSON.parse(text).message],
      [PROTOBUF, (text: string) => text],
    ] as const) {
      const response = await app.request(path, { method: 'POST', body: '{}', headers: { 'content-type': type } })
      expect([response.status, response.headers.get('content-type')]).toStrictEqual([404, type])
      expect(decode(await response.text())).toContain(hint)
    }
  })

  test.each([
    'text/plain',
    'application/jsonp',
    'application/x-protobuf-seq',
    '',
    'multipart/form-data; x=application/json',
  ])('content type %j is not taken', async (type) => {
    const { post, messages } = setUp()
    const response = await post(Buffer.from('{}'), { 'content-type': type })
    expect(response.status).toBe(415)
    expect(await response.json()).toMatchObject({ code: 3 })
    expect(messages).toHaveLength(0)
  })

  test.each([
    [400, 'broken gzip', Buffer.from('xx'), { 'content-encoding': 'gzip' }],
    [400, 'broken JSON', Buffer.from('{'), {}],
    [413, 'a bomb', zlib.gzipSync(Buffer.alloc(MAX + 1)), { 'content-encoding': 'gzip' }],
    [413, 'a body too large', Buffer.alloc(MAX + 1), {}],
    [415, 'an unknown encoding', Buffer.from('{}'), { 'content-encoding': 'br' }],
    [415, 'two encodings', Buffer.from('{}'), { 'content-encoding': 'gzip, gzip' }],
  ])('%i for %s, in both encodings', async (status, _, body, headers) => {
    const { post, messages } = setUp()
    const asJson = await post(body, { ...headers, 'content-type': JSON_TYPE })
    expect(asJson.status).toBe(status)
    expect(asJson.headers.get('content-type')).toBe(JSON_TYPE)
    expect(await asJson.json()).toStrictEqual({ code: expect.any(Number), message: expect.stringMatching(/^otlp: /) })
    const asProtobuf = await post(body, { ...headers, 'content-type': PROTOBUF })
    expect(asProtobuf.status).toBe(status)
    expect(asProtobuf.headers.get('content-type')).toBe(PROTOBUF)
    expect((await asProtobuf.bytes())[0]).toBe(0x08)
    expect(messages).toHaveLength(0)
  })

  test.each([
    [401, 'auth/missing', 16],
    [401, 'auth/invalid', 16],
    [403, 'auth/forbidden', 7],
  ] as [number, ErrorCode, number][])('%i for %s, before the body is read', async (status, code, rpcCode) => {
    const { app } = setUp({ authenticate: new SpanledgerError(code, 'send a key') })
    const body = new ReadableStream({
      pull: () => {
        throw new Error('was read')
      },
    })
    const request = { method: 'POST', body, duplex: 'half', headers: { 'content-type': JSON_TYPE } }
    const response = await app.request('/v1/traces', request as RequestInit)
    expect(response.status).toBe(status)
    expect(await response.json()).toStrictEqual({ code: rpcCode, message: 'auth: send a key' })
    expect(response.headers.has('www-authenticate')).toBe(status === 401)
  })

  test.each(['bus/full', 'bus/unavailable', 'bus/closed', 'store/unavailable'] as ErrorCode[])(
    '503 for %s, with a time to come back',
    async (code) => {
      const { post } = setUp({ publish: new SpanledgerError(code, 'later') })
      const response = await post(json(jsonSpan), { 'content-type': JSON_TYPE })
      expect(response.status).toBe(503)
      expect(response.headers.get('retry-after')).toBe('1')
      expect(await response.json()).toMatchObject({ code: 14 })
    },
  )

  test('a refusal was logged with two messages in one line, of which readers of JSON keep one', async () => {
    const { post, logged } = setUp({ publish: new SpanledgerError('bus/full', 'the queue is full') })
    await post(json(jsonSpan), { 'content-type': JSON_TYPE })
    expect(logged).toStrictEqual([[{ code: 'bus/full' }, 'ingest refuses: bus: the queue is full']])
  })

  test('what we did not foresee is 500, and leaks nothing', async () => {
    const { post } = setUp({ publish: new Error('SELECT secret FROM keys') })
    const response = await post(json(jsonSpan), { 'content-type': JSON_TYPE })
    expect(response.status).toBe(500)
    expect(await response.text()).not.toContain('SELECT')
  })
})

test('bodies that wait for the bus count against the memory of all, and no longer once answered', async () => {
  let release = () => {}
  const opened = new Promise<void>((resolve) => {
    release = resolve
  })
  const app = createIngestApp({
    bus: { publish: () => opened },
    authenticate: async () => ({ project: 'shop', keyId: '', scopes: ['ingest'] }),
    limits: DEFAULT_LIMITS,
    maxBodyBytes: MAX,
    maxInFlightBytes: 1000,
    now: () => 1n,
  })
  const body = json({ ...jsonSpan, name: 'x'.repeat(700) })
  const post = () => app.request('/v1/traces', { method: 'POST', body, headers: { 'content-type': JSON_TYPE } })
  const first = post()
  await new Promise((resolve) => setImmediate(resolve))
  const second = await post()
  expect(second.status).toBe(503)
  expect(second.headers.get('retry-after')).toBe('1')
  release()
  expect((await first).status).toBe(200)
  expect((await post()).status).toBe(200)
})

test.each([
  ['00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', true],
  ['cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more', true],
  ['00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more', false],
  ['cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01.more', false],
  ['ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', false],
  ['00-00000000000000000000000000000000-b7ad6b7169203331-01', false],
  ['00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01', false],
  ['00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01', false],
  ['"><script>', false],
])('traceparent %s: passed on %s', async (traceparent, passed) => {
  const { messages, post } = setUp()
  await post(json(jsonSpan), { 'content-type': JSON_TYPE, traceparent })
  expect(messages[0]?.attributes.traceparent).toBe(passed ? traceparent.slice(0, 55) : '')
})
