import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { alertFromMessage } from '../../shared/budgets/alert-message.ts'
import { termsOf } from '../../shared/budgets/ledger.fixtures.ts'
import { openSqliteLedger } from '../../shared/budgets/sqlite-ledger.ts'
import type { Bus, Delivery, Message } from '../../shared/bus/bus.ts'
import { SpanledgerError } from '../../shared/errors.ts'
import { encodeTraces } from '../../shared/otlp/encode.ts'
import type { AttributeValue } from '../../shared/spans/attributes.ts'
import { EMPTY_LEDGER, type Ledger, ledgerAttributes } from '../../shared/spans/ledger.ts'
import { buildSpan } from '../../test/support/span.ts'
import { createBudgetSubscriber } from './handler.ts'

const NOW = Date.UTC(2026, 10, 1, 12)
let count = 0

function deliver(
  ledgers: readonly Partial<Ledger>[],
  options: { project?: string; reservation?: string } = {},
): Delivery {
  const { project = 'p', reservation } = options
  const spans = ledgers.map((ledger) => {
    const span = buildSpan({ traceId: 'a', spanId: (++count).toString(16), start: '2026-11-01T10:00:00Z' })
    const priced = { ...EMPTY_LEDGER, operation: 'chat', model: 'm', costStatus: 'priced' as const, ...ledger }
    const attributes = new Map<string, AttributeValue>(ledgerAttributes(priced))
    if (reservation !== undefined) attributes.set('spanledger.reservation', reservation)
    return { ...span, attributes }
  })
  const data = encodeTraces(spans)
  const digest = createHash('sha256').update(project).update(data).digest('hex')
  return {
    id: digest,
    attempt: 1,
    data,
    attributes: { project, digest, spans: spans.length, ingestedAt: '1', traceparent: '' },
  }
}

function setUp() {
  const ledger = openSqliteLedger({ path: ':memory:', now: () => NOW })
  const published: Message[] = []
  const bus: Bus = {
    publish: async (topic, messages) => {
      expect(topic).toBe('budget-alerts')
      published.push(...messages)
    },
    close: async () => {},
  }
  return { ledger, published, subscriber: createBudgetSubscriber({ ledger, bus }) }
}

test('priced spans debit what their budgets select; what spends nothing is counted and not charged', async () => {
  const { ledger, subscriber } = setUp()
  await ledger.put('p', 'ada', termsOf({ selector: { user: ['ada'] } }), '')
  await ledger.put('p', 'tokens', termsOf({ unit: 'tokens', limit: 1_000n }), '')
  await ledger.put('p', 'calls', termsOf({ unit: 'requests', limit: 1_000n }), '')
  const message = deliver([
    { userId: 'ada', costPicoUsd: 5n, inputTokens: 10, outputTokens: 2 },
    { userId: 'bo', costPicoUsd: 7n, totalTokens: 3 },
    { userId: 'ada', operation: 'invoke_agent', costStatus: 'rollup', costPicoUsd: 12n, totalTokens: 15 },
    { userId: 'ada', operation: 'execute_tool', costStatus: 'no_usage' },
    { userId: 'ada', costStatus: 'unpriced', totalTokens: 4 },
  ])
  expect(await subscriber.handle([message, message])).toEqual([{ kind: 'ack' }, { kind: 'ack' }])
  expect(await subscriber.handle([message])).toEqual([{ kind: 'ack' }])
  expect((await ledger.get('p', 'ada')).position).toMatchObject({ spent: 5n, unknown: 1 })
  expect((await ledger.get('p', 'tokens')).position).toMatchObject({ spent: 19n, unknown: 0 })
  expect((await ledger.get('p', 'calls')).position).toMatchObject({ spent: 3n })
  expect(await ledger.counts('p')).toEqual({ stored: 5n, duplicates: 0n })
  await subscriber.close()
})

test('a span settles the reservation that it names', async () => {
  const { ledger, subscriber } = setUp()
  await ledger.put('p', 'b', termsOf(), '')
  const result = await ledger.reserve({
    project: 'p',
    idempotencyKey: 'k',
    subject: {},
    amounts: { usd: 100n, tokens: 0n, requests: 1n },
    ttlMs: 60_000,
  })
  const reservation = result.kind === 'reserved' ? result.reservation.id : ''
  await subscriber.handle([deliver([{ costPicoUsd: 40n }], { reservation })])
  expect((await ledger.get('p', 'b')).position).toMatchObject({ spent: 40n, reserved: 0n })
  await subscriber.close()
})

test('a correction takes back what a span that repeats its children was charged', async () => {
  const { ledger, subscriber } = setUp()
  await ledger.put('p', 'b', termsOf({ selector: { attributes: { tenant: ['t'] } } }), '')
  await ledger.put('p', 'all', termsOf(), '')
  const charge = deliver([{ costPicoUsd: 40n }])
  const id = count.toString(16)
  await subscriber.handle([charge])
  const span = buildSpan({ traceId: 'a', spanId: id, start: '2026-11-01T10:00:00Z' })
  const attributes = ledgerAttributes({ ...EMPTY_LEDGER, operation: 'invoke_agent', costStatus: 'rollup', revision: 9 })
  const data = encodeTraces([{ ...span, attributes }])
  const digest = `${charge.attributes.digest}.c0`
  await subscriber.handle([{ ...charge, data, attributes: { ...charge.attributes, digest, spans: 0 } }])
  expect((await ledger.get('p', 'all')).position.spent).toBe(0n)
  expect((await ledger.get('p', 'b')).position.spent).toBe(0n)
  expect((await ledger.counts('p')).stored).toBe(1n)
  await subscriber.close()
})

test('budgets are read once, and again when they have changed: the next message is charged to what is there then', async () => {
  const { ledger } = setUp()
  let reads = 0
  const rules: typeof ledger.rules = (project) => {
    reads++
    return ledger.rules(project)
  }
  const subscriber = createBudgetSubscriber({ ledger: { ...ledger, rules } })
  await ledger.put('p', 'b', termsOf(), '')
  for (let i = 0; i < 3; i++) await subscriber.handle([deliver([{ costPicoUsd: 1n }])])
  expect(reads).toBe(1)
  await ledger.put('p', 'later', termsOf(), '')
  await subscriber.handle([deliver([{ costPicoUsd: 1n }]), deliver([{ costPicoUsd: 1n }])])
  expect(reads).toBe(2)
  await ledger.delete('p', 'b', '')
  await subscriber.handle([deliver([{ costPicoUsd: 1n }])])
  expect((await ledger.get('p', 'later')).position.spent).toBe(3n)
  await subscriber.close()
})

test('thresholds go to the bus once, as OTLP', async () => {
  const { ledger, published, subscriber } = setUp()
  await ledger.put('p', 'b', termsOf({ limit: 100n, thresholds: [0.5, 1] }), '')
  await subscriber.handle([deliver([{ costPicoUsd: 60n }])])
  await subscriber.handle([deliver([{ costPicoUsd: 60n }])])
  const alerts = published.map((message) => alertFromMessage({ id: '', attempt: 1, ...message }))
  expect(alerts.map(({ threshold, spent }) => [threshold, spent])).toEqual([
    [0.5, 60n],
    [1, 120n],
  ])
  await subscriber.close()
})

test('alerts that could not be published wait', async () => {
  const { ledger, published } = setUp()
  let down = true
  const publish: Bus['publish'] = async (_, messages) => {
    if (down) throw new SpanledgerError('bus/unavailable', 'down')
    published.push(...messages)
  }
  const subscriber = createBudgetSubscriber({ ledger, bus: { publish, close: async () => {} } })
  await ledger.put('p', 'b', termsOf({ limit: 100n, thresholds: [1] }), '')
  expect(await subscriber.handle([deliver([{ costPicoUsd: 100n }])])).toEqual([{ kind: 'ack' }])
  down = false
  await subscriber.handle([])
  expect(published).toHaveLength(1)
  await subscriber.close()
})

test('a message that cannot be read, or would overflow, is dead-lettered alone', async () => {
  const { ledger, subscriber } = setUp()
  await ledger.put('p', 'b', termsOf({ thresholds: [] }), '')
  const broken = { ...deliver([{ costPicoUsd: 1n }]), data: new Uint8Array([0xff, 0xff]) }
  const huge = () => deliver([{ costPicoUsd: 2n ** 62n }])
  const outcomes = await subscriber.handle([
    deliver([{ costPicoUsd: 1n }]),
    broken,
    huge(),
    huge(),
    deliver([{ costPicoUsd: 2n }]),
  ])
  expect(outcomes.map(({ kind }) => kind)).toEqual(['ack', 'dead', 'ack', 'dead', 'ack'])
  expect((await ledger.get('p', 'b')).position.spent).toBe(3n + 2n ** 62n)
  expect((await ledger.counts('p')).stored).toBe(3n)
  await subscriber.close()
})

test('while the ledger does not answer all messages wait, and none is blamed', async () => {
  const { ledger } = setUp()
  const down = async () => {
    throw new SpanledgerError('store/unavailable', 'down')
  }
  const subscriber = createBudgetSubscriber({ ledger: { ...ledger, debit: down } })
  const outcomes = await subscriber.handle([deliver([{}]), deliver([{}])])
  expect(outcomes).toMatchObject([
    { kind: 'retry', blameless: true },
    { kind: 'retry', blameless: true },
  ])
  await subscriber.close()
})
