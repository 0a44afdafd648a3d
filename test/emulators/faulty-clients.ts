import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { Firestore } from '@google-cloud/firestore'
import { PubSub } from '@google-cloud/pubsub'
import { createApiKey } from '../../shared/auth/api-key.ts'
import { openFirestoreKeyStore } from '../../shared/auth/firestore-key-store.ts'
import type { ApiKey } from '../../shared/auth/key-store.ts'
import { openFirestoreLedger } from '../../shared/budgets/firestore-ledger.ts'
import { debit, NOON, termsOf } from '../../shared/budgets/ledger.fixtures.ts'
import type { BudgetLedger } from '../../shared/budgets/ledger.ts'
import { ACK, type Message } from '../../shared/bus/bus.ts'
import { openPubsubBus } from '../../shared/bus/pubsub-bus.ts'
import { openPubsubSource } from '../../shared/bus/pubsub-source.ts'
import { openGcsStore } from '../../shared/lake/gcs-store.ts'
import { openFirestorePriceStore } from '../../shared/pricing/firestore-price-store.ts'
import { openFirestoreTraceState } from '../../shared/pricing/firestore-trace-state.ts'
import { EMPTY_LEDGER } from '../../shared/spans/ledger.ts'
import { openBigQueryStore } from '../../shared/warehouse/bigquery-store.ts'
import { buildSpan } from '../support/span.ts'
import { startBigQuery } from './bigquery.ts'
import { planFirestore, planPubsub, startEmulator } from './emulator.ts'
import { startFakeStorage } from './fake-storage.ts'
import { GRPC, type GrpcFault, startGrpcProxy } from './grpc-proxy.ts'
import { createTopics, subscribe } from './messaging.ts'

/** One thing that a client does, which its caller does again, all the same, when it is told that it failed. */
export interface Deed {
  act(): Promise<unknown>
  /** What has come of it. */
  held(): Promise<unknown>
  /** What is to have come of it, once. */
  readonly expected: unknown
}

/** A client of a service that fails on cue. */
export interface FaultyClient {
  /** Makes the next `times` calls of the client's fail so. */
  inject(fault: string, times: number): void
  /** Calls since the last injection. */
  calls(): number
  /** Another deed of the same kind. */
  deed(): Promise<Deed>
}

/** What gRPC services fail with, before they do something and after. */
export const GRPC_FAULTS = ['UNAVAILABLE', 'DEADLINE_EXCEEDED', 'ABORTED', 'RESOURCE_EXHAUSTED'].flatMap((code) => [
  code,
  `${code}, though done`,
])
/** What HTTP services fail with. */
export const HTTP_FAULTS = ['429', '500', '503', 'no answer, though done']

const PROJECT = 'test'
const RETRY = { delayMs: 1, attempts: 3 }
const hex = (length: number, text: string) => createHash('sha256').update(text).digest('hex').slice(0, length)

/** Starts every service once, and gives its clients by name. */
export async function startFaultyClients() {
  const [pubsubEmulator, firestoreEmulator, bigquery, storage] = await Promise.all([
    startEmulator(planPubsub()),
    startEmulator(planFirestore()),
    startBigQuery(),
    startFakeStorage(['lake']),
  ])
  const messages = await startGrpcProxy(pubsubEmulator.host)
  const closers: (() => Promise<void>)[] = []
  const healers = [
    () => {
      messages.fault = () => undefined
      bigquery.fault = () => undefined
      storage.fault = () => undefined
    },
  ]
  const pubsub = { projectId: PROJECT, prefix: 'f', apiEndpoint: messages.host, retry: RETRY }
  const admin = new PubSub({ projectId: PROJECT, apiEndpoint: pubsubEmulator.host, emulatorMode: true })
  await Promise.all([createTopics(admin, 'f'), bigquery.createDataset(PROJECT, 'f')])
  await Promise.all([subscribe(admin, 'f', 'lake'), subscribe(admin, 'f', 'warehouse')])
  const [bus, lake, warehouse] = await Promise.all([
    openPubsubBus(pubsub),
    openPubsubSource({ ...pubsub, subscription: 'lake' }),
    openPubsubSource({ ...pubsub, subscription: 'warehouse' }),
  ])
  const rows = await openBigQueryStore({ projectId: PROJECT, dataset: 'f', apiEndpoint: bigquery.url, retry: RETRY })
  const objects = openGcsStore({ projectId: PROJECT, bucket: 'lake', apiEndpoint: storage.url, retry: RETRY })
  let used = 0

  const grpc = (proxy: typeof messages, method: string, deed: FaultyClient['deed']): FaultyClient => ({
    inject(name, times) {
      const [code = '', done] = name.split(', ')
      const fault: GrpcFault = { code: GRPC[code as keyof typeof GRPC], when: done === undefined ? 'before' : 'after' }
      let left = times
      proxy.calls.length = 0
      proxy.fault = (call) => (call.method === method && left-- > 0 ? fault : undefined)
    },
    calls: () => proxy.calls.filter((call) => call.method === method).length,
    deed() {
      proxy.fault = () => undefined
      return deed()
    },
  })
  /** A client with a connection of its own: what it was made to give up goes on behind it. */
  async function onFirestore<Store extends { close(): Promise<void> | void }>(
    method: string,
    open: (firestore: Firestore) => Store,
    deed: (store: Store) => Promise<Deed>,
  ): Promise<FaultyClient> {
    const proxy = await startGrpcProxy(firestoreEmulator.host)
    const store = open(new Firestore({ projectId: PROJECT, host: proxy.host, ssl: false }))
    closers.push(async () => {
      await store.close()
      await proxy.close()
    })
    healers.push(() => {
      proxy.fault = () => undefined
    })
    return grpc(proxy, method, () => deed(store))
  }

  const message = (): Message => {
    const digest = hex(64, `message ${used++}`)
    const attributes = { project: 'p', digest, spans: 1, ingestedAt: '1', traceparent: '' }
    return { data: Buffer.from(digest), attributes }
  }
  /** Handles all that waits in a subscription, as often as it comes. */
  async function drain(source: typeof lake, handled: Set<string>) {
    const subscriber = {
      handle: async (deliveries: readonly Message[]) => {
        for (const { attributes } of deliveries) handled.add(attributes.digest)
        return deliveries.map(() => ACK)
      },
      close: async () => {},
    }
    return source.drain({ maxMessages: 1_000, maxBytes: 1 << 26, deadline: Date.now() + 5_000, subscriber, bus })
  }

  const clients: Record<string, FaultyClient> = {
    'a publish to Pub/Sub': grpc(messages, 'Publish', async () => {
      const sent = message()
      const handled = new Set<string>()
      return {
        act: () => bus.publish('priced-spans', [sent]),
        async held() {
          await drain(lake, handled)
          return handled.has(sent.attributes.digest)
        },
        expected: true,
      }
    }),
    'an acknowledgement to Pub/Sub': grpc(messages, 'Acknowledge', async () => {
      const sent = message()
      await bus.publish('priced-spans', [sent])
      const handled = new Set<string>()
      return {
        act: () => drain(warehouse, handled),
        held: async () => [handled.has(sent.attributes.digest), await drain(warehouse, handled)],
        expected: [true, { acked: 0, nacked: 0, empty: true }],
      }
    }),
    'an insert into BigQuery': {
      inject(name, times) {
        let left = times
        bigquery.requests.length = 0
        const fault = name.startsWith('no answer') ? ('lose-answer' as const) : Number(name)
        bigquery.fault = ({ kind }) => (kind === 'insert' && left-- > 0 ? fault : undefined)
      },
      calls: () => bigquery.requests.filter(({ kind, table }) => kind === 'insert' && table === 'spans').length,
      async deed() {
        const name = `rows ${used++}`
        const ids = [1, 2, 3].map((span) => ({ traceId: hex(32, name), spanId: hex(16, `${name} ${span}`) }))
        const spans = ids.map((id) => ({ span: buildSpan(id), ledger: EMPTY_LEDGER }))
        const project = hex(16, name)
        return {
          act: () => rows.write([{ context: { project, digest: hex(64, name), ingestedAt: 1n }, spans }]),
          held: async () => [
            await rows.counts(project),
            (await rows.getTrace(project, hex(32, name), { limit: 9 })).spans.length,
          ],
          expected: [{ stored: 3n, duplicates: 0n }, 3],
        }
      },
    },
    'a put into Cloud Storage': {
      inject(name, times) {
        let left = times
        let calls = 0
        this.calls = () => calls
        storage.fault = (kind) => {
          if (kind !== 'insert') return undefined
          calls++
          if (left-- <= 0) return undefined
          return name.startsWith('no answer') ? 'lose-answer' : { status: Number(name) }
        }
      },
      calls: () => 0,
      async deed() {
        const name = `object-${used++}`
        return {
          act: () => objects.putIfAbsent(name, Buffer.from(name)),
          held: async () => Buffer.from(await objects.read(name)).toString(),
          expected: name,
        }
      },
    },
    'a key made in Firestore': await onFirestore('Commit', openKeys, async (keys) => {
      const key = makeKey()
      return { act: () => keys.create(key), held: () => keys.get(key.id), expected: key }
    }),
    'a key revoked in Firestore': await onFirestore('Commit', openKeys, async (keys) => {
      const key = makeKey()
      await keys.create(key)
      return { act: () => keys.revoke(key.id, 5), held: () => keys.get(key.id), expected: { ...key, revokedAt: 5 } }
    }),
    'a key read from Firestore': await onFirestore('BatchGetDocuments', openKeys, async (keys) => {
      const key = makeKey()
      await keys.create(key)
      return { act: () => keys.get(key.id), held: () => keys.get(key.id), expected: key }
    }),
    'prices set in Firestore': await onFirestore('Commit', openPrices, async (prices) => {
      const project = `prices-${used++}`
      const own = [{ provider: '*', model: project, prices: { input_mtok: 1 } }]
      return {
        act: () => prices.replace(project, own),
        held: async () => (await prices.get(project)).prices,
        expected: own,
      }
    }),
    'what is remembered of a trace, in Firestore': await onFirestore('Commit', openTraces, async (traces) => {
      const key = { project: 'p', traceId: hex(32, `trace ${used++}`) }
      const entry = { digest: hex(64, key.traceId), links: new Map(), usages: [], corrections: [] }
      return {
        // As `price` does: what the trace is known by already is not added again.
        act: () =>
          traces.transact([key], (known) => {
            const isKnown = known(key).some(({ digest }) => digest === entry.digest)
            return { append: isKnown ? [] : [{ ...key, entry }], result: undefined }
          }),
        held: () => traces.transact([key], (known) => ({ append: [], result: known(key) })),
        expected: [entry],
      }
    }),
    'a debit in Firestore': await onFirestore('Commit', openLedger, async (ledger) => {
      const project = await putBudget(ledger)
      const span = { trace: used, span: used, at: NOON, amounts: { usd: 5n } }
      return {
        act: () => debit(ledger, `debit ${project}`, [span], project),
        held: () => standing(ledger, project),
        expected: { spent: 5n, reserved: 0n, stored: 1n },
      }
    }),
    'a message that charges no budget, in Firestore': await onFirestore('Commit', openLedger, async (ledger) => {
      const project = `budget-${used++}`
      const span = { trace: used, span: used, at: NOON, amounts: { usd: 5n } }
      return {
        act: () => debit(ledger, `debit ${project}`, [span], project),
        held: () => ledger.counts(project),
        expected: { stored: 1n, duplicates: 0n },
      }
    }),
    'a reservation in Firestore': await onFirestore('Commit', openLedger, async (ledger) => {
      const project = await putBudget(ledger)
      const amounts = { usd: 5n, tokens: 1n, requests: 1n }
      const request = { project, idempotencyKey: 'k', subject: {}, amounts, ttlMs: 60_000 }
      return {
        act: () => ledger.reserve(request),
        held: () => standing(ledger, project),
        expected: { spent: 0n, reserved: 5n, stored: 0n },
      }
    }),
  }

  /** A project of its own, with one budget. */
  async function putBudget(ledger: BudgetLedger): Promise<string> {
    const project = `budget-${used++}`
    await ledger.put(project, 'b', termsOf(), 'test')
    return project
  }

  return {
    clients,
    bus,
    /** Bytes of each publish to Pub/Sub since the last injection. */
    published: () => messages.calls.filter(({ method }) => method === 'Publish').map(({ bytes }) => bytes),
    heal() {
      for (const heal of healers) heal()
    },
    async stop() {
      // What was given up goes on until its service answers again; Firestore's client cannot be ended under it.
      await sleep(1_500)
      await Promise.all([
        bus.close(),
        lake.close(),
        warehouse.close(),
        admin.close(),
        ...closers.map((close) => close()),
      ])
      await messages.close()
      await Promise.all([pubsubEmulator.stop(), firestoreEmulator.stop(), bigquery.close(), storage.close()])
    },
  }
}

const openKeys = (firestore: Firestore) => openFirestoreKeyStore({ firestore, deadlineMs: 400 })
const openPrices = (firestore: Firestore) => openFirestorePriceStore({ firestore, deadlineMs: 2_000 })
const openTraces = (firestore: Firestore) => openFirestoreTraceState({ firestore, deadlineMs: 2_000 })
const openLedger = (firestore: Firestore) =>
  openFirestoreLedger({ firestore, now: () => NOON, debitEveryMs: 0, deadlineMs: 1_000 })

function makeKey(): ApiKey {
  return createApiKey({ project: 'p', scopes: ['read'], name: '', now: 1 }).key
}

async function standing(ledger: BudgetLedger, project: string) {
  const { position } = await ledger.get(project, 'b')
  const { stored } = await ledger.counts(project)
  return { spent: position.spent, reserved: position.reserved, stored }
}
