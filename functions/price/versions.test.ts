import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Claimed, joinClaims } from '../../shared/budgets/claim.ts'
import type { Delivery } from '../../shared/bus/bus.ts'
import { decodeBatch } from '../../shared/otlp/batch.ts'
import { loadCatalogue } from '../../shared/pricing/catalogue.ts'
import { createPricer } from '../../shared/pricing/pricer.ts'
import { firstSaid } from '../../shared/pricing/receipt.ts'
import { openSqliteTraceState } from '../../shared/pricing/sqlite-trace-state.ts'
import type { Span } from '../../shared/spans/span.ts'
import { openSqliteStore } from '../../shared/warehouse/sqlite-store.ts'
import { buildChat } from '../../test/support/span.ts'
import { createPriceSubscriber } from './handler.ts'
import { collectingBus, toDelivery } from './test-traces.ts'

const pricer = createPricer({ catalogue: await loadCatalogue() })

interface Version {
  readonly spanId?: number
  readonly parent?: number
  readonly model?: string
  readonly input: number
  /** Milliseconds after its start. */
  readonly end: number
}

function version({ spanId = 1, parent = 0, model = 'gpt-4o', input, end }: Version): Span {
  const attributes = { 'gen_ai.provider.name': 'openai' }
  const place = { traceId: '1', spanId: `${spanId}`, ...(parent > 0 && { parentSpanId: `${parent}` }) }
  const span = buildChat(model, { input_tokens: input * 100 }, { ...place, attributes })
  return { ...span, endTimeUnixNano: span.startTimeUnixNano + BigInt(end) * 1_000_000n }
}

/** What is stored in the end, and what a budget has been told of each span. */
async function deliver(deliveries: readonly Delivery[]) {
  const bus = collectingBus()
  let clock = 1_800_000_000_000
  const state = openSqliteTraceState({ path: ':memory:', now: () => clock })
  const subscriber = createPriceSubscriber({ bus, pricer, state, now: () => clock++ })
  for (const delivery of deliveries) await subscriber.handle([delivery])
  await subscriber.close?.()
  const store = await openSqliteStore({ path: ':memory:' })
  const claims = new Map<string, Claimed>()
  for (const message of bus.published) {
    const batch = decodeBatch({ ...message, id: '1', attempt: 1 })
    await store.write([batch])
    for (const { span, ledger } of [...batch.spans, ...(batch.corrections ?? [])]) {
      const claim = { revision: ledger.revision, value: ledger.costPicoUsd ?? 0n, matched: true }
      claims.set(span.spanId, joinClaims(claims.get(span.spanId), claim))
    }
  }
  const { items } = await store.listSpans({ filter: { project: 'p' }, sort: 'startTime', order: 'asc', pageSize: 99 })
  await store.close()
  return { items, claims, published: bus.published }
}

const anyVersion = fc.record({
  spanId: fc.integer({ min: 1, max: 3 }),
  model: fc.constantFrom('gpt-4o', 'gpt-4o-mini'),
  input: fc.nat({ max: 3 }),
  end: fc.nat({ max: 3 }),
})

test('a span that came twice with other counts cost what the version said that is not stored', async () => {
  const journeys = fc
    .array(fc.tuple(anyVersion, fc.nat({ max: 3 })), { minLength: 1, maxLength: 8 })
    .map((all) => Map.groupBy(all, ([, cut]) => cut))
    .map((parts) =>
      Array.from(parts, ([cut, part]) =>
        toDelivery(
          part.map(([said]) => version({ ...said, parent: said.spanId - 1 })),
          `d${cut}`,
        ),
      ),
    )
    .chain((all) => fc.shuffledSubarray([...all, ...all], { minLength: 2 * all.length }))
  await fc.assert(
    fc.asyncProperty(journeys, async (twice) => {
      const { items, claims, published } = await deliver(twice)
      const spans = items.map(({ span }) => span)
      for (const [index, { costPicoUsd }] of pricer.price(spans, { project: 'p' }).entries()) {
        expect(items[index]!.ledger.costPicoUsd).toBe(costPicoUsd)
        expect(claims.get(spans[index]!.spanId)!.value).toBe(costPicoUsd ?? 0n)
      }
      for (const same of Map.groupBy(published, ({ attributes }) => attributes.digest).values())
        for (const message of same) expect(message).toStrictEqual(same[0])
    }),
    { numRuns: 200 },
  )
})

test('what a span was first said to cost was what its second version cost', async () => {
  const versions = [version({ input: 1, end: 1 }), version({ input: 2, end: 2 }), version({ input: 3, end: 3 })]
  const deliveries = versions.map((span, index) => toDelivery([span], `d${index}`))
  for (const count of [2, 3]) {
    const { items } = await deliver(deliveries.slice(0, count))
    expect(items[0]!.ledger.costPicoUsd).toBe(BigInt(count) * 100n * 2_500_000n)
    expect(firstSaid(items[0]!.ledger).total).toBe((100n * 2_500_000n).toString())
  }
})
