import { z } from '@hono/zod-openapi'
import { type Amounts, UNITS, type Unit } from '../../../shared/budgets/amount.ts'
import { isSpanledgerError } from '../../../shared/errors.ts'
import { moneyJson, moneySchema, usdSchema, usdToPico } from '../../../shared/http/money.ts'

const count = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER)

/** Amounts as clients send them: USD as a number or decimal string, or exactly as `picoUsd`. */
export const amountsInput = z
  .strictObject({
    usd: usdSchema.optional(),
    picoUsd: z
      .string()
      .regex(/^\d{1,19}$/)
      .optional()
      .meta({ description: 'USD in units of 1e-12; wins over usd' }),
    tokens: count.optional(),
    requests: count.optional(),
  })
  .transform(({ usd, picoUsd, tokens, requests }, context): Amounts => {
    try {
      const pico = picoUsd !== undefined ? usdToPico(`${picoUsd}e-12`, 'budget/invalid') : usd
      return {
        ...(pico !== undefined && { usd: typeof pico === 'bigint' ? pico : usdToPico(pico, 'budget/invalid') }),
        ...(tokens !== undefined && { tokens: BigInt(tokens) }),
        ...(requests !== undefined && { requests: BigInt(requests) }),
      }
    } catch (error) {
      if (!isSpanledgerError(error)) throw error
      const path = [picoUsd === undefined ? 'usd' : 'picoUsd']
      context.addIssue({ code: 'custom', path, message: error.message.replace(/^\w+: /, '') })
      return z.NEVER
    }
  })

/** One amount in one unit: what a limit, a grant or a cap is. */
export const amountInput = amountsInput.transform((amounts, context): { unit: Unit; amount: bigint } => {
  const given = UNITS.filter((unit) => amounts[unit] !== undefined)
  const unit = given[0]
  if (unit === undefined || given.length > 1) {
    context.addIssue({ code: 'custom', message: 'must be exactly one of {usd}, {tokens} and {requests}' })
    return z.NEVER
  }
  return { unit, amount: amounts[unit] as bigint }
})

export const amountSchema = z.union([moneySchema, z.object({ tokens: z.number() }), z.object({ requests: z.number() })])
export type AmountJson = z.infer<typeof amountSchema>

/** An amount in its budget's unit, as it is shown. */
export function amountJson(unit: Unit, amount: bigint): AmountJson {
  if (unit === 'usd') return moneyJson(amount)
  return unit === 'tokens' ? { tokens: Number(amount) } : { requests: Number(amount) }
}
