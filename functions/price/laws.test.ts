import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Delivery } from '../../shared/bus/bus.ts'
import { loadCatalogue } from '../../shared/pricing/catalogue.ts'
import { createPricer } from '../../shared/pricing/pricer.ts'
import { openSqliteTraceState } from '../../shared/pricing/sqlite-trace-state.ts'
import type { TraceStateStore } from '../../shared/pricing/trace-state.ts'
import { buildChat, buildSpan } from '../../test/support/span.ts'
import { createPriceSubscriber } from './handler.ts'
import { bill, collectingBus, consume, cutMessages, toDelivery, traces } from './test-traces.ts'

const pricer = createPricer({ catalogue: await loadCatalogue() })

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

async function deliver(pulls: readonly (readonly Delivery[])[]) {
  const bus = collectingBus()
  let clock = 1_800_000_000_000
  const state = openSqliteTraceState({ path: ':memory:', now: () => clock })
  const subscriber = createPriceSubscriber({ bus, pricer, state, now: () => clock++ })
  for (const pull of pulls) await subscriber.handle(pull)
  await subscriber.close()
  return bus.published
}

test('however the spans of a trace are cut, ordered and repeated, each bills in the end what it bills at once', async () => {
  await fc.assert(
    fc.asyncProperty(deliveries, async ({ spans, cuts, order, again, pull }) => {
      const once = [...cutMessages(spans, cuts), toDelivery(again, 'again')]
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
      const all = cutMessages(spans, cuts)
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

test('a pull is one transaction; traces that are whole in their message and use nothing are no part of it', async () => {
  const memory = openSqliteTraceState({ path: ':memory:' })
  const asked: (readonly string[])[] = []
  const state: TraceStateStore = {
    ...memory,
    transact: (keys, decide) => {
      asked.push(keys.map(({ traceId }) => Number(traceId).toString()))
      return memory.transact(keys, decide)
    },
  }
  const subscriber = createPriceSubscriber({ bus: collectingBus(), pricer, state })
  const call = (traceId: string) => buildChat('gpt-4o', { input_tokens: 10 }, { traceId })
  const root = (traceId: string) => buildSpan({ traceId, spanId: 'a' })
  const step = (traceId: string) => buildSpan({ traceId, spanId: 'b', parentSpanId: 'a' })
  await subscriber.handle([
    toDelivery([root('1'), step('1'), call('2'), step('3')], 'd1'),
    toDelivery([root('4'), root('5'), call('2')], 'd2'),
  ])
  expect(asked).toStrictEqual([['2', '3', '2']])
})
