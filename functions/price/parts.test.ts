import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Bus, Delivery } from '../../shared/bus/bus.ts'
import { decodeBatch } from '../../shared/otlp/batch.ts'
import { loadCatalogue } from '../../shared/pricing/catalogue.ts'
import { createPricer } from '../../shared/pricing/pricer.ts'
import { openSqliteTraceState } from '../../shared/pricing/sqlite-trace-state.ts'
import type { TraceStateStore } from '../../shared/pricing/trace-state.ts'
import type { Span } from '../../shared/spans/span.ts'
import { openSqliteStore } from '../../shared/warehouse/sqlite-store.ts'
import { buildChat, buildSpan } from '../../test/support/span.ts'
import { repricePage } from '../query/prices/reprice.ts'
import { createPriceSubscriber } from './handler.ts'
import { bill, collectingBus, consume, cutMessages, toDelivery, traces } from './test-traces.ts'

const pricer = createPricer({ catalogue: await loadCatalogue() })

/** Delivers to a subscriber that remembers only traces that come in parts. */
async function deliver(deliveries: readonly Delivery[]) {
  const bus = collectingBus()
  let clock = 1_800_000_000_000
  const memory = openSqliteTraceState({ path: ':memory:', now: () => clock })
  const asked: string[] = []
  const state: TraceStateStore = {
    ...memory,
    transact: (keys, decide) => {
      asked.push(...keys.map(({ traceId }) => Number(traceId).toString()))
      return memory.transact(keys, decide)
    },
  }
  const subscriber = createPriceSubscriber({ bus, pricer, state, remember: 'parts', now: () => clock++ })
  for (const delivery of deliveries) await subscriber.handle([delivery])
  await subscriber.close?.()
  return { published: bus.published, asked }
}

/** The spans in messages of any cut, delivered in any order, each once or twice. */
const journeys = (spans: readonly Span[]) =>
  fc
    .array(fc.nat({ max: 4 }), { minLength: spans.length, maxLength: spans.length })
    .map((cuts) => cutMessages(spans, cuts))
    .chain((messages) => fc.tuple(shuffled(messages), fc.subarray(messages)))
    .map(([first, again]) => ({ spans, deliveries: [...first, ...again] }))

function shuffled<T>(items: readonly T[]): fc.Arbitrary<T[]> {
  return fc.shuffledSubarray([...items], { minLength: items.length })
}

const openai = { 'gen_ai.provider.name': 'openai' }
const agent = { ...openai, 'gen_ai.operation.name': 'invoke_agent' }
const call = (spanId: string, parentSpanId = '', input = 100, traceId = '1') =>
  buildChat('gpt-4o', { input_tokens: input }, { traceId, spanId, parentSpanId, attributes: openai })
const sum = (spanId: string, parentSpanId = '', input = 100, traceId = '1') =>
  buildChat('gpt-4o', { input_tokens: input }, { traceId, spanId, parentSpanId, attributes: agent })

test.each([
  ['a call', [call('1')]],
  ['an agent and all of its calls', [sum('1', '', 200), call('2', '1'), sum('3', '1'), call('4', '3')]],
  ['a call and its gateway', [call('1'), call('2', '1')]],
  ['a trace without usage', [buildSpan({ traceId: '1' })]],
])('%s, whole in one message, neither reads nor writes state', async (_, spans) => {
  const { asked, published } = await deliver([toDelivery(spans, 'd')])
  expect(asked).toStrictEqual([])
  const held = consume(published)
  for (const [index, ledger] of pricer.price(spans, { project: 'p' }).entries())
    expect(bill(held.get(`${spans[index]!.traceId}/${spans[index]!.spanId}`)!)).toStrictEqual(bill(ledger))
})

test.each([
  ['a call below what is not there', [call('2', '1')]],
  ['a sum of more than is there', [sum('1', '', 200), call('2', '1')]],
  ['a sum of nothing that is there', [sum('1')]],
  ['a call that is explained in part', [call('1', '', 200), call('2', '1')]],
  ['a step that leads to what is not there', [buildSpan({ traceId: '1', spanId: '2', parentSpanId: '1' })]],
])('%s is remembered', async (_, spans) => {
  expect((await deliver([toDelivery(spans, 'd')])).asked).toStrictEqual(['1'])
})

/** Whether something that reports usage lies below a call, and so may report it again, or adds calls up. */
function repeatsCalls(spans: readonly Span[]): boolean {
  const operation = ({ attributes }: Span) => attributes.get('gen_ai.operation.name')
  const byId = new Map(spans.map((span) => [`${span.traceId}/${span.spanId}`, span]))
  const above = (span: Span) => byId.get(`${span.traceId}/${span.parentSpanId}`)
  return spans.some((span) => {
    if (operation(span) === 'usage_summary') return true
    if (!['chat', 'invoke_agent'].includes(String(operation(span)))) return false
    for (let at = above(span); at !== undefined; at = above(at)) if (operation(at) === 'chat') return true
    return false
  })
}

test('however a trace in which no call is reported twice is cut and ordered, each span bills what it bills at once', async () => {
  const plain = traces.filter((spans) => !repeatsCalls(spans)).chain(journeys)
  await fc.assert(
    fc.asyncProperty(plain, async ({ spans, deliveries }) => {
      const held = consume((await deliver(deliveries)).published)
      for (const [index, ledger] of pricer.price(spans, { project: 'p' }).entries())
        expect(bill(held.get(`${spans[index]!.traceId}/${spans[index]!.spanId}`)!)).toStrictEqual(bill(ledger))
    }),
    { numRuns: 300 },
  )
})

test('a call that a gateway reports in a message of its own is billed twice until its trace is repriced', async () => {
  const deliveries = [toDelivery([call('1')], 'application'), toDelivery([call('2', '1')], 'gateway')]
  const { published } = await deliver(deliveries)
  const input = consume(published)
    .values()
    .reduce((tokens, { inputTokens }) => tokens + (inputTokens ?? 0), 0)
  expect(input).toBe(200)
})

test('however any trace is cut, ordered and repeated, repricing makes each span bill what it bills at once', async () => {
  const again = traces.chain((spans) => fc.tuple(journeys(spans), fc.subarray([...spans])))
  await fc.assert(
    fc.asyncProperty(again, async ([{ spans, deliveries }, repeated]) => {
      const { published } = await deliver([...deliveries, toDelivery(repeated, 'again')])
      const store = await openSqliteStore({ path: ':memory:' })
      const bus: Pick<Bus, 'publish'> = {
        publish: async (_topic, messages) => {
          await store.write(messages.map((message) => decodeBatch({ ...message, id: '1', attempt: 1 })))
        },
      }
      await bus.publish('priced-spans', published)
      const all = { project: 'p', from: 0n, to: 2n ** 62n }
      await repricePage({ ...all, apply: true }, { reader: store, pricer, bus, now: () => 1_900_000_000_000 })
      const { items } = await store.listSpans({ filter: all, sort: 'startTime', order: 'asc', pageSize: 100 })
      const held = new Map(items.map(({ span, ledger }) => [`${span.traceId}/${span.spanId}`, ledger]))
      await store.close()
      for (const [index, ledger] of pricer.price(spans, { project: 'p' }).entries())
        expect(bill(held.get(`${spans[index]!.traceId}/${spans[index]!.spanId}`)!)).toStrictEqual(bill(ledger))
    }),
    { numRuns: 60 },
  )
})
