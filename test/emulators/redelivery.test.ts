import { createHash } from 'node:crypto'
import { Firestore } from '@google-cloud/firestore'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createBudgetSubscriber } from '../../functions/budget/handler.ts'
import { createLakeSubscriber } from '../../functions/lake/handler.ts'
import { createPriceSubscriber } from '../../functions/price/handler.ts'
import { createWarehouseSubscriber } from '../../functions/warehouse/handler.ts'
import { createRandom, requestSpans } from '../../scripts/bench/traffic.ts'
import { openFirestoreLedger } from '../../shared/budgets/firestore-ledger.ts'
import { termsOf } from '../../shared/budgets/ledger.fixtures.ts'
import { type Bus, MAX_MESSAGE_BYTES, type Message, type Subscriber } from '../../shared/bus/bus.ts'
import { openGcsStore } from '../../shared/lake/gcs-store.ts'
import { encodeTraces } from '../../shared/otlp/encode.ts'
import { loadCatalogue } from '../../shared/pricing/catalogue.ts'
import { openFirestoreTraceState } from '../../shared/pricing/firestore-trace-state.ts'
import { createPricer } from '../../shared/pricing/pricer.ts'
import type { Span } from '../../shared/spans/span.ts'
import { createBigQueryClient } from '../../shared/warehouse/bigquery/client.ts'
import { uniqueSpansView } from '../../shared/warehouse/bigquery/scope.ts'
import { openBigQueryStore } from '../../shared/warehouse/bigquery-store.ts'
import { type BigQueryDouble, startBigQuery } from './bigquery.ts'
import { canRun, type Emulator, planFirestore, startEmulator } from './emulator.ts'
import { type FakeStorage, startFakeStorage } from './fake-storage.ts'

const plan = planFirestore()
const START = Date.parse('2026-11-20T12:00:00Z')
const pricer = createPricer({ catalogue: await loadCatalogue() })
const count = (text: string) => ({ text, values: [] })

describe.skipIf(!canRun('Firestore', plan))('on the stores of Google Cloud', () => {
  let emulator: Emulator
  let bigquery: BigQueryDouble
  let storage: FakeStorage
  const clock = { now: START }

  beforeAll(async () => {
    ;[emulator, bigquery, storage] = await Promise.all([
      startEmulator(plan),
      startBigQuery(),
      startFakeStorage(['late', 'large']),
    ])
  })
  afterAll(() => Promise.all([emulator?.stop(), bigquery?.close(), storage?.close()]))

  /** All functions behind `ingest`, as instances that have just started, and what a user can read of `name`'s project. */
  async function deploy(name: string) {
    const now = () => clock.now
    const at = { projectId: 'test', dataset: name, apiEndpoint: bigquery.url }
    const connect = () => new Firestore({ projectId: 'test', host: emulator.host, ssl: false })
    const ledger = openFirestoreLedger({ firestore: connect(), prefix: name, now, debitEveryMs: 0 })
    const priced: Message[] = []
    const bus: Bus = { publish: async (_, messages) => void priced.push(...messages), close: async () => {} }
    const state = openFirestoreTraceState({ firestore: connect(), collection: `${name}-traces`, now })
    const store = await openBigQueryStore(at)
    const objects = openGcsStore({ projectId: 'test', bucket: name, apiEndpoint: storage.url })
    const price = createPriceSubscriber({ bus, pricer, state, now })
    const lake = createLakeSubscriber({ store: objects, now })
    const sinks = [createBudgetSubscriber({ ledger }), createWarehouseSubscriber({ writer: store }), lake]
    const client = createBigQueryClient(at)
    const rows = async (from: string) => (await client.query(count(`SELECT COUNT(*) AS n FROM ${from}`)))[0]!.n

    return {
      ledger,
      async deliver(messages: readonly Message[]): Promise<void> {
        await hand(price, messages)
        const waiting = priced.splice(0)
        for (const sink of sinks) await hand(sink, waiting)
      },
      rawRows: () => rows(`\`test.${name}.spans\``),
      async read() {
        const filter = { project: 'p' }
        return {
          unique: await rows(`(${uniqueSpansView(`test.${name}`)}) AS u`),
          counts: await store.counts('p'),
          usage: await store.usage({ filter, groupBy: ['model'], maxRows: 100 }),
          traces: await store.listTraces({ filter, sort: 'startTime', order: 'asc', pageSize: 100 }),
          lake: await lake.counts('p'),
          spent: (await ledger.get('p', 'all')).position.spent,
          debited: await ledger.counts('p'),
        }
      },
      async stop() {
        await Promise.all([ledger.close(), price.close(), store.close()])
      },
    }
  }

  async function hand(subscriber: Subscriber, messages: readonly Message[]): Promise<void> {
    const deliveries = messages.map((message, index) => ({ ...message, id: String(index), attempt: 1 }))
    const outcomes = await subscriber.handle(deliveries)
    expect(outcomes.filter(({ kind }) => kind !== 'ack')).toStrictEqual([])
  }

  function toMessage(spans: readonly Span[]): Message {
    const data = encodeTraces(spans)
    const digest = createHash('sha256').update(data).digest('hex')
    const ingestedAt = (BigInt(START) * 1_000_000n).toString()
    return { data, attributes: { project: 'p', digest, spans: spans.length, ingestedAt, traceparent: '' } }
  }

  test('a redelivery ten minutes later, to other instances, changes no row, no sum and no budget', async () => {
    await bigquery.createDataset('test', 'late')
    const spans = requestSpans(createRandom(3), START).slice(0, 90)
    // Cut where traces are open, so that what is kept of them is needed.
    const messages = [spans.slice(0, 37), spans.slice(37, 61), spans.slice(61)].map(toMessage)
    const first = await deploy('late')
    await first.ledger.put('p', 'all', termsOf({ limit: 10n ** 15n }), 'test')
    await first.deliver(messages)
    const before = await first.read()
    expect(before).toMatchObject({ unique: 90n, counts: { stored: 90n }, lake: { stored: 90n } })
    expect(before.spent).toBeGreaterThan(0n)
    const raw = await first.rawRows()
    await first.stop()

    clock.now = START + 10 * 60_000
    bigquery.forgetful = true
    const second = await deploy('late')
    await second.deliver(messages.toReversed())
    expect(await second.rawRows()).toBe((raw as bigint) + 90n)
    expect(await second.read()).toStrictEqual(before)
    await second.stop()
    bigquery.forgetful = false
    clock.now = START
  })

  test('a message of 8 MB passes every function, whole', async () => {
    await bigquery.createDataset('test', 'large')
    const [sample] = requestSpans(createRandom(4), START).slice(1) as [Span]
    const text = 'x'.repeat(2_090_000)
    const spans = [1, 2, 3, 4].map((id) => ({
      ...sample,
      spanId: String(id).padStart(16, '0'),
      attributes: new Map([...sample.attributes, ['gen_ai.input.messages', text]]),
    }))
    const message = toMessage(spans)
    expect(message.data.length).toBeGreaterThan(0.99 * MAX_MESSAGE_BYTES)
    expect(message.data.length).toBeLessThanOrEqual(MAX_MESSAGE_BYTES)
    const deployed = await deploy('large')
    await deployed.ledger.put('p', 'all', termsOf({ limit: 10n ** 15n }), 'test')
    await deployed.deliver([message])
    const read = await deployed.read()
    expect(read).toMatchObject({ unique: 4n, lake: { stored: 4n }, debited: { stored: 4n } })
    expect(read.spent).toBeGreaterThan(0n)
    await deployed.stop()
  })
})
