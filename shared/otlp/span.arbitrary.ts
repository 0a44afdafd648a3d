import fc from 'fast-check'
import type { Attributes, AttributeValue } from '../spans/attributes.ts'
import { type Resource, type Scope, SPAN_KINDS, type Span, STATUS_CODES } from '../spans/span.ts'

/** Text of every kind: emoji, control characters, combining marks; all of it well-formed. */
const text = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme', maxLength: 60 }), fc.string())
const count = fc.oneof(fc.constant(0), fc.nat(), fc.constant(2 ** 32 - 1))
const time = fc.bigInt({ min: 0n, max: 2n ** 63n - 1n })
const int64 = fc.oneof(
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.bigInt({ min: -300n, max: 300n }),
  fc.constantFrom(-(2n ** 63n), 2n ** 63n - 1n, 2n ** 53n + 1n, -1n, 2n ** 31n, 2n ** 49n, 2n ** 56n),
)
const leaf: fc.Arbitrary<AttributeValue> = fc.oneof(
  text,
  fc.boolean(),
  int64,
  fc.double(),
  fc.constant(null),
  fc.uint8Array({ maxLength: 200 }),
)
const entries = (value: fc.Arbitrary<AttributeValue>): fc.Arbitrary<Attributes> =>
  fc.array(fc.tuple(text, value), { maxLength: 5 }).map((pairs) => new Map(pairs))

/** An AnyValue of any kind, nested. */
export const arbitraryValue = fc.letrec<{ value: AttributeValue }>((tie) => ({
  value: fc.oneof({ maxDepth: 3 }, leaf, fc.array(tie('value'), { maxLength: 4 }), entries(tie('value'))),
})).value

export const arbitraryAttributes = entries(arbitraryValue)

/** A record as the code under test makes them: with a prototype. */
const record = <T>(fields: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> =>
  fc.record(fields, { noNullPrototype: true })

const hexId = (bytes: number) =>
  fc
    .uint8Array({ minLength: bytes, maxLength: bytes })
    .filter((id) => id.some((byte) => byte !== 0))
    .map((id) => Buffer.from(id).toString('hex'))

const resource: fc.Arbitrary<Resource> = record({
  attributes: arbitraryAttributes,
  droppedAttributesCount: count,
  schemaUrl: text,
})

const scope: fc.Arbitrary<Scope> = record({
  name: text,
  version: text,
  attributes: arbitraryAttributes,
  droppedAttributesCount: count,
  schemaUrl: text,
})

const span = (resources: fc.Arbitrary<Resource>, scopes: fc.Arbitrary<Scope>): fc.Arbitrary<Span> =>
  record({
    traceId: hexId(16),
    spanId: hexId(8),
    parentSpanId: fc.oneof(fc.constant(''), hexId(8)),
    traceState: text,
    flags: count,
    name: text,
    kind: fc.constantFrom(...SPAN_KINDS),
    startTimeUnixNano: time,
    endTimeUnixNano: time,
    attributes: arbitraryAttributes,
    droppedAttributesCount: count,
    events: fc.array(
      record({ timeUnixNano: time, name: text, attributes: arbitraryAttributes, droppedAttributesCount: count }),
      { maxLength: 3 },
    ),
    droppedEventsCount: count,
    links: fc.array(
      record({
        traceId: hexId(16),
        spanId: hexId(8),
        traceState: text,
        attributes: arbitraryAttributes,
        droppedAttributesCount: count,
        flags: count,
      }),
      { maxLength: 3 },
    ),
    droppedLinksCount: count,
    statusCode: fc.constantFrom(...STATUS_CODES),
    statusMessage: text,
    resource: resources,
    scope: scopes,
  })

/** Spans of a request: few resources and scopes, each shared by some of them. */
export const arbitrarySpans: fc.Arbitrary<Span[]> = fc
  .tuple(fc.array(resource, { minLength: 1, maxLength: 3 }), fc.array(scope, { minLength: 1, maxLength: 3 }))
  .chain(([resources, scopes]) =>
    fc.array(span(fc.constantFrom(...resources), fc.constantFrom(...scopes)), { maxLength: 6 }),
  )
