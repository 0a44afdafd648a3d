import { batchOf } from '../../shared/budgets/ledger.fixtures.ts'
import type { BudgetLedger } from '../../shared/budgets/ledger.ts'
import { isSpanledgerError } from '../../shared/errors.ts'
import { begun, type Operation } from './carry-out.ts'
import { TTL_MS } from './facts.ts'

/** Asks the ledger for `operation` at `now`, and says its answer in the words of the model. */
export async function ask(
  ledger: BudgetLedger,
  project: string,
  { operation, now }: { readonly operation: Operation; readonly now: number },
): Promise<string> {
  switch (operation.kind) {
    case 'reserve':
      return (await ledger.reserve(requestOf(project, operation))).kind
    case 'lease': {
      const result = await ledger.lease(requestOf(project, operation))
      if (result.kind === 'denied') return 'denied'
      const { amounts, expiresAt } = result.reservation
      return `leased ${amounts.usd} ${amounts.tokens} ${amounts.requests} until ${expiresAt}`
    }
    case 'settle':
      return (await ledger.settle(project, operation.id, { usd: operation.amount })).state
    case 'release':
      return refusal('store/rejected', 'rejected', async () => {
        await ledger.release(project, operation.id)
        return 'released'
      })
    case 'return':
      await ledger.returnLease(project, operation.id, { usd: operation.amount })
      return 'returned'
    case 'deliver':
      for (;;) {
        const [result] = await ledger.debit([await batchOf(ledger, project, operation.name, operation.message)])
        if (result !== 'stale') return result ?? ''
      }
    case 'change':
      await ledger.put(project, operation.budget, operation.terms, '')
      return 'put'
    case 'grant': {
      const { id, ...grant } = begun(operation.grant, now)
      await ledger.grant(project, operation.budget, grant, '', id)
      return 'granted'
    }
    case 'revoke':
      return refusal('budget/not-found', 'none', async () => {
        await ledger.revokeGrant(project, operation.budget, operation.grant, '')
        return 'revoked'
      })
    case 'reset':
      await ledger.reset(project, operation.budget, '', '')
      return 'reset'
  }
}

function requestOf(
  project: string,
  { key, user, amounts }: Extract<Operation, { readonly kind: 'reserve' | 'lease' }>,
) {
  return { project, idempotencyKey: key, subject: { user }, amounts, ttlMs: TTL_MS }
}

async function refusal(code: Parameters<typeof isSpanledgerError>[1], answer: string, work: () => Promise<string>) {
  try {
    return await work()
  } catch (error) {
    if (isSpanledgerError(error, code)) return answer
    throw error
  }
}
