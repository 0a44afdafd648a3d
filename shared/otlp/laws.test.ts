import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isSpanledgerError } from '../errors.ts'
import { attributesToOtlpJson } from '../spans/attribute-text.ts'
import { SPAN_KINDS, type Span, STATUS_CODES } from '../spans/span.ts'
import { addSpanAttributes } from './add-attributes.ts'
import { decodeTracesJson } from './decode-json.ts'
import { decodeTraces } from './decode-protobuf.ts'
import { encodeTraces } from './encode.ts'
import { DEFAULT_LIMITS } from './limits.ts'
import { arbitraryAttributes, arbitrarySpans } from './span.arbitrary.ts'
import { splitTraces } from './split.ts'

/** An export in OTLP/JSON, one resource and one scope for each span: written here on its own, not by the code under test. */
function toJson(spans: readonly Span[]): string {
  const resourceSpans = spans.map((span) => ({
    resource: {
      attributes: attributesToOtlpJson(span.resource.attributes),
      droppedAttributesCount: span.resource.droppedAttributesCount,
    },
    schemaUrl: span.resource.schemaUrl,
    scopeSpans: [
      {
        scope: { ...span.scope, attributes: attributesToOtlpJson(span.scope.attributes) },
        schemaUrl: span.scope.schemaUrl,
        spans: [
          {
            traceId: span.traceId.toUpperCase(),
            spanId: span.spanId,
            parentSpanId: span.parentSpanId === '' ? null : span.parentSpanId,
            traceState: span.traceState,
            flags: span.flags,
            name: span.name,
            kind: SPAN_KINDS.indexOf(span.kind),
            startTimeUnixNano: span.startTimeUnixNano.toString(),
            end_time_unix_nano: span.endTimeUnixNano.toString(),
            attributes: attributesToOtlpJson(span.attributes),
            droppedAttributesCount: span.droppedAttributesCount,
            events: span.events.map((event) => ({
              ...event,
              timeUnixNano: event.timeUnixNano.toString(),
              attributes: attributesToOtlpJson(event.attributes),
            })),
            droppedEventsCount: span.droppedEventsCount,
            links: span.links.map((link) => ({ ...link, attributes: attributesToOtlpJson(link.attributes) })),
            droppedLinksCount: span.droppedLinksCount,
            status: { code: STATUS_CODES.indexOf(span.statusCode), message: span.statusMessage },
          },
        ],
      },
    ],
  }))
  return JSON.stringify({ resourceSpans })
}

/** Byte for byte, without the element-wise comparison that takes most of a property's time. */
function expectSameBytes(actual: Uint8Array, expected: Uint8Array): void {
  expect(Buffer.compare(actual, expected)).toBe(0)
}

test('what is encoded decodes to the same spans', () => {
  fc.assert(
    fc.property(arbitrarySpans, (spans) => {
      const { spans: decoded, rejected } = decodeTraces(encodeTraces(spans))
      expect(decoded).toStrictEqual(spans)
      expect(rejected.size).toBe(0)
    }),
  )
})

test('the same spans give the same bytes, decoded or not', () => {
  fc.assert(
    fc.property(arbitrarySpans, (spans) => {
      const data = encodeTraces(spans)
      expectSameBytes(encodeTraces(decodeTraces(data).spans), data)
    }),
  )
})

test('JSON and protobuf of an export give the same spans and the same bytes', () => {
  fc.assert(
    fc.property(arbitrarySpans, (spans) => {
      const { spans: decoded, rejected } = decodeTracesJson(Buffer.from(toJson(spans)))
      expect(rejected.size).toBe(0)
      expect(decoded).toStrictEqual(spans)
      expectSameBytes(encodeTraces(decoded), encodeTraces(spans))
    }),
  )
})

test('adding attributes on the wire is decoding, adding and encoding', () => {
  const inputs = arbitrarySpans.chain((spans) =>
    fc.tuple(
      fc.constant(spans),
      fc.array(fc.option(arbitraryAttributes, { nil: undefined }), {
        minLength: spans.length,
        maxLength: spans.length,
      }),
    ),
  )
  fc.assert(
    fc.property(inputs, ([spans, additions]) => {
      const added = decodeTraces(addSpanAttributes(encodeTraces(spans), additions)).spans
      const expected = spans.map((span, index) => ({
        ...span,
        attributes: new Map([...span.attributes, ...(additions[index] ?? [])]),
      }))
      expect(added).toStrictEqual(expected)
    }),
  )
})

test('adding nothing on the wire changes no byte', () => {
  fc.assert(
    fc.property(arbitrarySpans, (spans) => {
      const data = encodeTraces(spans)
      expectSameBytes(addSpanAttributes(data, []), data)
    }),
  )
})

test('splitting keeps every span, in order, and every part within its bound', () => {
  fc.assert(
    fc.property(arbitrarySpans, fc.integer({ min: 1, max: 3000 }), (spans, maxBytes) => {
      let tooLarge = 0
      const parts = splitTraces(spans, { maxBytes, tooLarge: () => tooLarge++ })
      const kept = parts.flatMap(({ data, spans: count }) => {
        const decoded = decodeTraces(data).spans
        expect(data.length).toBeLessThanOrEqual(maxBytes)
        expect(decoded).toHaveLength(count)
        return decoded
      })
      expect(kept).toStrictEqual(spans.filter((span) => encodeTraces([span]).length <= maxBytes))
      expect(kept.length + tooLarge).toBe(spans.length)
    }),
  )
})

/** Bytes of a good export with one stretch overwritten, cut out or cut off. */
const mutated = fc
  .tuple(arbitrarySpans, fc.boolean(), fc.nat(), fc.nat({ max: 8 }), fc.uint8Array({ maxLength: 8 }))
  .map(([spans, asJson, at, removed, inserted]) => {
    const data = asJson ? Buffer.from(toJson(spans)) : Buffer.from(encodeTraces(spans))
    const start = data.length === 0 ? 0 : at % data.length
    return { asJson, data: Buffer.concat([data.subarray(0, start), inserted, data.subarray(start + removed)]) }
  })

test('mutated payloads decode to spans that encode, or throw what a client is told', () => {
  fc.assert(
    fc.property(mutated, ({ asJson, data }) => {
      try {
        const { spans } = (asJson ? decodeTracesJson : decodeTraces)(data)
        expect(decodeTraces(encodeTraces(spans)).spans).toStrictEqual(spans)
      } catch (error) {
        if (!isSpanledgerError(error, 'otlp/malformed') && !isSpanledgerError(error, 'otlp/too-large')) throw error
      }
    }),
    { numRuns: 500 },
  )
})

test('no limit is exceeded by what is accepted', () => {
  const limits = { ...DEFAULT_LIMITS, maxAttributes: 2, maxAttributeBytes: 20, maxNameBytes: 20, maxDepth: 1 }
  fc.assert(
    fc.property(arbitrarySpans, (spans) => {
      const { spans: accepted, rejected } = decodeTraces(encodeTraces(spans), limits)
      for (const span of accepted) {
        expect(span.attributes.size).toBeLessThanOrEqual(2)
        expect(Buffer.byteLength(span.name)).toBeLessThanOrEqual(20)
        for (const value of span.attributes.values()) {
          if (typeof value === 'string') expect(Buffer.byteLength(value)).toBeLessThanOrEqual(20)
          if (Array.isArray(value)) expect(value.some((item) => Array.isArray(item) || item instanceof Map)).toBe(false)
        }
      }
      expect([...rejected.values()].reduce((sum, count) => sum + count, accepted.length)).toBe(spans.length)
    }),
  )
})
