import { afterEach, beforeEach, describe } from 'vitest'
import type { BudgetTerms } from './budget.ts'
import { NOON, termsOf } from './ledger.fixtures.ts'
import type { BudgetLedger, ReserveResult } from './ledger.ts'
import type { Position } from './position.ts'
import type { Subject } from './selector.ts'

export interface SuiteOptions {
  /** A ledger with nothing in it, whose clock is `now`. */
  readonly open: (now: () => number) => Promise<BudgetLedger>
}

/** The ledger of the test that is running, its clock, and what is asked of it most. */
export interface LedgerUnderTest {
  readonly ledger: BudgetLedger
  /** Begins at {@link NOON}. */
  now: number
  put(id: string, changes?: Partial<BudgetTerms>): ReturnType<BudgetLedger['put']>
  position(id?: string, project?: string): Promise<Position>
  /** For a minute, with 10 tokens and a request. */
  reserve(key: string, usd: bigint, subject?: Subject): Promise<ReserveResult>
}

/** Describes what a ledger does: each test has one of its own, in which project `p` has no budget yet. */
export function describeLedger(title: string, { open }: SuiteOptions, tests: (own: LedgerUnderTest) => void): void {
  describe(title, () => {
    let ledger: BudgetLedger
    const own: LedgerUnderTest = {
      get ledger() {
        return ledger
      },
      now: NOON,
      put: (id, changes = {}) => ledger.put('p', id, termsOf(changes), 'admin'),
      position: async (id = 'b', project = 'p') => (await ledger.get(project, id)).position,
      reserve: (key, usd, subject = {}) =>
        ledger.reserve({
          ...{ project: 'p', idempotencyKey: key, subject, ttlMs: 60_000 },
          amounts: { usd, tokens: 10n, requests: 1n },
        }),
    }
    beforeEach(async () => {
      own.now = NOON
      ledger = await open(() => own.now)
    })
    afterEach(() => ledger.close())
    tests(own)
  })
}
