import { PubSub } from '@google-cloud/pubsub'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { createBooksSchedule } from '../../functions/books/handler.ts'
import { createIngestApp } from '../../functions/ingest/handler.ts'
import { createWarehouseSubscriber } from '../../functions/warehouse/handler.ts'
import { runReplay } from '../../scripts/replay.ts'
import { ACK, type Delivery, type Subscriber, type Subscription } from '../../shared/bus/bus.ts'
import type { PubsubBus } from '../../shared/bus/pubsub-bus.ts'
import { toPubsubMessage } from '../../shared/bus/pubsub-message.ts'
import { readConfig } from '../../shared/config.ts'
import type { ConservationReport } from '../../shared/conservation.ts'
import { SpanledgerError } from '../../shared/errors.ts'
import { DEFAULT_LIMITS } from '../../shared/otlp/limits.ts'
import { openGcpBooks, openGcpBus, openGcpSource, openGcpTraceStore } from '../../shared/platform/gcp.ts'
import { createGcpConservation } from '../../shared/platform/gcp-conservation.ts'
import { chatSpan, exportRequest } from '../support/otlp.ts'
import { type BigQueryDouble, startBigQuery } from './bigquery.ts'
import { canRun, type Emulator, planPubsub, startEmulator } from './emulator.ts'
import { createTopics, subscribe } from './messaging.ts'

const plan = planPubsub()
const HARD = { maxMessages: 1_000, maxBytes: 1 << 26 }

describe.skipIf(!canRun('Pub/Sub', plan))('the books on Google Cloud', () => {
  let emulator: Emulator
  let bigquery: BigQueryDouble
  let pubsub: PubSub
  let prefix = ''
  let used = 0
  let bus: PubsubBus

  const config = () =>
    readConfig({
      SPANLEDGER_PLATFORM: 'gcp',
      SPANLEDGER_GCP_PROJECT: 'test',
      SPANLEDGER_GCP_PREFIX: prefix,
      SPANLEDGER_GCP_DATASET: prefix,
    })

  beforeAll(async () => {
    ;[emulator, bigquery] = await Promise.all([startEmulator(plan), startBigQuery()])
    vi.stubEnv('PUBSUB_EMULATOR_HOST', emulator.host)
    vi.stubEnv('BIGQUERY_EMULATOR_HOST', bigquery.url)
    pubsub = new PubSub({ projectId: 'test', apiEndpoint: emulator.host, emulatorMode: true })
  })
  afterAll(async () => {
    vi.unstubAllEnvs()
    await pubsub?.close()
    await Promise.all([emulator?.stop(), bigquery?.close()])
  })
  beforeEach(async () => {
    prefix = `books${used++}`
    bigquery.fault = () => undefined
    await Promise.all([createTopics(pubsub, prefix), bigquery.createDataset('test', prefix)])
    for (const name of ['price', 'warehouse', 'budget', 'intake', 'buried', 'dead-letter'] as const)
      await subscribe(pubsub, prefix, name)
    bus = await openGcpBus(config())
    return () => bus.close()
  })

  /** Exports spans of the project `p`. */
  async function send(spans: readonly object[]): Promise<void> {
    const app = createIngestApp({
      bus,
      authenticate: async () => ({ project: 'p', keyId: '', scopes: ['ingest'] }),
      limits: DEFAULT_LIMITS,
      maxBodyBytes: 1 << 24,
      now: () => 1_700_000_000_000_000_000n,
    })
    const response = await app.request('/v1/traces', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(exportRequest(spans as ReturnType<typeof chatSpan>[])),
    })
    expect(response.status).toBe(200)
  }

  /** Lets a subscriber have what waits for it. */
  async function consume(subscription: Subscription, subscriber: Subscriber): Promise<void> {
    const source = await openGcpSource(config(), subscription)
    await source.drain({ ...HARD, deadline: Date.now() + 5_000, subscriber, bus })
    await source.close()
  }
  const subscriber = (handle: (deliveries: readonly Delivery[]) => Promise<unknown>): Subscriber => ({
    handle: async (deliveries) => {
      await handle(deliveries)
      return deliveries.map(() => ACK)
    },
    close: async () => {},
  })
  /** What `price` does, without prices. */
  const price = () =>
    consume(
      'price',
      subscriber((deliveries) => bus.publish('priced-spans', deliveries)),
    )
  const loseAll = (subscription: Subscription) =>
    consume(
      subscription,
      subscriber(async () => {}),
    )
  async function store(enter: PubsubBus['enter'] = bus.enter): Promise<void> {
    const bury: PubsubBus['bury'] = (...given) => bus.bury(...given)
    const writer = await openGcpTraceStore(config(), { enter })
    await consume(
      'warehouse',
      createWarehouseSubscriber({
        writer,
        bury: (message, reason) => bury(toPubsubMessage(message), 'warehouse', reason),
      }),
    )
  }

  /** Writes the books, and reads them. */
  async function report(): Promise<ConservationReport> {
    const sources = await Promise.all([openGcpSource(config(), 'intake'), openGcpSource(config(), 'buried')])
    const books = await openGcpBooks(config())
    const response = await createBooksSchedule({ sources, books, prefix }).request('/write', { method: 'POST' })
    expect(response.status).toBe(200)
    await Promise.all(sources.map((source) => source.close()))
    const reader = await openGcpTraceStore(config())
    return createGcpConservation({ books, sinks: { warehouse: (project) => reader.counts(project) } })('p')
  }
  const warehouse = ({ sinks }: ConservationReport) => sinks.warehouse!

  test('balance once everything is stored, whatever comes twice', async () => {
    const spans = [chatSpan(), chatSpan(), chatSpan()]
    await send(spans)
    await send(spans)
    const before = await report()
    expect(before).toMatchObject({ accepted: 3n, rejected: {}, balanced: false })
    expect(warehouse(before)).toMatchObject({ stored: 0n, inFlight: 3n })
    await price()
    await store()
    expect(await report()).toMatchObject({ accepted: 3n, balanced: true })
  })

  test('have a message for good that was stored before the warehouse crashed, once however often it is told of', async () => {
    const twice = chatSpan()
    await send([twice, twice, chatSpan()])
    await price()
    // Crashed between the rows and the record: the message is not acknowledged, and comes again.
    await store(() => Promise.reject(new SpanledgerError('bus/unavailable', 'crashed')))
    expect(warehouse(await report())).toMatchObject({ stored: 2n, duplicates: 0n, inFlight: 1n })
    // Crashed between the record and the acknowledgement.
    await store(async (entries) => {
      await bus.enter(entries)
      throw new SpanledgerError('bus/unavailable', 'crashed')
    })
    const told = await report()
    expect(warehouse(told)).toMatchObject({ stored: 2n, duplicates: 1n, inFlight: 0n })
    await store()
    expect(await report()).toStrictEqual(told)
    expect(told).toMatchObject({ accepted: 3n, balanced: true })
  })

  test('tell what was refused and why, also when nothing was taken', async () => {
    await send([chatSpan(), { ...chatSpan(), spanId: '00' }])
    await send([{ ...chatSpan(), traceId: '00' }])
    await price()
    await store()
    const rejected = { invalid_span_id: 1n, invalid_trace_id: 1n }
    expect(await report()).toMatchObject({ accepted: 1n, rejected, balanced: true })
  })

  test('show a message that was lost before every sink', async () => {
    await send([chatSpan(), chatSpan()])
    await loseAll('price')
    const lost = await report()
    expect(lost).toMatchObject({ accepted: 2n, balanced: false })
    expect(warehouse(lost)).toMatchObject({ stored: 0n, inFlight: 2n, dead: {} })
  })

  test('show a span that the warehouse refuses as given up, and as stored once it was replayed', async () => {
    await send([chatSpan(), chatSpan(), chatSpan()])
    await price()
    bigquery.fault = ({ table, rows }) => (table === 'spans' && rows > 1 ? 'refuse-row' : undefined)
    await store()
    const dead = await report()
    expect(dead).toMatchObject({ accepted: 3n, balanced: true })
    expect(warehouse(dead)).toMatchObject({ stored: 2n, inFlight: 0n, dead: { 'store: the row is invalid': 1n } })

    expect(await runReplay(['--project', 'other'], config())).toBe(
      '0 dead letters are delivered again; 1 of others wait as before',
    )
    expect(await runReplay(['--subscription', 'warehouse'], config())).toBe('1 dead letter is delivered again')
    expect(warehouse(await report())).toMatchObject({ stored: 2n, inFlight: 1n, dead: {} })
    // It is for the warehouse alone: the budget has had its span.
    const others: string[] = []
    await consume(
      'budget',
      subscriber(async (all) => others.push(...all.map(({ attributes }) => attributes.digest))),
    )
    expect(others.filter((digest) => digest.endsWith('.r0'))).toStrictEqual([])
    await store()
    expect(warehouse(await report())).toMatchObject({ stored: 3n, duplicates: 0n, inFlight: 0n, dead: {} })
    expect(await runReplay([], config())).toBe('0 dead letters are delivered again')
  })

  test('show what price gave up, and again when a replay does not help', async () => {
    await send([chatSpan()])
    const give: Subscriber = {
      handle: async (deliveries) => deliveries.map(() => ({ kind: 'dead', reason: 'no good' })),
      close: async () => {},
    }
    await consume('price', give)
    expect(warehouse(await report())).toMatchObject({ dead: { 'price: no good': 1n }, inFlight: 0n })
    expect(await runReplay([], config())).toBe('1 dead letter is delivered again')
    expect(warehouse(await report())).toMatchObject({ dead: {}, inFlight: 1n })
    await consume('price', give)
    const again = await report()
    expect(warehouse(again)).toMatchObject({ dead: { 'price: no good': 1n }, inFlight: 0n })
    expect(again.balanced).toBe(true)
  })

  test('show what Pub/Sub itself gave up, since nobody took it', async () => {
    const deadLetterPolicy = { deadLetterTopic: `projects/test/topics/${prefix}-dead-letter`, maxDeliveryAttempts: 5 }
    await pubsub.subscription(`${prefix}-price`).setMetadata({ deadLetterPolicy })
    await send([chatSpan()])
    const refuse: Subscriber = {
      handle: async (deliveries) => deliveries.map(() => ({ kind: 'retry', reason: 'never' })),
      close: async () => {},
    }
    for (let delivery = 0; delivery < 6; delivery++) await consume('price', refuse)
    const given = await report()
    expect(Object.keys(warehouse(given).dead)).toStrictEqual(['price: not taken in 5 deliveries'])
    expect(await runReplay([], config())).toBe('1 dead letter is delivered again')
    await price()
    await store()
    expect(await report()).toMatchObject({ accepted: 1n, balanced: true })
  })

  test('leave alone what Spanledger did not send, and are not stopped by it', async () => {
    await pubsub.topic(`${prefix}-dead-letter`).publishMessage({ data: Buffer.from('?'), attributes: { who: 'me' } })
    await send([chatSpan()])
    expect(await report()).toMatchObject({ accepted: 1n })
    expect(await runReplay([], config())).toBe(
      '0 dead letters are delivered again; 1 that Spanledger did not send stay where they are',
    )
  })

  test('are written by the next run when BigQuery does not answer', async () => {
    await send([chatSpan()])
    const source = await openGcpSource(config(), 'intake')
    const settle = vi.fn(source.settle)
    const books = { enter: () => Promise.reject(new Error('down')) }
    const app = createBooksSchedule({ sources: [{ ...source, settle }], books, prefix })
    expect((await app.request('/write', { method: 'POST' })).status).toBe(503)
    expect(settle).not.toHaveBeenCalled()
    await source.close()
  })
})
