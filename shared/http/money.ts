import { z } from 'zod'
import { type ErrorCode, SpanledgerError } from '../errors.ts'

/** Decimal places of the unit in which all money is counted: 1e-12 USD. */
const PICO_DIGITS = 12
const MAX_PICO_USD = 2n ** 63n - 1n
/** Longer than any exact amount: 7 digits, a point, 12 decimals, trailing zeros. */
const MAX_TEXT = 64

/** Money on the wire: `picoUsd` is exact, a decimal integer of 1e-12 USD; `usd` is the nearest double, for display. */
export const moneySchema = z.object({
  picoUsd: z
    .string()
    .regex(/^-?\d+$/)
    .meta({ description: 'exact: a decimal integer of 1e-12 USD', example: '1234500000' }),
  usd: z.number().meta({ description: 'the nearest double, for display', example: 0.0012345 }),
})
export type Money = z.infer<typeof moneySchema>

/** {@link moneySchema} of a cost, which may not be known. */
export const costSchema = z.object({
  picoUsd: moneySchema.shape.picoUsd.nullable(),
  usd: moneySchema.shape.usd.nullable(),
})

/** An amount of USD as a client sends it: a JSON number or a decimal string, exact either way. */
export const usdSchema = z
  .union([z.number(), z.string()])
  .meta({ description: 'USD, at most 12 decimals', example: '0.01' })

/** Units of 1e-12 USD as they are shown. */
export function moneyJson(picoUsd: bigint): Money {
  return { picoUsd: picoUsd.toString(), usd: picoToUsd(picoUsd) }
}

/** {@link moneyJson}, with nulls for a cost that is not known. */
export function costJson(picoUsd: bigint | null): z.infer<typeof costSchema> {
  return picoUsd === null ? { picoUsd: null, usd: null } : moneyJson(picoUsd)
}

/** The double nearest to an amount of 1e-12 USD: parsing a decimal rounds once, dividing a large integer would round twice. */
export function picoToUsd(picoUsd: bigint): number {
  return Number(`${picoUsd}e-12`)
}

/**
 * USD as 1e-12 USD, exact. A number means the shortest decimal that denotes it, so 0.1 is a tenth. Throws `code` for what is
 * no amount, is negative, has more than 12 decimals, or is 2^63 units or more.
 */
export function usdToPico(usd: number | string, code: ErrorCode = 'query/invalid'): bigint {
  const text = typeof usd === 'number' ? String(usd) : usd
  const match = text.length <= MAX_TEXT ? /^\+?(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d{1,3}))?$/.exec(text) : null
  if (match === null) {
    throw new SpanledgerError(code, 'an amount of USD is a number of 0 or more, or a decimal string such as "0.01"')
  }
  const [, whole = '', fraction = '', exponent = '0'] = match
  const digits = `${whole}${fraction}`.replace(/0+$/, '')
  const zeros = PICO_DIGITS + Number(exponent) + whole.length - digits.length
  if (digits === '') return 0n
  if (zeros < 0) throw new SpanledgerError(code, 'an amount of USD has at most 12 decimals; send a decimal string')
  const pico = BigInt(digits) * 10n ** BigInt(zeros)
  if (pico > MAX_PICO_USD) throw new SpanledgerError(code, 'an amount of USD is less than 9223372')
  return pico
}
