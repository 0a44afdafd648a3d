import { expect, test } from 'vitest'
import { loadCatalogue } from '../../shared/pricing/catalogue.ts'
import { createCustomCatalogue } from '../../shared/pricing/custom-catalogue.ts'
import type { CustomPrice } from '../../shared/pricing/custom-price.ts'
import { createPricer } from '../../shared/pricing/pricer.ts'
import { firstSaid } from '../../shared/pricing/receipt.ts'
import { openSqlitePriceStore } from '../../shared/pricing/sqlite-price-store.ts'
import { openSqliteTraceState } from '../../shared/pricing/sqlite-trace-state.ts'
import { buildChat } from '../../test/support/span.ts'
import { createPriceSubscriber } from './handler.ts'
import { collectingBus, consume, toDelivery } from './test-traces.ts'

const base = await loadCatalogue()
const SPAN = { traceId: '1', spanId: '1', attributes: { 'gen_ai.operation.name': 'invoke_agent' } }

/** An agent and then its calls, at other prices each time: what is said, after each, of the agent's first cost. */
async function correct(model: string, prices: readonly (number | null)[]) {
  const store = openSqlitePriceStore(':memory:')
  let clock = 1_800_000_000_000
  const pricer = createPricer({ catalogue: createCustomCatalogue({ base, store, now: () => clock }) })
  const state = openSqliteTraceState({ path: ':memory:', now: () => clock })
  const bus = collectingBus()
  const subscriber = createPriceSubscriber({ bus, pricer, state, now: () => clock })
  const attributes = { 'gen_ai.provider.name': 'openai' }
  const said = []
  for (const [n, usd] of prices.entries()) {
    const own: CustomPrice[] = usd === null ? [] : [{ provider: '*', model: '*', prices: { input_mtok: usd } }]
    await store.replace('p', own)
    clock += 60_000
    const span =
      n === 0
        ? buildChat(model, { input_tokens: 1000 }, { ...SPAN, attributes: { ...attributes, ...SPAN.attributes } })
        : buildChat(model, { input_tokens: 100 }, { traceId: '1', spanId: `${n + 1}`, parentSpanId: '1', attributes })
    await subscriber.handle([toDelivery([span], `d${n}`)])
    const agent = [...consume(bus.published)].find(([id]) => id.endsWith('/0000000000000001'))![1]
    said.push({ first: firstSaid(agent), revision: agent.revision })
  }
  await subscriber.close()
  return said
}

test.each([
  ['house-model', [null, 2]],
  ['house-model', [2, null]],
  ['house-model', [2, 3, 4, null]],
  ['gpt-4o', [null, 2]],
  ['gpt-4o', [2, null, 3]],
  ['gpt-4o', [null, null]],
])(
  'what %s was first said to cost, at prices %j, was reckoned at those that held when it was corrected',
  async (...of) => {
    const said = await correct(...of)
    expect(said.map(({ first }) => first)).toStrictEqual(said.map(() => said[0]!.first))
    expect(said.at(-1)!.revision).toBeGreaterThan(0)
  },
)
