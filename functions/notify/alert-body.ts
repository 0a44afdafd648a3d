import { createHmac } from 'node:crypto'
import { amountText } from '../../shared/budgets/amount.ts'
import type { AlertTarget } from '../../shared/budgets/budget.ts'
import type { Alert } from '../../shared/budgets/ledger.ts'
import { moneyJson } from '../../shared/http/money.ts'

/** What is posted to one target. */
export interface AlertRequest {
  readonly body: string
  readonly headers: Readonly<Record<string, string>>
}

/**
 * The request that tells `target` of `alert`. A webhook with a secret is signed: `spanledger-signature: t=SECONDS,v1=HEX`, the
 * HMAC-SHA256 of `SECONDS.BODY`; the time lets a receiver refuse what is old.
 */
export function alertRequest(alert: Alert, target: AlertTarget, now: number): AlertRequest {
  const body = JSON.stringify(target.kind === 'slack' ? { text: alertSentence(alert) } : alertJson(alert))
  const headers = {
    'content-type': 'application/json',
    'user-agent': 'spanledger',
    'spanledger-alert-id': alert.id,
  }
  if (target.secret === '' || target.kind === 'slack') return { body, headers }
  const seconds = Math.floor(now / 1000)
  const signature = createHmac('sha256', target.secret).update(`${seconds}.${body}`).digest('hex')
  return { body, headers: { ...headers, 'spanledger-signature': `t=${seconds},v1=${signature}` } }
}

/** One sentence for people. */
export function alertSentence({ budgetId, period, threshold, unit, spent, allowance, resetsAt }: Alert): string {
  const percent = Math.round(threshold * 10_000) / 100
  const reset = resetsAt === null ? '' : ` It resets at ${new Date(resetsAt).toISOString()}.`
  return (
    `Budget "${budgetId}" has reached ${percent} % (${period}): ${amountText(unit, spent)} of ` +
    `${amountText(unit, allowance)} are spent.${reset}`
  )
}

function alertJson({ id, project, budgetId, period, threshold, unit, spent, allowance, at, resetsAt }: Alert) {
  const amount = (value: bigint) => (unit === 'usd' ? moneyJson(value) : { [unit]: Number(value) })
  return {
    type: 'budget.threshold',
    id,
    project,
    budget: budgetId,
    period,
    threshold,
    spent: amount(spent),
    allowance: amount(allowance),
    at: new Date(at).toISOString(),
    resetsAt: resetsAt === null ? null : new Date(resetsAt).toISOString(),
  }
}
