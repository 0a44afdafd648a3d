import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Amounts, Unit } from '../../shared/budgets/amount.ts'
import { termsOf } from '../../shared/budgets/ledger.fixtures.ts'
import type { BudgetLedger } from '../../shared/budgets/ledger.ts'
import { openSqliteLedger } from '../../shared/budgets/sqlite-ledger.ts'
import { loadCatalogue } from '../../shared/pricing/catalogue.ts'
import { createPricer } from '../../shared/pricing/pricer.ts'
import { openSqliteTraceState } from '../../shared/pricing/sqlite-trace-state.ts'
import type { Span } from '../../shared/spans/span.ts'
import { buildChat } from '../../test/support/span.ts'
import { createBudgetSubscriber } from '../budget/handler.ts'
import { createPriceSubscriber } from './handler.ts'
import { collectingBus, toDelivery } from './test-traces.ts'

const NOW = Date.parse('2026-11-01T00:00:05Z')
const pricer = createPricer({ catalogue: await loadCatalogue() })
/** What a call of gpt-4o with 1,000 tokens in and 10 out costs. */
const COST = 1_000n * 2_500_000n + 10n * 10_000_000n
const USAGE = { input_tokens: 1_000, output_tokens: 10 }

let ledger: BudgetLedger
beforeEach(async () => {
  ledger = openSqliteLedger({ path: ':memory:', now: () => NOW })
  for (const unit of ['usd', 'tokens', 'requests'] as const) {
    await ledger.put('p', unit, termsOf({ unit, limit: 10n ** 15n, thresholds: [] }), '')
    await ledger.put('p', `asked-${unit}`, termsOf({ unit, limit: 10n ** 15n, selector: { user: ['u'] } }), '')
  }
})
afterEach(() => ledger.close())

/** Prices the messages one after another, and debits what comes of each. */
async function send(...messages: readonly (readonly Span[])[]): Promise<void> {
  const bus = collectingBus()
  const price = createPriceSubscriber({
    bus,
    pricer,
    state: openSqliteTraceState({ path: ':memory:' }),
    now: () => NOW,
  })
  const budget = createBudgetSubscriber({ ledger })
  for (const [index, spans] of messages.entries()) {
    await price.handle([toDelivery(spans, `d${index}`)])
    const published = bus.published.splice(0)
    await budget.handle(published.map((message, id) => ({ ...message, id: `${index}/${id}`, attempt: 1 })))
  }
}

async function sums(prefix: '' | 'asked-', ...units: Unit[]): Promise<string[]> {
  const all = await Promise.all(units.map((unit) => ledger.get('p', prefix + unit)))
  return all.map(({ position: { spent, reserved } }) => `${spent} + ${reserved}`)
}

const amounts = { usd: 9n * COST, tokens: 9_000n, requests: 9n }
const request = { project: 'p', idempotencyKey: 'k', subject: { user: 'u' }, amounts, ttlMs: 60_000 }
async function reserve(): Promise<string> {
  const result = await ledger.reserve(request)
  return result.kind === 'reserved' ? result.reservation.id : ''
}

const named = (id: string, operation: string) => ({
  'gen_ai.provider.name': 'openai',
  'gen_ai.operation.name': operation,
  ...(id !== '' && { 'spanledger.reservation': id }),
})
const agent = (id: string, model: string) =>
  buildChat(model, USAGE, { spanId: '1', attributes: named(id, 'invoke_agent') })
const call = (id: string) =>
  buildChat('gpt-4o', USAGE, { spanId: '2', parentSpanId: '1', attributes: named(id, 'chat') })

const settled: Amounts = { usd: 4n * COST, tokens: 700n, requests: 2n }
const orders = ['agent first', 'call first', 'together'] as const
const inOrder = (order: (typeof orders)[number], first: Span, second: Span) =>
  order === 'together' ? [[first, second]] : order === 'agent first' ? [[first], [second]] : [[second], [first]]

test.each(orders.flatMap((order) => ['gpt-4o', 'none-such'].map((model) => [order, model] as const)))(
  'an agent that names its reservation was charged what it was settled at beside what its calls cost: %s, %s',
  async (order, model) => {
    const id = await reserve()
    await ledger.settle('p', id, settled)
    await send(...inOrder(order, agent(id, model), call('')))
    expect(await sums('', 'usd', 'tokens', 'requests')).toEqual([`${COST} + 0`, '1010 + 0', '1 + 0'])
    expect((await ledger.reservation('p', id)).state).toBe('settled')
  },
)

test.each(orders)('what an agent had held stayed held once its calls had said what they cost: %s', async (order) => {
  const id = await reserve()
  await send(...inOrder(order, agent(id, 'none-such'), call('')))
  expect(await sums('', 'usd', 'tokens', 'requests')).toEqual([`${COST} + 0`, '1010 + 0', '1 + 0'])
})

test.each(orders)('a call that an agent repeats came off its lease twice: %s', async (order) => {
  const result = await ledger.lease(request)
  const id = result.kind === 'leased' ? result.reservation.id : ''
  await send(...inOrder(order, agent(id, 'gpt-4o'), call(id)))
  for (const prefix of ['', 'asked-'] as const)
    expect(await sums(prefix, 'usd', 'tokens', 'requests')).toEqual([`${COST} + ${8n * COST}`, '1010 + 7990', '1 + 8'])
})

test.each(orders)(
  'a reservation that agent and call both name is charged to who was asked, once: %s',
  async (order) => {
    const id = await reserve()
    await ledger.settle('p', id, settled)
    await send(...inOrder(order, agent(id, 'none-such'), call(id)))
    for (const prefix of ['', 'asked-'] as const)
      expect(await sums(prefix, 'usd', 'tokens', 'requests')).toEqual([`${COST} + 0`, '1010 + 0', '1 + 0'])
  },
)
