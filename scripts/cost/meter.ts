import type { Unit } from './prices.ts'

/** What is counted: what is billed by the unit, and bytes that storage is billed by. */
export type Counter =
  | Exclude<Unit, 'bigquery.byteMonths' | 'storage.byteMonths'>
  | 'bigquery.bytes'
  | 'storage.bytes'
  | 'storage.deletedBytes'
/** Amounts by counter; absent is 0. */
export type Counts = Readonly<Partial<Record<Counter, number>>>

/** Counts what adapters do, and how long a function would wait for them. */
export interface Meter {
  add(counter: Counter, amount: number): void
  /** A call to a service that takes `ms`; those made at once take as long as the longest. Resolves without the wait. */
  call(ms: number): Promise<void>
  /** Milliseconds that calls would have taken so far. */
  waitedMs(): number
  /** All counts so far. */
  counts(): Counts
}

/** A meter that has counted nothing. */
export function createMeter(): Meter {
  const counts: Partial<Record<Counter, number>> = {}
  let waited = 0
  let round: { ms: number; readonly done: Promise<void> } | undefined
  return {
    add(counter, amount) {
      counts[counter] = (counts[counter] ?? 0) + amount
    },
    call(ms) {
      if (round === undefined) {
        const done = new Promise<void>((resolve) =>
          setImmediate(() => {
            waited += round?.ms ?? 0
            round = undefined
            resolve()
          }),
        )
        round = { ms, done }
      }
      round.ms = Math.max(round.ms, ms)
      return round.done
    },
    waitedMs: () => waited,
    counts: () => ({ ...counts }),
  }
}

/** `counts` times `factor`. */
export function scale(counts: Counts, factor: number): Counts {
  return Object.fromEntries(Object.entries(counts).map(([counter, amount]) => [counter, amount * factor]))
}

/** The sum of all. */
export function sum(...all: readonly Counts[]): Counts {
  const total: Partial<Record<Counter, number>> = {}
  for (const counts of all)
    for (const [counter, amount] of Object.entries(counts) as [Counter, number][])
      total[counter] = (total[counter] ?? 0) + amount
  return total
}

/** `after` less `before`. */
export function difference(after: Counts, before: Counts): Counts {
  return sum(after, scale(before, -1))
}
