import { createHash } from 'node:crypto'
import type { Amounts } from './amount.ts'
import { type BudgetTerms, DEFAULT_TERMS } from './budget.ts'
import { type Charge, chargeTo, type ReservedSpan } from './charge.ts'
import type { BudgetLedger, DebitBatch, DebitResult } from './ledger.ts'

/** 2026-05-10T12:00:00Z. */
export const NOON = Date.UTC(2026, 4, 10, 12)

/** A budget's terms: 1000 units of USD a day, for everything. */
export function termsOf(changes: Partial<BudgetTerms> = {}): BudgetTerms {
  return { ...DEFAULT_TERMS, unit: 'usd', limit: 1_000n, period: 'day', ...changes }
}

export function digestOf(name: string): string {
  return createHash('sha256').update(name).digest('hex')
}

export interface TestSpan {
  readonly trace: number
  readonly span: number
  readonly at: number
  readonly amounts: Amounts
  readonly reservation?: string
  /** 0 unless given; a correction's is higher. */
  readonly revision?: number
  /** Budgets whose selector matches; all if absent. */
  readonly matches?: readonly string[]
}

/** A message that holds `spans`, by the rules of the moment. */
export async function batchOf(
  ledger: BudgetLedger,
  project: string,
  name: string,
  spans: readonly TestSpan[],
): Promise<DebitBatch> {
  const { rules, revision } = await ledger.rules(project)
  const charges: Charge[] = []
  const reserved: ReservedSpan[] = []
  for (const { trace, span, at, amounts, reservation, matches, revision = 0 } of spans) {
    const ids = {
      traceId: trace.toString(16).padStart(32, '0'),
      spanId: span.toString(16).padStart(16, '0'),
      at,
      amounts,
      revision,
    }
    if (reservation !== undefined) reserved.push({ ...ids, reservationId: reservation })
    for (const { budget, calendar } of rules) {
      const matched = matches === undefined || matches.includes(budget.id)
      if (matched || revision > 0) charges.push(chargeTo(budget, calendar, ids, matched))
    }
  }
  return { project, digest: digestOf(name), spans: spans.length, revision, charges, reserved, samples: [] }
}

/** Debits one message with these spans. */
export async function debit(
  ledger: BudgetLedger,
  name: string,
  spans: readonly TestSpan[],
  project = 'p',
): Promise<DebitResult | undefined> {
  return (await ledger.debit([await batchOf(ledger, project, name, spans)]))[0]
}
