import type { Rule } from '../charge.ts'
import type { Correction, SpanSum } from '../ledger.ts'
import { raiseAlerts } from './alerts.ts'
import { type Books, post } from './books.ts'
import { exactSum, readSum } from './holds.ts'

interface Found {
  readonly ref: bigint
  readonly rule: Rule
}

/** What spans and corrections have brought to each bucket of the budget's generation. */
export function spanSums({ db }: Books, { ref, rule }: Found): SpanSum[] {
  return db
    .all(
      `SELECT bucket, ${exactSum('amount')}, sum(kind = 'corrected') AS corrections,
         max(CASE kind WHEN 'debited' THEN at ELSE 0 END) AS debited_at FROM entries
       WHERE budget = ? AND generation = ? AND kind IN ('debited', 'corrected') GROUP BY bucket`,
      ref,
      rule.budget.generation,
    )
    .map((row) => ({
      bucket: Number(row.bucket),
      amount: readSum(row),
      corrections: Number(row.corrections),
      debitedAt: Number(row.debited_at),
    }))
}

/** Corrects a bucket unless another correction has come before; returns whether it did. */
export function correct(books: Books, { ref, rule }: Found, { after, ...correction }: Correction): boolean {
  const { generation, bucket } = correction
  const row = books.db.get(
    `SELECT count(*) AS corrections FROM entries
     WHERE budget = ? AND generation = ? AND bucket = ? AND kind = 'corrected'`,
    ref,
    generation,
    bucket,
  )
  if (rule.budget.generation !== generation || Number(row?.corrections) !== after) return false
  post(books, { budget: ref, kind: 'corrected', ...correction })
  raiseAlerts(books, ref, rule, bucket)
  return true
}
