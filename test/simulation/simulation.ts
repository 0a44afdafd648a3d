import { performance } from 'node:perf_hooks'
import { type Played, playSchedule } from './schedule.ts'
import { createFirestoreWorld, createSqliteWorld, type World } from './world.ts'

/** How the world of an adapter is made, and after how many schedules anew: without indices the emulator is soon slow. */
export const ADAPTERS = {
  sqlite: { create: createSqliteWorld, schedules: 500 },
  firestore: { create: createFirestoreWorld, schedules: 50 },
} as const

export interface SimulationOptions {
  readonly adapter: keyof typeof ADAPTERS
  /** How many schedules, of the seeds from `from` on. */
  readonly schedules: number
  readonly from: number
  /** Failures after which it ends. @defaultValue 1 */
  readonly maxFailures?: number
  /** Told every so often how far it is. */
  readonly onProgress?: (report: SimulationReport) => void
}

/** What was played so far. */
export interface SimulationReport extends Played {
  readonly adapter: string
  readonly from: number
  readonly schedules: number
  readonly done: number
  readonly failures: readonly { readonly seed: number; readonly reason: string }[]
  readonly seconds: number
}

const PROGRESS_EVERY_MS = 10_000

/** Plays schedules one after another against one adapter. A seed that fails is told with its reason. */
export async function simulate(options: SimulationOptions): Promise<SimulationReport> {
  const { adapter, schedules, from, maxFailures = 1, onProgress } = options
  const started = performance.now()
  const failures: { seed: number; reason: string }[] = []
  const sums = { admitted: 0, denied: 0, contended: 0, cut: 0 }
  let done = 0
  const report = (): SimulationReport => ({
    ...{ adapter, from, schedules, done, failures, ...sums },
    seconds: Math.round((performance.now() - started) / 1_000),
  })
  let told = started
  let world: World | undefined
  try {
    for (let seed = from; seed < from + schedules && failures.length < maxFailures; seed++) {
      if (world === undefined || done % ADAPTERS[adapter].schedules === 0) {
        await world?.close()
        world = await ADAPTERS[adapter].create()
      }
      try {
        const played = await playSchedule(world, seed)
        for (const key of Object.keys(sums) as (keyof Played)[]) sums[key] += played[key]
      } catch (error) {
        failures.push({ seed, reason: error instanceof Error ? (error.stack ?? error.message) : String(error) })
      }
      done++
      if (performance.now() - told < PROGRESS_EVERY_MS) continue
      told = performance.now()
      onProgress?.(report())
    }
  } finally {
    await world?.close()
  }
  return report()
}
