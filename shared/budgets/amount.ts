import { SpanledgerError } from '../errors.ts'

/** What a budget counts: USD in units of 1e-12, tokens, or requests (model calls). */
export const UNITS = ['usd', 'tokens', 'requests'] as const
export type Unit = (typeof UNITS)[number]

/** Amounts by unit, each in [0, 2^63); USD in units of 1e-12. A unit that is absent is not known. */
export type Amounts = { readonly [U in Unit]?: bigint }

/** The largest amount that the stores can hold: about 9.2 million USD. */
export const MAX_AMOUNT = 2n ** 63n - 1n

/** `amount` if the stores can hold it; else throws `budget/invalid`. */
export function checkAmount(amount: bigint): bigint {
  if (amount <= MAX_AMOUNT && amount >= -MAX_AMOUNT) return amount
  throw new SpanledgerError(
    'budget/invalid',
    `a sum would exceed ${MAX_AMOUNT} units; reset the budget or choose a shorter period`,
  )
}

const PICO_PER_USD = 1_000_000_000_000n

/** `amount` as people read it: `0.01 USD`, `1200 tokens`. */
export function amountText(unit: Unit, amount: bigint): string {
  if (unit !== 'usd') return `${amount} ${unit}`
  const size = amount < 0n ? -amount : amount
  const fraction = (size % PICO_PER_USD).toString().padStart(12, '0').replace(/0+$/, '')
  return `${amount < 0n ? '-' : ''}${size / PICO_PER_USD}${fraction === '' ? '' : `.${fraction}`} USD`
}
