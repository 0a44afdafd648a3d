import { z } from '@hono/zod-openapi'
import { type Amounts, amountText, type Unit } from '../../../shared/budgets/amount.ts'
import type { Balance, Reservation } from '../../../shared/budgets/ledger.ts'
import { endOrNull, fits } from '../../../shared/budgets/position.ts'
import { moneyJson, moneySchema } from '../../../shared/http/money.ts'
import { problem } from '../../../shared/http/problem.ts'
import { amountJson, amountSchema } from './amount-json.ts'
import { timeJson, timeJsonOrNull } from './budget-json.ts'

const standing = z.object({ id: z.string(), remaining: amountSchema })
export const reservationSchema = z.object({
  reservationId: z.string(),
  state: z.string(),
  expiresAt: z.string(),
  budgets: z.array(standing),
  exceeded: z.array(z.string()).optional().meta({ description: 'soft budgets that it did not fit into' }),
  degraded: z.boolean().optional().meta({ description: 'let through unseen, since the ledger did not answer' }),
})

/** A reservation, as it is shown. */
export function reservationJson({ id, state, expiresAt, balances }: Reservation): z.infer<typeof reservationSchema> {
  return {
    reservationId: id,
    state,
    expiresAt: timeJson(expiresAt),
    budgets: balances.map(({ budget, position }) => ({
      id: budget.id,
      remaining: amountJson(budget.unit, position.remaining),
    })),
  }
}

export const leaseSchema = z.object({
  leaseId: z.string().meta({ description: 'what spans carry as the attribute spanledger.reservation' }),
  state: z.string(),
  granted: moneySchema.extend({ tokens: z.number(), requests: z.number() }).meta({ description: 'in all' }),
  expiresAt: z.string(),
  budgets: z.array(standing),
})

/** A lease, as it is shown. */
export function leaseJson({ id, amounts, ...reservation }: Reservation): z.infer<typeof leaseSchema> {
  const { state, expiresAt, budgets } = reservationJson({ id, amounts, ...reservation })
  const [tokens, requests] = [Number(amounts.tokens), Number(amounts.requests)]
  return { leaseId: id, state, granted: { ...moneyJson(amounts.usd), tokens, requests }, expiresAt, budgets }
}

export const decisionSchema = z.object({
  allowed: z.boolean(),
  remaining: amountSchema.nullable().meta({ description: 'of the budget that decides; null: none applies' }),
  decidedBy: z.string().nullable(),
  resetsAt: z.string().nullable(),
  detail: z.string().optional(),
  degraded: z.boolean().optional().meta({ description: 'let through unseen, since the ledger did not answer' }),
  budgets: z.array(standing.extend({ allowed: z.boolean(), mode: z.string(), resetsAt: z.string().nullable() })),
})

/** Whether a call for `amounts` would be let through, as it is shown: by the hard budget that refuses it, else by the one with the least room. */
export function decisionJson(
  balances: readonly Balance[],
  amounts: Readonly<Record<Unit, bigint>>,
): z.infer<typeof decisionSchema> {
  const judged = balances.map((balance) => ({ balance, allowed: fits(balance.position, amounts[balance.budget.unit]) }))
  const hard = judged.filter(({ balance }) => balance.budget.mode === 'hard')
  const deciding = hard.find(({ allowed }) => !allowed) ?? hard.toSorted((a, b) => room(a.balance) - room(b.balance))[0]
  const { budget, position } = deciding?.balance ?? {}
  return {
    allowed: deciding?.allowed ?? true,
    remaining: budget === undefined || position === undefined ? null : amountJson(budget.unit, position.remaining),
    decidedBy: budget?.id ?? null,
    resetsAt: position === undefined ? null : timeJsonOrNull(endOrNull(position.end)),
    ...(deciding?.allowed === false && { detail: reason(deciding.balance, amounts) }),
    budgets: judged.map(({ balance, allowed }) => ({
      id: balance.budget.id,
      mode: balance.budget.mode,
      allowed: allowed || balance.budget.mode !== 'hard',
      remaining: amountJson(balance.budget.unit, balance.position.remaining),
      resetsAt: timeJsonOrNull(endOrNull(balance.position.end)),
    })),
  }
}

/** The share of its allowance that a budget still has. */
function room({ position }: Balance): number {
  return position.allowance > 0n ? Number(position.remaining) / Number(position.allowance) : 0
}

/** 402: which budget refuses, what it allows, what is spent, and when that changes. */
export function denied(denying: readonly Balance[], amounts: Amounts): Response {
  const first = denying[0] as Balance
  const { budget, position } = first
  return problem(402, `budget: ${reason(first, amounts)}`, {
    code: 'budget/denied',
    members: {
      budget: budget.id,
      limit: amountJson(budget.unit, budget.limit),
      allowance: amountJson(budget.unit, position.allowance),
      spent: amountJson(budget.unit, position.spent),
      reserved: amountJson(budget.unit, position.reserved),
      remaining: amountJson(budget.unit, position.remaining),
      requested: amountJson(budget.unit, amounts[budget.unit] ?? 0n),
      resetsAt: timeJsonOrNull(endOrNull(position.end)),
      budgets: denying.map((balance) => balance.budget.id),
    },
  })
}

function reason({ budget, position }: Balance, amounts: Amounts): string {
  const say = (amount: bigint) => amountText(budget.unit, amount)
  const period = typeof budget.period === 'object' ? `per ${budget.period.rollingSeconds} s` : periodWord(budget.period)
  const end = timeJsonOrNull(endOrNull(position.end))
  return (
    `"${budget.id}" allows ${say(position.allowance)} ${period}; ${say(position.spent)} are spent and ` +
    `${say(position.reserved)} reserved, so ${say(amounts[budget.unit] ?? 0n)} more do not fit` +
    (end === null ? '; it never resets' : `; it resets at ${end}`)
  )
}

function periodWord(period: string): string {
  return period === 'total' ? 'in total' : `per ${period}`
}
