import { batchOf, termsOf } from '../../shared/budgets/ledger.fixtures.ts'
import type { BudgetLedger } from '../../shared/budgets/ledger.ts'
import { isSpanledgerError } from '../../shared/errors.ts'
import { type ModelBudget, type Operation, ROLLING_SECONDS, TTL_MS } from './facts.ts'

/** Asks the ledger for `operation`, and says its answer in the words of the model. */
export async function ask(
  ledger: BudgetLedger,
  project: string,
  operation: Operation,
  budgets: readonly ModelBudget[],
): Promise<string> {
  switch (operation.kind) {
    case 'reserve':
      return (await ledger.reserve(requestOf(project, operation))).kind
    case 'lease': {
      const result = await ledger.lease(requestOf(project, operation))
      if (result.kind === 'denied') return 'denied'
      const { amounts, expiresAt } = result.reservation
      return `leased ${amounts.usd} until ${expiresAt}`
    }
    case 'settle':
      return (await ledger.settle(project, operation.id, { usd: operation.amount })).state
    case 'release':
      try {
        await ledger.release(project, operation.id)
        return 'released'
      } catch (error) {
        if (isSpanledgerError(error, 'store/rejected')) return 'rejected'
        throw error
      }
    case 'return':
      await ledger.returnLease(project, operation.id, { usd: operation.amount })
      return 'returned'
    case 'deliver':
      for (;;) {
        const [result] = await ledger.debit([await batchOf(ledger, project, operation.name, operation.message)])
        if (result !== 'stale') return result ?? ''
      }
    case 'limit': {
      const budget = budgets.find(({ id }) => id === operation.budget) as ModelBudget
      await putBudget(ledger, project, { ...budget, limit: operation.limit })
      return 'put'
    }
  }
}

/** Makes or changes a budget as the model has it. */
export async function putBudget(ledger: BudgetLedger, project: string, budget: ModelBudget): Promise<void> {
  const { id, user, period, zone, limit } = budget
  const selector = user === null ? {} : { user: [user] }
  const real = period === 'rolling' ? { rollingSeconds: ROLLING_SECONDS } : period
  await ledger.put(project, id, termsOf({ limit, period: real, timeZone: zone, selector, thresholds: [] }), '')
}

function requestOf(project: string, { key, user, amount }: Extract<Operation, { readonly kind: 'reserve' | 'lease' }>) {
  const amounts = { usd: amount, tokens: 1n, requests: 1n }
  return { project, idempotencyKey: key, subject: { user }, amounts, ttlMs: TTL_MS }
}
