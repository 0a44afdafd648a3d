import { Firestore } from '@google-cloud/firestore'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Delivery, Subscriber } from '../../shared/bus/bus.ts'
import { isSpanledgerError } from '../../shared/errors.ts'
import { loadCatalogue } from '../../shared/pricing/catalogue.ts'
import { openFirestoreTraceState } from '../../shared/pricing/firestore-trace-state.ts'
import { createPricer } from '../../shared/pricing/pricer.ts'
import { openSqliteTraceState } from '../../shared/pricing/sqlite-trace-state.ts'
import { canRun, type Emulator, planFirestore, startEmulator } from '../../test/emulators/emulator.ts'
import { buildChat, buildSpan } from '../../test/support/span.ts'
import { createPriceSubscriber } from './handler.ts'
import { bill, collectingBus, consume, cutMessages, toDelivery, traces } from './test-traces.ts'

const pricer = createPricer({ catalogue: await loadCatalogue() })

/** A delivery, to which of the instances it goes, and whether that one has just been started anew. */
interface Step {
  readonly delivery: Delivery
  readonly instance: number
  readonly restarted: boolean
}

async function deliver(steps: readonly Step[]) {
  const bus = collectingBus()
  let clock = 1_800_000_000_000
  const state = openSqliteTraceState({ path: ':memory:', now: () => clock })
  const start = () => createPriceSubscriber({ bus, pricer, state, now: () => clock++ })
  const instances = new Map<number, Subscriber>()
  for (const { delivery, instance, restarted } of steps) {
    const subscriber = (restarted ? undefined : instances.get(instance)) ?? start()
    instances.set(instance, subscriber)
    await subscriber.handle([delivery])
  }
  await state.close()
  return consume(bus.published)
}

/** The messages of traces, each to any instance, in any order; once, or once or twice. */
const journeys = ({ twice }: { readonly twice: boolean }) =>
  traces.chain((spans) =>
    fc
      .record({
        cuts: fc.array(fc.nat({ max: 4 }), { minLength: spans.length, maxLength: spans.length }),
        again: fc.subarray(spans),
      })
      .chain(({ cuts, again }) => {
        const messages = [...cutMessages(spans, cuts), toDelivery(again, 'again')]
        const step = (delivery: Delivery) =>
          fc.record({ delivery: fc.constant(delivery), instance: fc.nat({ max: 2 }), restarted: fc.boolean() })
        const all = fc.tuple(...[...messages, ...(twice ? messages : [])].map(step))
        return all
          .chain((steps) => fc.shuffledSubarray(steps, { minLength: messages.length }))
          .chain((some) => {
            const missing = messages.filter((message) => !some.some(({ delivery }) => delivery === message))
            return fc.tuple(fc.constant(some), fc.tuple(...missing.map(step)))
          })
          .map(([some, rest]) => ({ spans, steps: [...some, ...rest] }))
      }),
  )

test('whichever instance gets which message, started anew whenever, each span bills what it bills at once', async () => {
  await fc.assert(
    fc.asyncProperty(journeys({ twice: true }), async ({ spans, steps }) => {
      const held = await deliver(steps)
      const expected = pricer.price(spans, { project: 'p' })
      for (const [index, { traceId, spanId }] of spans.entries())
        expect(bill(held.get(`${traceId}/${spanId}`)!)).toStrictEqual(bill(expected[index]!))
    }),
    { numRuns: 300 },
  )
})

/** As the bus does: a message that is not taken comes again. */
async function deliverUntilTaken(subscriber: Subscriber, delivery: Delivery): Promise<void> {
  try {
    await subscriber.handle([delivery])
  } catch (error) {
    if (!isSpanledgerError(error, 'store/unavailable')) throw error
    await deliverUntilTaken(subscriber, delivery)
  }
}

const plan = planFirestore()
describe.skipIf(!canRun('Firestore', plan))('on the Firestore emulator', () => {
  let emulator: Emulator
  let used = 0
  beforeAll(async () => {
    emulator = await startEmulator(plan)
  })
  afterAll(() => emulator?.stop())

  // Where two instances have read one trace, the emulator lets both wait for two seconds: few messages, and time for each of them.
  test('messages that instances take at the same time bill what they bill at once', async () => {
    await fc.assert(
      fc.asyncProperty(journeys({ twice: false }), async ({ spans, steps }) => {
        const bus = collectingBus()
        const collection = `instances${used++}`
        const open = () => {
          const firestore = new Firestore({ projectId: 'test', host: emulator.host, ssl: false })
          return createPriceSubscriber({ bus, pricer, state: openFirestoreTraceState({ firestore, collection }) })
        }
        const instances = [open(), open(), open()]
        await Promise.all(
          instances.map(async (subscriber, own) => {
            for (const { delivery, instance } of steps)
              if (instance === own) await deliverUntilTaken(subscriber, delivery)
            await subscriber.close?.()
          }),
        )
        const held = consume(bus.published)
        const expected = pricer.price(spans, { project: 'p' })
        for (const [index, { traceId, spanId }] of spans.entries())
          expect(bill(held.get(`${traceId}/${spanId}`)!)).toStrictEqual(bill(expected[index]!))
      }),
      { numRuns: 2 },
    )
  }, 180_000)
})

const openai = { 'gen_ai.provider.name': 'openai' }
const call = (spanId: string, above = {}) =>
  buildChat('gpt-4o', { input_tokens: 100 }, { spanId, ...above, attributes: openai })
const sum = (held: ReturnType<typeof consume>) =>
  held.values().reduce((total, { inputTokens }) => total + (inputTokens ?? 0), 0)

test('a call that an application and its gateway report in messages of their own is billed once, on two instances', async () => {
  const application = toDelivery([call('1')], 'application')
  const gateway = toDelivery([call('2', { parentSpanId: '1' })], 'gateway')
  for (const order of [
    [application, gateway],
    [gateway, application],
  ]) {
    const steps = order.map((delivery, instance) => ({ delivery, instance, restarted: false }))
    expect(sum(await deliver(steps))).toBe(100)
  }
})

test('a span without usage that comes alone still leads from a call to the one above it', async () => {
  const messages = [[call('1')], [buildSpan({ spanId: '2', parentSpanId: '1' })], [call('3', { parentSpanId: '2' })]]
  const steps = messages.map((spans, instance) => ({
    delivery: toDelivery(spans, `d${instance}`),
    instance,
    restarted: false,
  }))
  for (const order of [steps, steps.toReversed(), [steps[1]!, steps[0]!, steps[2]!]])
    expect(sum(await deliver(order))).toBe(100)
})
