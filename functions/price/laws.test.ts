import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Bus, Delivery, Message } from '../../shared/bus/bus.ts'
import { decodeBatch } from '../../shared/otlp/batch.ts'
import { encodeTraces } from '../../shared/otlp/encode.ts'
import { loadCatalogue } from '../../shared/pricing/catalogue.ts'
import { createPricer } from '../../shared/pricing/pricer.ts'
import { openSqliteTraceState } from '../../shared/pricing/sqlite-trace-state.ts'
import type { Ledger, PricedSpan } from '../../shared/spans/ledger.ts'
import type { Span } from '../../shared/spans/span.ts'
import { buildChat, buildSpan } from '../../test/support/span.ts'
import { createPriceSubscriber } from './handler.ts'

const pricer = createPricer({ catalogue: await loadCatalogue() })

/** A span of a trace: what it is, and which of the earlier ones is its parent. */
const sketch = fc.record({
  kind: fc.constantFrom('call', 'call', 'agent', 'tool', 'plain'),
  parent: fc.nat({ max: 100 }),
  input: fc.nat({ max: 500 }),
  output: fc.nat({ max: 50 }),
  cached: fc.nat({ max: 100 }),
  response: fc.constantFrom('', 'r1', 'r2'),
})
type Sketch = typeof sketch extends fc.Arbitrary<infer T> ? T : never

function buildTrace(sketches: readonly Sketch[], traceId: string): Span[] {
  return sketches.map(({ kind, parent, input, output, cached, response }, index) => {
    const spanId = (index + 1).toString()
    const place = { traceId, spanId, ...(index > 0 && { parentSpanId: ((parent % index) + 1).toString() }) }
    if (kind === 'plain') return buildSpan(place)
    if (kind === 'tool') return buildSpan({ ...place, attributes: { 'gen_ai.operation.name': 'execute_tool' } })
    const operation =
      kind === 'agent' ? { 'gen_ai.operation.name': 'invoke_agent' } : { 'gen_ai.response.id': response }
    const usage = { input_tokens: input + cached, output_tokens: output, 'cache_read.input_tokens': cached }
    return buildChat('gpt-4o', usage, { ...place, attributes: { 'gen_ai.provider.name': 'openai', ...operation } })
  })
}

const traces = fc
  .array(fc.array(sketch, { minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 3 })
  .map((all) => all.flatMap((sketches, index) => buildTrace(sketches, (index + 1).toString())))

/** The spans in messages of any cut and order, some in two, each delivered once or twice, pulled in any groups. */
const deliveries = traces.chain((spans) =>
  fc.record({
    spans: fc.constant(spans),
    cuts: fc.array(fc.nat({ max: 4 }), { minLength: spans.length, maxLength: spans.length }),
    order: fc.shuffledSubarray([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], { minLength: 10, maxLength: 10 }),
    again: fc.subarray(spans),
    pull: fc.integer({ min: 1, max: 4 }),
  }),
)

const toDelivery = (spans: readonly Span[], digest: string): Delivery => ({
  id: digest,
  attempt: 1,
  data: encodeTraces(spans),
  attributes: { project: 'p', digest, spans: spans.length, ingestedAt: '1', traceparent: '' },
})

/** What a consumer holds in the end: of each span the ledger with the highest revision. */
function consume(messages: readonly Message[]): Map<string, Ledger> {
  const held = new Map<string, Ledger>()
  const take = ({ span, ledger }: PricedSpan) => {
    const id = `${span.traceId}/${span.spanId}`
    const earlier = held.get(id)
    if (earlier === undefined || ledger.revision > earlier.revision) held.set(id, ledger)
  }
  for (const message of messages) {
    const batch = decodeBatch({ ...message, id: '1', attempt: 1 })
    for (const priced of [...batch.spans, ...(batch.corrections ?? [])]) take(priced)
  }
  return held
}

const bill = ({ costStatus, costPicoUsd, inputTokens, outputTokens }: Ledger) => [
  costStatus,
  costPicoUsd,
  inputTokens,
  outputTokens,
]

async function deliver(pulls: readonly (readonly Delivery[])[]) {
  const published: Message[] = []
  const bus: Bus = { publish: async (_topic, messages) => void published.push(...messages), close: async () => {} }
  let clock = 1_800_000_000_000
  const state = openSqliteTraceState({ path: ':memory:', now: () => clock })
  const subscriber = createPriceSubscriber({ bus, pricer, state, now: () => clock++ })
  for (const pull of pulls) await subscriber.handle(pull)
  await subscriber.close()
  return published
}

test('however the spans of a trace are cut, ordered and repeated, each bills in the end what it bills at once', async () => {
  await fc.assert(
    fc.asyncProperty(deliveries, async ({ spans, cuts, order, again, pull }) => {
      const parts = new Map<number, Span[]>()
      for (const [index, span] of spans.entries()) parts.set(cuts[index]!, [...(parts.get(cuts[index]!) ?? []), span])
      const once = [...[...parts].map(([cut, part]) => toDelivery(part, `d${cut}`)), toDelivery(again, 'again')]
      const twice = order.map((index) => [...once, ...once][index % (once.length * 2)]!)
      const all = [...twice, ...once]
      const pulls = Array.from({ length: Math.ceil(all.length / pull) }, (_, n) => all.slice(n * pull, (n + 1) * pull))
      const held = consume(await deliver(pulls))
      const expected = pricer.price(spans, { project: 'p' })
      for (const [index, { traceId, spanId }] of spans.entries())
        expect(bill(held.get(`${traceId}/${spanId}`)!)).toStrictEqual(bill(expected[index]!))
    }),
    { numRuns: 200 },
  )
})

test('a message that comes again, after others, gives the same messages again', async () => {
  await fc.assert(
    fc.asyncProperty(deliveries, async ({ spans, cuts }) => {
      const parts = [0, 1, 2, 3, 4].map((cut) => spans.filter((_, index) => cuts[index] === cut))
      const all = parts.map((part, cut) => toDelivery(part, `d${cut}`)).filter(({ data }) => data.length > 0)
      const published = await deliver([...all, ...all].map((delivery) => [delivery]))
      const byDigest = Map.groupBy(published, ({ attributes }) => attributes.digest)
      for (const same of byDigest.values()) {
        expect(same.length).toBe(2)
        expect(same[0]).toStrictEqual(same[1])
      }
    }),
    { numRuns: 100 },
  )
})

test('a trace that a message explains by itself is neither read nor written', async () => {
  const bus: Bus = { publish: async () => {}, close: async () => {} }
  const memory = openSqliteTraceState({ path: ':memory:' })
  const asked: string[] = []
  const state = {
    ...memory,
    transact: ((keys, decide) => {
      asked.push(...keys.map(({ traceId }) => traceId))
      return memory.transact(keys, decide)
    }) as typeof memory.transact,
  }
  const subscriber = createPriceSubscriber({ bus, pricer, state })
  const openai = { 'gen_ai.provider.name': 'openai' }
  const agent = (traceId: string, input: number) =>
    buildChat(
      'gpt-4o',
      { input_tokens: input },
      { traceId, spanId: 'a', attributes: { ...openai, 'gen_ai.operation.name': 'invoke_agent' } },
    )
  const call = (traceId: string) =>
    buildChat('gpt-4o', { input_tokens: 10 }, { traceId, spanId: 'b', parentSpanId: 'a', attributes: openai })
  await subscriber.handle([toDelivery([agent('1', 10), call('1'), agent('2', 20), call('2'), call('3')], 'd')])
  expect(asked.map((traceId) => Number(traceId))).toStrictEqual([2, 3])
})
