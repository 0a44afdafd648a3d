import { SpanledgerError } from '../../errors.ts'
import { checkAmount } from '../amount.ts'
import type { Correction, SpanSum } from '../ledger.ts'
import { raiseAlerts } from './alerts.ts'
import { bucketKey, budgetRef, decodeState, NO_SUMS, withBucket } from './documents.ts'
import { addEntry } from './entries.ts'
import { readState, type Shelf } from './project.ts'
import { save } from './reservations.ts'
import type { Workspace } from './workspace.ts'

/** What spans and corrections have brought to each bucket of the budget's generation. */
export async function spanSums({ collections }: Shelf, project: string, id: string): Promise<SpanSum[]> {
  const fields = (await budgetRef(collections, project, id).get()).data()
  if (fields === undefined) throw new SpanledgerError('budget/not-found', `there is no budget "${id}"`)
  const { budget, buckets } = decodeState(fields)
  return [...buckets].flatMap(([key, { debited, debitedAt, corrected, corrections }]) => {
    const [generation, bucket] = key.split('_').map(Number) as [number, number]
    return generation === budget.generation ? [{ bucket, amount: debited + corrected, corrections, debitedAt }] : []
  })
}

/** Corrects a bucket unless another correction has come before; returns whether it did. */
export async function correct(
  workspace: Workspace,
  shelf: Shelf,
  { project, id, correction }: { readonly project: string; readonly id: string; readonly correction: Correction },
): Promise<boolean> {
  const { after: count, generation, bucket, amount, actor, note } = correction
  const { state, rule } = await readState(workspace, shelf, project, id)
  const key = bucketKey(generation, bucket)
  const { corrections } = state.buckets.get(key) ?? NO_SUMS
  if (state.budget.generation !== generation || corrections !== count) return false
  addEntry(workspace, shelf, state.budget, { kind: 'corrected', actor, note, bucket, amount })
  const after = withBucket(state, key, (sums) => ({
    ...sums,
    spent: checkAmount(sums.spent + amount),
    corrected: sums.corrected + amount,
    corrections: corrections + 1,
  }))
  save(workspace, shelf, after)
  await raiseAlerts(workspace, shelf, { state: after, rule, start: bucket })
  return true
}
