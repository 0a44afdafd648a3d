import type { KeyStore } from '../auth/key-store.ts'
import type { Books } from '../books.ts'
import type { BudgetLedger } from '../budgets/ledger.ts'
import type { PubsubBus } from '../bus/pubsub-bus.ts'
import type { PubsubOptions } from '../bus/pubsub-client.ts'
import type { PubsubSubscription } from '../bus/pubsub-names.ts'
import type { PubsubSource } from '../bus/pubsub-source.ts'
import type { Config } from '../config.ts'
import type { ObjectStore } from '../lake/object-store.ts'
import type { Catalogue } from '../pricing/catalogue.ts'
import type { PriceStore } from '../pricing/price-store.ts'
import type { TraceStateStore } from '../pricing/trace-state.ts'
import type { BigQueryOptions } from '../warehouse/bigquery/client.ts'
import type { BigQueryStoreOptions } from '../warehouse/bigquery-store.ts'
import { readForward } from '../warehouse/forward-settings.ts'
import type { SpanWriter, TraceStore } from '../warehouse/trace-store.ts'
import { requireSettings } from './google-access.ts'
import type { Platform } from './platform.ts'

type GcpConfig<Name extends keyof Config> = Pick<Config, Name>
type BigQueryConfig = GcpConfig<'SPANLEDGER_GCP_PROJECT' | 'SPANLEDGER_GCP_DATASET'> &
  Partial<GcpConfig<'SPANLEDGER_GCP_MAX_QUERY_BYTES'>>

/**
 * Google Cloud. Each adapter is a function of its own that loads its client when it is called, so that a bundle holds the clients
 * of its function alone. Emulators are found by the variables that Google's own tools set.
 */
export async function openGcpBus(
  config: GcpConfig<'SPANLEDGER_GCP_PROJECT' | 'SPANLEDGER_GCP_PREFIX'>,
): Promise<PubsubBus> {
  return (await import('../bus/pubsub-bus.ts')).openPubsubBus(pubsub(config))
}

/** A subscription that is pulled. */
export async function openGcpSource(
  config: GcpConfig<'SPANLEDGER_GCP_PROJECT' | 'SPANLEDGER_GCP_PREFIX'>,
  subscription: PubsubSubscription,
): Promise<PubsubSource> {
  return (await import('../bus/pubsub-source.ts')).openPubsubSource({ ...pubsub(config), subscription })
}

/** The keys in Firestore, and the first one of the deployment. */
export async function openGcpKeyStore(
  config: GcpConfig<'SPANLEDGER_GCP_PROJECT' | 'SPANLEDGER_GCP_DATABASE' | 'SPANLEDGER_FIRST_KEY'>,
): Promise<KeyStore> {
  const { openFirestoreKeyStore } = await import('../auth/firestore-key-store.ts')
  const { withFirstKey } = await import('../auth/first-key-store.ts')
  return withFirstKey(openFirestoreKeyStore({ firestore: await firestore(config) }), config.SPANLEDGER_FIRST_KEY)
}

export async function openGcpObjectStore(
  config: GcpConfig<'SPANLEDGER_GCP_PROJECT' | 'SPANLEDGER_GCP_BUCKET'>,
): Promise<ObjectStore> {
  const { openGcsStore } = await import('../lake/gcs-store.ts')
  const apiEndpoint = process.env.STORAGE_EMULATOR_HOST
  return openGcsStore({
    projectId: config.SPANLEDGER_GCP_PROJECT,
    bucket: config.SPANLEDGER_GCP_BUCKET,
    ...(apiEndpoint && { apiEndpoint }),
  })
}

/** Queries are refused beyond a bound if the configuration has one. */
export async function openGcpTraceStore(
  config: BigQueryConfig,
  options: Pick<BigQueryStoreOptions, 'onBilled' | 'enter'> = {},
): Promise<TraceStore> {
  const { openBigQueryStore } = await import('../warehouse/bigquery-store.ts')
  return openBigQueryStore({ ...bigquery(config), ...options })
}

/** What was taken, refused and given up, in BigQuery. */
export async function openGcpBooks(config: BigQueryConfig): Promise<Books> {
  return (await import('../warehouse/bigquery-books.ts')).openBigQueryBooks(bigquery(config))
}

/** The OTLP endpoint that gets a copy of every span. What fails is soon given back: Pub/Sub tries again for longer. */
export async function openGcpForward(
  config: GcpConfig<'SPANLEDGER_FORWARD_URL' | 'SPANLEDGER_FORWARD_HEADERS' | 'SPANLEDGER_FORWARD_PROJECTS'>,
): Promise<SpanWriter> {
  const { createForwardWriter } = await import('../warehouse/forward-writer.ts')
  return createForwardWriter({ ...readForward(config), maxAttempts: 2, maxBackoffMs: 5_000 })
}

/** What `price` remembers of traces across messages, in Firestore. */
export async function openGcpTraceState(
  config: GcpConfig<'SPANLEDGER_GCP_PROJECT' | 'SPANLEDGER_GCP_DATABASE'>,
): Promise<TraceStateStore> {
  const { openFirestoreTraceState } = await import('../pricing/firestore-trace-state.ts')
  return openFirestoreTraceState({ firestore: await firestore(config) })
}

/** Prices of one's own by project, in Firestore. */
export async function openGcpPriceStore(
  config: GcpConfig<'SPANLEDGER_GCP_PROJECT' | 'SPANLEDGER_GCP_DATABASE'>,
): Promise<PriceStore> {
  const { openFirestorePriceStore } = await import('../pricing/firestore-price-store.ts')
  return openFirestorePriceStore({ firestore: await firestore(config) })
}

/**
 * The price catalogue, with prices of one's own before it, which are up to `refreshMs` old: an instance reads a document so
 * often for each project that it prices for.
 */
export async function openGcpCatalogue(store: PriceStore, refreshMs: number): Promise<Catalogue> {
  const [{ loadCatalogue }, { createCustomCatalogue }] = await Promise.all([
    import('../pricing/catalogue.ts'),
    import('../pricing/custom-catalogue.ts'),
  ])
  return createCustomCatalogue({ base: await loadCatalogue(), store, refreshMs })
}

/** The budgets in Firestore. */
export async function openGcpBudgetLedger(
  config: GcpConfig<'SPANLEDGER_GCP_PROJECT' | 'SPANLEDGER_GCP_DATABASE'>,
): Promise<BudgetLedger> {
  const { openFirestoreLedger } = await import('../budgets/firestore-ledger.ts')
  return openFirestoreLedger({ firestore: await firestore(config) })
}

/** Everything at once, for scripts: a function opens what it needs and no more. */
export function createGcpPlatform(config: Config): Platform {
  return {
    openBus: () => openGcpBus(config),
    openTraceStore: () => openGcpTraceStore(config),
    async openObjectStore() {
      requireSettings(config, 'SPANLEDGER_GCP_BUCKET')
      return openGcpObjectStore(config)
    },
    openBudgetLedger: () => openGcpBudgetLedger(config),
    openKeyStore: () => openGcpKeyStore(config),
  }
}

function pubsub(config: GcpConfig<'SPANLEDGER_GCP_PROJECT' | 'SPANLEDGER_GCP_PREFIX'>): PubsubOptions {
  const apiEndpoint = process.env.PUBSUB_EMULATOR_HOST
  return {
    projectId: config.SPANLEDGER_GCP_PROJECT,
    prefix: config.SPANLEDGER_GCP_PREFIX,
    ...(apiEndpoint && { apiEndpoint }),
  }
}

function bigquery(config: BigQueryConfig): BigQueryOptions {
  const apiEndpoint = process.env.BIGQUERY_EMULATOR_HOST
  const { SPANLEDGER_GCP_MAX_QUERY_BYTES: maxBytesBilled } = config
  return {
    projectId: config.SPANLEDGER_GCP_PROJECT,
    dataset: config.SPANLEDGER_GCP_DATASET,
    ...(maxBytesBilled !== undefined && { maxBytesBilled }),
    ...(apiEndpoint && { apiEndpoint }),
  }
}

/** Finds FIRESTORE_EMULATOR_HOST by itself. */
async function firestore(config: GcpConfig<'SPANLEDGER_GCP_PROJECT' | 'SPANLEDGER_GCP_DATABASE'>) {
  const { Firestore } = await import('@google-cloud/firestore')
  return new Firestore({ projectId: config.SPANLEDGER_GCP_PROJECT, databaseId: config.SPANLEDGER_GCP_DATABASE })
}
