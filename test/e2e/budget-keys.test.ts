import { afterEach, beforeEach, expect, test } from 'vitest'
import { createBudgetSubscriber } from '../../functions/budget/handler.ts'
import { createIngestApp } from '../../functions/ingest/handler.ts'
import { createPriceSubscriber } from '../../functions/price/handler.ts'
import { createBudgetRoutes } from '../../functions/query/budgets/routes.ts'
import type { BudgetLedger } from '../../shared/budgets/ledger.ts'
import { openSqliteLedger } from '../../shared/budgets/sqlite-ledger.ts'
import type { Bus, Delivery, Message, Topic } from '../../shared/bus/bus.ts'
import { encodeTraces } from '../../shared/otlp/encode.ts'
import { DEFAULT_LIMITS } from '../../shared/otlp/limits.ts'
import { loadCatalogue } from '../../shared/pricing/catalogue.ts'
import { createPricer } from '../../shared/pricing/pricer.ts'
import type { AttributeValue } from '../../shared/spans/attributes.ts'
import { buildSpan } from '../support/span.ts'

const NOW = Date.UTC(2026, 10, 1, 12)
const pricer = createPricer({ catalogue: await loadCatalogue() })

let topics: Map<Topic, Message[]>
let ledger: BudgetLedger

beforeEach(() => {
  topics = new Map()
  ledger = openSqliteLedger({ path: ':memory:', now: () => NOW })
})
afterEach(() => ledger.close())

const bus: Bus = {
  publish: async (topic, messages) => void topics.set(topic, [...(topics.get(topic) ?? []), ...messages]),
  close: async () => {},
}
/** The key's id is its own text here; '' is no key. */
const authenticate = async (authorization: string | null) => ({ project: 'p', keyId: authorization ?? '', scopes: [] })

function chat(spanId: string, said: Record<string, AttributeValue> = {}) {
  const attributes = { 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'gpt-4o', ...said }
  const start = '2026-11-01T11:00:00Z'
  return buildSpan({ traceId: 'a', spanId, start, attributes })
}

/** Sends one span with a key, prices and debits it. */
async function send(keyId: string, spanId: string, said: Record<string, AttributeValue> = {}): Promise<Message> {
  const ingest = createIngestApp({
    ...{ bus, authenticate, limits: DEFAULT_LIMITS, maxBodyBytes: 1_000_000 },
    now: () => BigInt(NOW) * 1_000_000n,
  })
  topics.clear()
  const response = await ingest.request('/v1/traces', {
    method: 'POST',
    body: encodeTraces([chat(spanId, said)]) as Uint8Array<ArrayBuffer>,
    headers: { 'content-type': 'application/x-protobuf', ...(keyId !== '' && { authorization: keyId }) },
  })
  expect(response.status).toBe(200)
  const deliveries = (topic: Topic) =>
    (topics.get(topic) ?? []).map((message, i): Delivery => ({ ...message, id: String(i), attempt: 1 }))
  const [sent] = deliveries('spans')
  await createPriceSubscriber({ bus, pricer }).handle(deliveries('spans'))
  const subscriber = createBudgetSubscriber({ ledger, bus })
  expect(await subscriber.handle(deliveries('priced-spans'))).toEqual([{ kind: 'ack' }])
  return sent as Message
}

function budgets(method: string, path: string, keyId: string, body?: unknown) {
  return createBudgetRoutes({ ledger, authenticate, now: () => NOW }).request(`/ledger/v1/budgets${path}`, {
    method,
    headers: { 'content-type': 'application/json', ...(keyId !== '' && { authorization: keyId }) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
}

test('a budget for API keys counts what was sent with them, whatever the spans say', async () => {
  await budgets('PUT', '/robots', 'admin', { selector: { key: ['k1', 'k2'] }, limit: { requests: 100 } })
  await budgets('PUT', '/all', 'admin', { limit: { requests: 100 } })
  await send('k1', '1')
  await send('k2', '2')
  await send('k3', '3', { 'api_key.id': 'k1', 'spanledger.key': 'k1' })
  await send('', '4')
  expect((await ledger.get('p', 'robots')).position.spent).toBe(2n)
  expect((await ledger.get('p', 'all')).position.spent).toBe(4n)
})

test('the key changes no digest, and nothing but its id travels', async () => {
  const [keyed, bare] = [await send('k1', '1'), await send('', '1')]
  expect(keyed.attributes).toEqual({ ...bare.attributes, keyId: 'k1' })
  expect(Object.hasOwn(bare.attributes, 'keyId')).toBe(false)
})

test('who asks before a call is taken to send it with the same key', async () => {
  await budgets('PUT', '/robot', 'admin', { selector: { key: 'k1' }, limit: { requests: 1 } })
  const reserve = async (keyId: string, subject: object, idempotencyKey: string) =>
    (await budgets('POST', ':reserve', keyId, { idempotencyKey, subject, amount: { requests: 1 } })).json()
  expect(await reserve('k2', {}, 'a')).toMatchObject({ budgets: [] })
  expect(await reserve('', {}, 'b')).toMatchObject({ budgets: [] })
  expect(await reserve('k1', {}, 'c')).toMatchObject({ budgets: [{ id: 'robot' }] })
  expect(await reserve('gateway', { key: 'k1' }, 'd')).toMatchObject({ code: 'budget/denied', budget: 'robot' })
  const decide = async (keyId: string, query: string) =>
    (await budgets('GET', `:decision?tokens=1${query}`, keyId)).json()
  expect(await decide('k1', '')).toMatchObject({ allowed: false, decidedBy: 'robot' })
  expect(await decide('k2', '')).toMatchObject({ allowed: true, decidedBy: null })
  expect(await decide('k2', '&key=k1')).toMatchObject({ allowed: false })
})
