import type { DatabaseSync } from 'node:sqlite'

interface State {
  readonly values: bigint[]
  percent: bigint
}

/**
 * Gives `database` the aggregate `nearest_rank(value, percent)`: the smallest value that at least `percent` of the values do
 * not exceed; NULL of none.
 */
export function addNearestRank(database: DatabaseSync): void {
  const options = {
    useBigIntArguments: true,
    start: (): State => ({ values: [], percent: 0n }),
    step(state: State, value: unknown, percent: unknown): State {
      if (typeof value === 'bigint') state.values.push(value)
      state.percent = percent as bigint
      return state
    },
    result({ values, percent }: State): bigint | null {
      const sorted = BigInt64Array.from(values).sort()
      return sorted[Number((BigInt(sorted.length) * percent + 99n) / 100n) - 1] ?? null
    },
  }
  // The types know only SQL values as state; the function takes any value.
  database.aggregate('nearest_rank', options as unknown as Parameters<DatabaseSync['aggregate']>[1])
}
