/** Time zones with and without daylight saving. */
export const ZONES = ['UTC', 'Europe/Zurich', 'America/New_York', 'Australia/Lord_Howe']
/** Minutes before midnights and transitions in those zones. */
export const BEGINNINGS = [
  '2026-05-10T23:58:00Z',
  '2026-03-29T00:58:00Z',
  '2026-10-25T00:58:00Z',
  '2026-03-08T06:58:00Z',
  '2026-11-01T05:58:00Z',
  '2026-10-03T15:28:00Z',
  '2024-02-29T22:58:00Z',
]

/** What the simulation knows of a budget. */
export interface ModelBudget {
  readonly id: string
  readonly user: string | null
  readonly period: 'hour' | 'day'
  readonly zone: string
  limit: bigint
}

/** What it knows of a reservation. */
export interface ModelReservation {
  readonly id: string
  readonly budgets: readonly string[]
  readonly amount: bigint
  readonly createdAt: number
  state: 'open' | 'settled' | 'released'
  settledAt: bigint | null
  provisional: boolean
  spansCame: boolean
}

/** What it knows of a lease. */
export interface ModelLease {
  readonly budgets: readonly string[]
  readonly createdAt: number
  expiresAt: number
  granted: bigint
  used: bigint | null
  /** What spans have taken off it, by budget. */
  readonly came: Map<string, bigint>
}

/** Numbers in [0, 1) that follow from the seed (xorshift). */
export function generator(seed: number): () => number {
  let state = (Math.imul(seed + 1, 2_654_435_761) | 1) >>> 0
  return () => {
    state ^= state << 13
    state >>>= 0
    state ^= state >>> 17
    state ^= state << 5
    state >>>= 0
    return state / 2 ** 32
  }
}
