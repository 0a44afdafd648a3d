import type { FunctionName } from '../../shared/platform/functions.ts'

/** What cannot be counted here, and is assumed instead. It is part of every report. Times in milliseconds. */
export const ASSUMPTIONS = {
  /** How long one call of a service takes; calls made at once are waited for together. A function is billed while it waits. */
  latencyMs: { pubsub: 40, bigquery: 250, firestore: 25, storage: 60 },
  /** Functions share no instance: every request is billed alone, in full steps of 100 ms. */
  concurrency: 1,
  billedStepMs: 100,
  /** A vCPU is as fast as a core of the machine that this ran on; a part of one takes as much longer. */
  cpuFactor: 1,
  /** A request that comes so long after the one before it finds no instance, and its start is billed too. */
  idleInstanceMs: 15 * 60_000,
  startMs: 1_500,
  /** What Cloud Run logs of every request by itself. */
  requestLogBytes: 1_500,
  daysPerMonth: 30,
} as const

/** vCPUs and GiB of each function, as `infra/functions.ts` deploys it. */
export const SIZING: Readonly<Record<FunctionName, { readonly cpu: number; readonly gib: number }>> = {
  ingest: { cpu: 1, gib: 1 },
  price: { cpu: 1, gib: 1 },
  budget: { cpu: 1, gib: 0.5 },
  notify: { cpu: 1, gib: 0.5 },
  warehouse: { cpu: 0.333, gib: 0.5 },
  forward: { cpu: 1, gib: 0.5 },
  lake: { cpu: 2, gib: 4 },
  books: { cpu: 1, gib: 0.5 },
  query: { cpu: 1, gib: 0.5 },
}

/**
 * As `infra/schedule.ts` has it: the writer of the lake every five minutes, that of the books every ten, the compactor once an
 * hour.
 */
export const SCHEDULE = { jobs: 3, writeEveryMinutes: 5, booksEveryMinutes: 10, compactAtMinute: 22 } as const

/** As `infra/storage.ts` has it: what is deleted is billed for a week more. */
export const SOFT_DELETE_DAYS = 7
