import fc from 'fast-check'
import type { Attributes, AttributeValue } from '../spans/attributes.ts'
import { COST_STATUSES, EMPTY_LEDGER, type PricedSpan } from '../spans/ledger.ts'
import { SPAN_KINDS, type Span, STATUS_CODES } from '../spans/span.ts'
import { type SpanBatch, type SpanFilter, USAGE_DIMENSIONS, type UsageQuery } from './trace-store.ts'

/** Plain objects, as the stores make them: fast-check mixes in some without a prototype. */
function record<T>(fields: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> {
  return fc.record(fields, { noNullPrototype: true }) as fc.Arbitrary<T>
}

/** Few of each, so that spans meet in traces, batches repeat spans and filters match. */
const PROJECTS = ['p', "p'2"]
const TRACE_IDS = [1, 2, 3, 4].map((number) => String(number).repeat(32))
const SPAN_IDS = [1, 2, 3].map((number) => String(number).repeat(16))
const NAMES = ['', 'chat', 'a longer name than fits inline', 'größer als zwölf 🙂 bytes', "o'x%_", 'nul\u0000inside']
const MODELS = ['', 'gpt-4o', 'claude "sonnet" 4', 'modèle']

const int63 = fc.bigInt({ min: 0n, max: 2n ** 63n - 1n })
/** Near each other, or anywhere. */
const time = fc.oneof(
  fc.bigInt({ min: 1_700_000_000_000_000_000n, max: 1_700_000_000_000_000_009n }),
  fc.bigInt({ min: 0n, max: 9n }),
  int63,
)
const tokens = fc.option(fc.oneof(fc.nat(5), fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER })))
const cost = fc.option(fc.oneof(fc.bigInt({ min: 0n, max: 3n }), int63))
const text = fc.oneof(fc.constantFrom(...NAMES), fc.string({ unit: 'binary', maxLength: 30 }))

const { value: anyValue } = fc.letrec<{ value: AttributeValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.oneof(
      text,
      fc.boolean(),
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      fc.double(),
      fc.constant(null),
      fc.uint8Array({ maxLength: 20 }),
    ) as fc.Arbitrary<AttributeValue>,
    fc.array(tie('value'), { maxLength: 3 }),
    fc.array(fc.tuple(text, tie('value')), { maxLength: 3 }).map((entries) => new Map(entries)),
  ),
}))
const attributes: fc.Arbitrary<Attributes> = fc
  .array(fc.tuple(fc.oneof(fc.constantFrom('k', '2', '1', '__proto__'), text), fc.oneof(fc.constant('v'), anyValue)), {
    maxLength: 4,
  })
  .map((entries) => new Map(entries))
const uint32 = fc.oneof(fc.constant(0), fc.nat(2 ** 31 - 1))

const span: fc.Arbitrary<Span> = record({
  traceId: fc.constantFrom(...TRACE_IDS),
  spanId: fc.constantFrom(...SPAN_IDS),
  parentSpanId: fc.constantFrom('', ...SPAN_IDS),
  traceState: fc.constantFrom('', 'a=b'),
  flags: uint32,
  name: fc.constantFrom(...NAMES),
  kind: fc.constantFrom(...SPAN_KINDS),
  startTimeUnixNano: time,
  endTimeUnixNano: time,
  attributes,
  droppedAttributesCount: uint32,
  events: fc.array(record({ timeUnixNano: int63, name: text, attributes, droppedAttributesCount: uint32 }), {
    maxLength: 2,
  }),
  droppedEventsCount: uint32,
  links: fc.array(
    record({
      traceId: fc.constantFrom(...TRACE_IDS),
      spanId: fc.constantFrom(...SPAN_IDS),
      traceState: text,
      attributes,
      droppedAttributesCount: uint32,
      flags: uint32,
    }),
    { maxLength: 2 },
  ),
  droppedLinksCount: uint32,
  statusCode: fc.constantFrom(...STATUS_CODES),
  statusMessage: text,
  resource: record({
    attributes: fc
      .tuple(fc.constantFrom('api', 'worker'), attributes)
      .map(([name, rest]) => new Map([...rest, ['service.name', name]])),
    droppedAttributesCount: uint32,
    schemaUrl: fc.constantFrom('', 'https://opentelemetry.io/schemas/1.37.0'),
  }),
  scope: record({
    name: text,
    version: text,
    attributes,
    droppedAttributesCount: uint32,
    schemaUrl: fc.constantFrom('', 'urn:x'),
  }),
})

const ledger = record({
  operation: fc.constantFrom('', 'chat', 'execute_tool', 'invoke_agent'),
  provider: fc.constantFrom('', 'openai', 'anthropic'),
  model: fc.constantFrom(...MODELS),
  inputTokens: tokens,
  outputTokens: tokens,
  totalTokens: tokens,
  cacheReadTokens: tokens,
  cacheWriteTokens: tokens,
  reasoningTokens: tokens,
  costPicoUsd: cost,
  costStatus: fc.constantFrom(...COST_STATUSES),
  priceVersion: fc.constantFrom('', 'v1'),
  receipt: fc.constantFrom(
    ...['', '{"lines":[]}', '{"serviceTier":"batch","lines":[],"was":{"reason":"then"}}'],
    ...['{"reason":"no price for \\"x\\" é"}', '{"serviceTier":"flex","reason":"no model"}'],
  ),
  userId: fc.constantFrom('', 'u1', 'u2'),
  sessionId: fc.constantFrom('', 's1'),
  environment: fc.constantFrom('', 'production'),
  requestModel: fc.constantFrom(...MODELS),
  agentName: text,
  toolName: text,
  dialect: fc.constantFrom('', 'opentelemetry'),
  costLowerPicoUsd: cost,
  costUpperPicoUsd: cost,
  reportedCostPicoUsd: cost,
})

/** Any span with any ledger. */
export const pricedSpan: fc.Arbitrary<PricedSpan> = record({
  span,
  ledger: ledger.map((fields) => ({ ...EMPTY_LEDGER, ...fields })),
})

const correction: fc.Arbitrary<PricedSpan> = fc
  .tuple(pricedSpan, fc.integer({ min: 1, max: 9 }))
  .map(([priced, revision]) => ({ span: priced.span, ledger: { ...priced.ledger, revision } }))

function batchesOf(spans: fc.Arbitrary<PricedSpan>): fc.Arbitrary<SpanBatch[]> {
  return fc.array(
    record({
      context: record({
        ...{ project: fc.constantFrom(...PROJECTS), ingestedAt: time, digest: fc.uuid() },
        keyId: fc.constantFrom('', 'k1', 'k2'),
      }),
      spans: fc.array(spans, { maxLength: 6 }),
      corrections: fc.array(correction, { maxLength: 2 }),
    }),
    { maxLength: 6 },
  )
}

/** A few batches, each with a digest of its own. */
export const batches: fc.Arbitrary<SpanBatch[]> = batchesOf(pricedSpan)

/** What makes a span large: a value or a text of its own, somewhere in it. */
const GROW: readonly ((span: Span, text: string) => Span)[] = [
  (span, text) => ({ ...span, name: text }),
  (span, text) => ({ ...span, statusMessage: text }),
  (span, text) => ({ ...span, traceState: text }),
  (span, text) => ({ ...span, attributes: new Map([...span.attributes, ['large', text]]) }),
  (span, text) => ({
    ...span,
    attributes: new Map([...span.attributes, ['bytes', new Uint8Array(Buffer.from(text))]]),
  }),
  (span, text) => ({ ...span, attributes: new Map([...span.attributes, ['list', ['a', text, 1n, ['b', text]]]]) }),
  (span, text) => ({
    ...span,
    attributes: new Map([
      ...span.attributes,
      [
        'map',
        new Map([
          [text, null],
          ['c', text],
        ]),
      ],
    ]),
  }),
  (span, text) => ({ ...span, attributes: new Map([[text, 1n], ...span.attributes]) }),
  (span, text) => {
    const many = Array.from({ length: text.length / 32 }, (_, index) => [`key ${index}`, index % 2 === 0] as const)
    return { ...span, attributes: new Map<string, AttributeValue>([...span.attributes, ...many]) }
  },
  (span, text) => ({ ...span, resource: { ...span.resource, attributes: new Map([['service.name', text]]) } }),
  (span, text) => ({ ...span, resource: { ...span.resource, schemaUrl: text } }),
  (span, text) => ({ ...span, scope: { ...span.scope, name: text, attributes: new Map([['large', text]]) } }),
  (span, text) => {
    const event = { timeUnixNano: 1n, name: text, attributes: new Map([['large', text]]), droppedAttributesCount: 0 }
    return { ...span, events: [...span.events, event, event] }
  },
  (span, text) => {
    const ids = { traceId: '1'.repeat(32), spanId: '2'.repeat(16), flags: 1, droppedAttributesCount: 2 }
    return { ...span, links: [{ ...ids, traceState: text, attributes: new Map([['large', text]]) }, ...span.links] }
  },
]

const growth = fc.tuple(
  fc.constantFrom(...GROW),
  fc.constantFrom('x', 'ü', '🙂', '\u0001', '"'),
  fc.constantFrom(100, 4_000, 4_100, 15_000, 16_500, 40_000),
)

/** Spans of any size around those at which a store may keep them in another way. */
export const sizedSpan: fc.Arbitrary<PricedSpan> = fc
  .tuple(pricedSpan, fc.array(growth, { maxLength: 3 }))
  .map(([{ span, ledger }, growths]) => ({
    ledger,
    span: growths.reduce(
      (grown, [grow, unit, bytes]) => grow(grown, unit.repeat(bytes / Buffer.byteLength(unit))),
      span,
    ),
  }))

/** As {@link batches}, of spans of any size. */
export const sizedBatches: fc.Arbitrary<SpanBatch[]> = batchesOf(sizedSpan)

const some = <T>(...values: T[]) => fc.array(fc.constantFrom(...values), { maxLength: 3 })

const FEW = { requiredKeys: ['project'], noNullPrototype: true } as { requiredKeys: ['project']; noNullPrototype: true }

const spanConditions = {
  from: time,
  to: time,
  traceId: fc.constantFrom(...TRACE_IDS),
  name: some(...NAMES),
  kind: some(...SPAN_KINDS),
  service: some('api', 'worker'),
  operation: some('', 'chat'),
  provider: some('', 'openai'),
  model: some(...MODELS),
  user: some('', 'u1'),
  session: some('', 's1'),
  environment: some('', 'production'),
  key: some('', 'k1'),
  status: some(...STATUS_CODES),
  costStatus: some(...COST_STATUSES),
  attributes: fc.array(record({ key: fc.constantFrom('k', '1', 'nope'), value: fc.constant('v') }), {
    maxLength: 1,
  }),
  minCostPicoUsd: fc.bigInt({ min: -1n, max: 2n ** 64n }),
  maxCostPicoUsd: fc.bigInt({ min: -1n, max: 2n ** 64n }),
  minDurationNanos: fc.bigInt({ min: -1n, max: 2n ** 64n }),
  maxDurationNanos: fc.bigInt({ min: -1n, max: 2n ** 64n }),
}

const traceIds = fc
  .tuple(fc.constantFrom('', ...TRACE_IDS), fc.option(fc.constantFrom(...TRACE_IDS, 'g')))
  .map(([from, to]) => ({ from, ...(to !== null && { to }) }))

/** Any filter on a few conditions. */
export const filter: fc.Arbitrary<SpanFilter> = fc.record(
  {
    project: fc.constantFrom(...PROJECTS),
    ...spanConditions,
    traceIds,
    tracesWith: fc.record({ project: fc.constant(''), ...spanConditions }, FEW),
  },
  FEW,
)

/** Filters that leave most spans in: each has one condition at most. */
export const looseFilter: fc.Arbitrary<SpanFilter> = fc
  .tuple(filter, fc.nat())
  .map(([{ project, ...conditions }, index]) => {
    const entries = Object.entries(conditions)
    return { project, ...Object.fromEntries(entries.slice(index % (entries.length + 1)).slice(0, 1)) }
  })

export const usageQuery: fc.Arbitrary<UsageQuery> = record({
  filter: looseFilter,
  groupBy: fc.subarray([...USAGE_DIMENSIONS], { maxLength: 3 }),
  interval: fc.option(fc.constantFrom(1n, 7n, 3_600_000_000_000n)),
}).map(({ interval, ...query }) => ({
  ...query,
  maxRows: 1000,
  ...(interval !== null && { intervalNanos: interval }),
}))
