import type { Hono } from 'hono'
import { createBooksSchedule } from '../../functions/books/handler.ts'
import { createBudgetSubscriber } from '../../functions/budget/handler.ts'
import { createIngestApp } from '../../functions/ingest/handler.ts'
import { createLakeSubscriber } from '../../functions/lake/handler.ts'
import { createLakeSchedule } from '../../functions/lake/schedule.ts'
import { retentionPolicy } from '../../functions/lake/settings.ts'
import { createPriceSubscriber } from '../../functions/price/handler.ts'
import { createWarehouseSubscriber } from '../../functions/warehouse/handler.ts'
import { createApiKey } from '../../shared/auth/api-key.ts'
import { openFirestoreKeyStore } from '../../shared/auth/firestore-key-store.ts'
import { createAuthenticate } from '../../shared/auth/key-authenticate.ts'
import { DEFAULT_TERMS } from '../../shared/budgets/budget.ts'
import { openFirestoreLedger } from '../../shared/budgets/firestore-ledger.ts'
import type { PubsubMessage } from '../../shared/bus/pubsub-message.ts'
import { createPushApp } from '../../shared/bus/pubsub-push.ts'
import { readConfig } from '../../shared/config.ts'
import { createCompactor } from '../../shared/lake/compactor.ts'
import { createParquetFormat } from '../../shared/lake/parquet-format.ts'
import { fileName, partitionPrefix, TRACES } from '../../shared/lake/partition.ts'
import type { Log } from '../../shared/log.ts'
import { DEFAULT_LIMITS } from '../../shared/otlp/limits.ts'
import type { FunctionName } from '../../shared/platform/functions.ts'
import { loadCatalogue } from '../../shared/pricing/catalogue.ts'
import { createCustomCatalogue } from '../../shared/pricing/custom-catalogue.ts'
import { openFirestorePriceStore } from '../../shared/pricing/firestore-price-store.ts'
import { openFirestoreTraceState } from '../../shared/pricing/firestore-trace-state.ts'
import { createPricer } from '../../shared/pricing/pricer.ts'
import { openBigQueryBooks } from '../../shared/warehouse/bigquery-books.ts'
import { openBigQueryStore } from '../../shared/warehouse/bigquery-store.ts'
import { ASSUMPTIONS, SCHEDULE, SIZING } from './assumptions.ts'
import { createCountedBus, createCountedSource, pushBody } from './counted-bus.ts'
import { createCountedFirestore, type Fields } from './counted-firestore.ts'
import { createCountedStore } from './counted-store.ts'
import { createCountedBigQuery } from './counted-warehouse.ts'
import { type Counts, createMeter, difference, scale, sum } from './meter.ts'
import { createTraffic, type Traffic } from './traffic.ts'

/** An hour's traffic, and what is there before it. */
export interface HourOptions extends Traffic {
  /** Exports in the hour, evenly spaced. */
  readonly requests: number
  /**
   * Milliseconds between them, when the hour stands for a busier one: then they come at the beginning of it as close as they do there, for what
   * is remembered for a time has to be as old, and the schedule has them as if they were spread over the hour. @defaultValue over the hour
   */
  readonly apartMs?: number
  /** Budgets of the project; each applies to every call. */
  readonly budgets: number
  /** Hours that the lake holds already, compacted. */
  readonly hoursKept: number
  /** CPU time of this process so far, in milliseconds. */
  readonly cpuMs?: () => number
}

/** What a function did in the hour. */
export interface FunctionUse {
  readonly requests: number
  readonly cpuMs: number
  readonly waitedMs: number
}

/** What one hour takes. Nothing but what a count says is rounded or scaled. */
export interface HourReport {
  /** By `ingest`, `price`, `budget` and `warehouse`, for all requests. */
  readonly messages: Counts
  /** By the scheduled runs of `lake` and `books`, with compacting the hour once it is closed. */
  readonly scheduled: Counts
  /** By the scheduled runs of an hour without spans. */
  readonly idle: Counts
  readonly functions: Readonly<Partial<Record<FunctionName, FunctionUse>>>
  /** Bytes of all exports as sent, and before compression. */
  readonly sentBytes: number
  readonly spanBytes: number
}

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const START = Date.UTC(2026, 0, 15, 12)
/** Passes of the compactor until an hour is merged, published and cleaned up. */
const PASSES = 4
/** Since the pass that looks at all there is. */
const HOURS_SINCE_WHOLE = 9

/** Runs the functions' own code on counted adapters for one hour of `options`' traffic. */
export async function measureHour(options: HourOptions): Promise<HourReport> {
  const { requests, apartMs = HOUR / Math.max(1, requests), cpuMs = processCpuMs } = options
  const meter = createMeter()
  const functions: Partial<Record<FunctionName, FunctionUse>> = {}
  let clock = START
  let scheduleClock = START

  /** One request to a function: what it takes in CPU and waiting is what it is billed for. */
  async function invoke(name: FunctionName, app: Hono, path: string, init: RequestInit): Promise<void> {
    const [cpu, waited] = [cpuMs(), meter.waitedMs()]
    const response = await app.request(path, { method: 'POST', ...init })
    await response.arrayBuffer()
    if (!response.ok) throw new Error(`${name} answered ${response.status}: ${failure}`)
    const use = { cpuMs: cpuMs() - cpu, waitedMs: meter.waitedMs() - waited }
    const { billedStepMs, cpuFactor, concurrency } = ASSUMPTIONS
    const { cpu: vcpus, gib } = SIZING[name]
    const takenMs = (use.cpuMs * cpuFactor) / Math.min(1, vcpus) + use.waitedMs
    const seconds = (Math.max(1, Math.ceil(takenMs / billedStepMs)) * billedStepMs) / 1000 / concurrency
    meter.add('run.requests', 1)
    meter.add('run.vcpuSeconds', seconds * vcpus)
    meter.add('run.gibSeconds', seconds * gib)
    meter.add('logging.bytes', ASSUMPTIONS.requestLogBytes)
    const before = functions[name] ?? { requests: 0, cpuMs: 0, waitedMs: 0 }
    functions[name] = {
      requests: before.requests + 1,
      cpuMs: before.cpuMs + use.cpuMs,
      waitedMs: before.waitedMs + use.waitedMs,
    }
  }
  /** What `work` counts. */
  async function counted(work: () => Promise<void>): Promise<Counts> {
    const before = meter.counts()
    await work()
    return difference(meter.counts(), before)
  }

  let failure = ''
  const log = countingLog((text, isFailure) => {
    meter.add('logging.bytes', Buffer.byteLength(text))
    if (isFailure) failure = text
  })
  const clocks = { now: () => clock, scheduleNow: () => scheduleClock }
  const { pipeline, lakeQueue, lake, books, token } = await deploy({ ...options, ...clocks, meter, log })
  const traffic = createTraffic(options)
  const runs = (60 / SCHEDULE.writeEveryMinutes) as number
  let sentBytes = 0
  let spanBytes = 0

  async function request(): Promise<void> {
    const { body, bytes } = traffic.next(clock)
    sentBytes += body.length
    spanBytes += bytes
    const headers = {
      authorization: `Bearer ${token}`,
      'content-type': 'application/x-protobuf',
      'content-encoding': 'gzip',
    }
    await invoke('ingest', pipeline.ingest, '/v1/traces', { body, headers })
    for (const message of pipeline.bus.take('spans'))
      await invoke('price', pipeline.price, '/', { body: pushBody(meter, message) })
    for (const message of pipeline.bus.take('priced-spans')) {
      for (const name of ['budget', 'warehouse'] as const)
        await invoke(name, pipeline[name], '/', { body: pushBody(meter, message) })
      lakeQueue.push(message)
    }
  }
  const writeLake = () => invoke('lake', lake, '/write', {})
  const compactLake = () => invoke('lake', lake, '/compact', {})
  const writeBooks = () => invoke('books', books, '/write', {})

  const idleWrite = await counted(writeLake)
  const idleBooks = await counted(writeBooks)
  const idlePass = await counted(compactLake)
  scheduleClock = START - HOURS_SINCE_WHOLE * HOUR
  // Once a day the whole lake is looked at, whether or not anything came.
  const wholePass = scale(difference(await counted(compactLake), idlePass), 1 / 24)
  let messages: Counts = {}
  let scheduled: Counts = {}
  let sent = 0
  for (let run = 1; run <= runs; run++) {
    const ends = START + run * SCHEDULE.writeEveryMinutes * MINUTE
    for (; sent < requests && START + (sent * HOUR) / requests < ends; sent++) {
      clock = START + Math.floor(sent * apartMs)
      messages = sum(messages, await counted(request))
    }
    scheduleClock = ends - 1
    scheduled = sum(scheduled, await counted(writeLake))
    if ((run * SCHEDULE.writeEveryMinutes) % SCHEDULE.booksEveryMinutes === 0)
      scheduled = sum(scheduled, await counted(writeBooks))
  }
  for (let pass = 1; pass <= PASSES; pass++) {
    scheduleClock = START + pass * HOUR + SCHEDULE.compactAtMinute * MINUTE
    scheduled = sum(scheduled, await counted(compactLake))
  }
  // Each hour has one pass, which looks after several hours that are at different stages.
  scheduled = sum(scheduled, wholePass, scale(idlePass, 1 - PASSES))
  await pipeline.close()
  return {
    messages,
    scheduled,
    idle: sum(scale(idleWrite, runs), scale(idleBooks, 60 / SCHEDULE.booksEveryMinutes), idlePass, wholePass),
    functions,
    sentBytes,
    spanBytes,
  }
}

interface Deployment extends HourOptions {
  readonly meter: ReturnType<typeof createMeter>
  readonly log: Log
  /** Of the functions that are called for each export. */
  readonly now: () => number
  /** Of those that run on a schedule. */
  readonly scheduleNow: () => number
}

/** The functions as their `index.ts` wire them, on counted adapters. What setting up takes is not counted. */
async function deploy({ meter, log, now, scheduleNow, budgets, hoursKept }: Deployment) {
  const project = 'default'
  const documents = new Map<string, Fields>()
  const setUp = createCountedFirestore(createMeter(), documents)
  const { token, key } = createApiKey({ project, scopes: ['ingest'], name: '', now: now() })
  await openFirestoreKeyStore({ firestore: setUp }).create(key)
  const ledgerBefore = openFirestoreLedger({ firestore: setUp, now })
  for (let index = 0; index < budgets; index++)
    await ledgerBefore.put(project, `budget-${index}`, { ...DEFAULT_TERMS, unit: 'usd', limit: 10n ** 15n }, '')

  const firestore = createCountedFirestore(meter, documents)
  const bus = createCountedBus(meter)
  const config = readConfig({})
  const authenticate = createAuthenticate({ keys: openFirestoreKeyStore({ firestore }), requireKeys: true, now })
  const ingest = createIngestApp({
    bus,
    authenticate,
    limits: DEFAULT_LIMITS,
    maxBodyBytes: config.SPANLEDGER_MAX_BODY_BYTES,
    now: () => BigInt(Math.floor(now())) * 1_000_000n,
    log,
  })
  const state = openFirestoreTraceState({ firestore, now })
  const prices = openFirestorePriceStore({ firestore })
  const catalogue = createCustomCatalogue({ base: await loadCatalogue(), store: prices, refreshMs: 30_000, now })
  const pricer = createPricer({ catalogue })
  const budgetSubscriber = createBudgetSubscriber({
    ledger: openFirestoreLedger({ firestore, now, debitEveryMs: 0 }),
    bus,
    log,
  })
  const price = createPushApp({
    subscription: 'price',
    subscriber: createPriceSubscriber({ bus, pricer, state, now, log }),
    bus,
    log,
  })
  const budget = createPushApp({ subscription: 'budget', subscriber: budgetSubscriber, bus, log })
  const bigquery = { client: createCountedBigQuery(meter), projectId: 'cost', dataset: 'cost' }
  const writer = await openBigQueryStore({ ...bigquery, enter: bus.enter })
  const warehouseSubscriber = createWarehouseSubscriber({ writer })
  const warehouse = createPushApp({ subscription: 'warehouse', subscriber: warehouseSubscriber, bus, log })

  const store = createCountedStore(meter, scheduleNow)
  const kept = fileName({ first: 1, last: 12, version: 1, part: 1, parts: 1 })
  for (let back = 1; back <= hoursKept; back++) store.seed(partitionPrefix(TRACES, START / HOUR - back) + kept)
  const codec = config.SPANLEDGER_LAKE_CODEC
  const format = createParquetFormat({ codec })
  const lakeQueue: PubsubMessage[] = []
  const lake = createLakeSchedule({
    source: createCountedSource(meter, () => lakeQueue.splice(0)),
    subscriber: createLakeSubscriber({ store, codec, now: scheduleNow, log }),
    compactor: createCompactor({ store, format, now: scheduleNow, log }),
    retention: { store, format, policy: retentionPolicy(config) },
    bus,
    maxBytes: config.SPANLEDGER_LAKE_FLUSH_BYTES,
    now: scheduleNow,
    log,
  })
  const books = createBooksSchedule({
    sources: [createCountedSource(meter, () => bus.take('intake')), createCountedSource(meter, () => [])],
    books: openBigQueryBooks(bigquery),
    prefix: config.SPANLEDGER_GCP_PREFIX,
    now: scheduleNow,
    log,
  })
  const close = () => budgetSubscriber.close()
  return { pipeline: { ingest, bus, price, budget, warehouse, close }, lakeQueue, lake, books, token }
}

/** Cloud Logging is billed by the bytes of what functions log. */
function countingLog(count: (text: string, isFailure: boolean) => void): Log {
  const write = (isFailure: boolean) => (fields: unknown, message?: unknown) =>
    count(JSON.stringify([fields, message], describeErrors), isFailure)
  return { debug() {}, info: write(false), warn: write(true), error: write(true) }
}

function describeErrors(_key: string, value: unknown): unknown {
  return value instanceof Error ? value.stack : value
}

function processCpuMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}
