/** What Google Cloud bills of a deployment: the units that {@link PRICES} prices and the meter counts. */
export const UNITS = [
  'run.requests',
  'run.vcpuSeconds',
  'run.gibSeconds',
  'pubsub.bytes',
  'bigquery.streamedBytes',
  'bigquery.byteMonths',
  'storage.classA',
  'storage.classB',
  'storage.byteMonths',
  'firestore.reads',
  'firestore.writes',
  'firestore.deletes',
  'logging.bytes',
  'scheduler.jobs',
  'secrets.versions',
] as const
/** One of {@link UNITS}. */
export type Unit = (typeof UNITS)[number]

/** A list price: `usd` for every `per` of the unit, a month. */
export interface Price {
  readonly label: string
  readonly usd: number
  readonly per: number
  /** Of the unit, free in each month. */
  readonly free: number
  readonly source: string
  /** When the source was read, or the date that it bears; a stored copy without a date bears the month it was read in. */
  readonly date: string
  readonly note?: string
}

const GIB = 2 ** 30
const TIB = 2 ** 40
const MIB = 2 ** 20
const DAYS = 30

const RUN = 'cloud.google.com/run/pricing, request-based billing, tier 1 regions (stored copy)'
const GCS = 'cloud.google.com/storage/pricing, us-central1, as transcribed in api-evangelist/gcp-cloud-storage'
const FIRESTORE = 'firebase.google.com/docs/firestore/pricing, us-west1 (Oregon) (stored copy)'
const FIRESTORE_NOTE =
  'one database of a project has the free quota, which is daily; a multi-region database costs twice as much, Los Angeles a fifth more'

/** Every price that is used, each with where it was read and when. None is a guess; what no source gives is not in the model. */
export const PRICES: Readonly<Record<Unit, Price>> = {
  'run.requests': { label: 'function requests', usd: 0.4, per: 1e6, free: 2e6, source: RUN, date: '2026-11' },
  'run.vcpuSeconds': {
    label: 'function vCPU-seconds',
    usd: 0.000024,
    per: 1,
    free: 180_000,
    source: RUN,
    date: '2026-11',
  },
  'run.gibSeconds': {
    label: 'function GiB-seconds',
    usd: 0.0000025,
    per: 1,
    free: 360_000,
    source: RUN,
    date: '2026-11',
  },
  'pubsub.bytes': {
    label: 'Pub/Sub bytes',
    usd: 40,
    per: TIB,
    free: 10 * GIB,
    source: 'cloud.google.com/pubsub/pricing, as transcribed in api-evangelist/google',
    date: '2026-09-20',
    note: 'published and delivered; at least 1,000 bytes a request',
  },
  'bigquery.streamedBytes': {
    label: 'BigQuery streaming inserts',
    usd: 0.01,
    per: 200 * MIB,
    free: 0,
    source: 'cloud.google.com/bigquery/pricing (stored copy)',
    date: '2026-11',
    note: 'at least 1 KB a row',
  },
  'bigquery.byteMonths': {
    label: 'BigQuery active storage, logical',
    usd: 0.02,
    per: GIB,
    free: 10 * GIB,
    source: 'cloud.google.com/bigquery/pricing (stored copy); the same in notes of 2025-08-11 at coconote.app',
    date: '2026-11',
  },
  'storage.classA': {
    label: 'Cloud Storage class A operations',
    usd: 0.005,
    per: 1000,
    free: 5000,
    source: GCS,
    date: '2026-09-20',
    note: 'free in us-east1, us-west1 and us-central1 only',
  },
  'storage.classB': {
    label: 'Cloud Storage class B operations',
    usd: 0.0004,
    per: 1000,
    free: 50_000,
    source: GCS,
    date: '2026-09-20',
    note: 'free in us-east1, us-west1 and us-central1 only',
  },
  'storage.byteMonths': {
    label: 'Cloud Storage standard storage',
    usd: 0.000027397 * 730,
    per: GIB,
    free: 5 * GIB,
    source: GCS,
    date: '2026-09-20',
    note: '$0.000027397 a GiB and hour, 730 hours; free in us-east1, us-west1 and us-central1 only',
  },
  'firestore.reads': {
    label: 'Firestore reads',
    usd: 0.03,
    per: 100_000,
    free: 50_000 * DAYS,
    source: FIRESTORE,
    date: '2026-11',
    note: FIRESTORE_NOTE,
  },
  'firestore.writes': {
    label: 'Firestore writes',
    usd: 0.09,
    per: 100_000,
    free: 20_000 * DAYS,
    source: FIRESTORE,
    date: '2026-11',
    note: FIRESTORE_NOTE,
  },
  'firestore.deletes': {
    label: 'Firestore deletes by time to live',
    usd: 0.01,
    per: 100_000,
    free: 0,
    source: FIRESTORE,
    date: '2026-11',
    note: 'these have no free quota; twice as much in a multi-region',
  },
  'logging.bytes': {
    label: 'Cloud Logging',
    usd: 0.5,
    per: GIB,
    free: 50 * GIB,
    source: 'cloud.google.com/stackdriver/pricing (stored copy)',
    date: '2026-11',
  },
  'scheduler.jobs': {
    label: 'Cloud Scheduler jobs',
    usd: 0.1,
    per: 1,
    free: 3,
    source: 'cloud.google.com/scheduler/pricing (stored copy)',
    date: '2026-11',
  },
  'secrets.versions': {
    label: 'Secret Manager versions',
    usd: 0.06,
    per: 1,
    free: 6,
    source: 'cloud.google.com/secret-manager/pricing (stored copy)',
    date: '2026-11',
  },
}
