import { SpanledgerError } from '../errors.ts'

/** Money is whole units of 1e-12 USD. */
export const PICO_USD_PER_USD = 1_000_000_000_000n

/** An exact price of one unit: `numerator / denominator` units of 1e-12 USD. */
export interface Rate {
  readonly numerator: bigint
  readonly denominator: bigint
  /** The numerator where the rate is a whole number that a double holds exactly; 0 otherwise. */
  readonly whole: number
}

/** A rate in lowest terms; both are positive, or the numerator 0. */
export function rate(numerator: bigint, denominator: bigint): Rate {
  const divisor = greatestCommonDivisor(numerator, denominator)
  const reduced = { numerator: numerator / divisor, denominator: denominator / divisor }
  const whole =
    reduced.denominator === 1n && reduced.numerator <= Number.MAX_SAFE_INTEGER ? Number(reduced.numerator) : 0
  return { ...reduced, whole }
}

/** Longest text of an amount in USD: to reduce a fraction of a hundred thousand digits takes seconds. */
export const MAX_USD_LENGTH = 40

/**
 * Price of one unit when `per` units cost `usd`, from the decimal text of the number: 0.075 USD per million is exactly
 * 75,000 units of 1e-12 USD. Throws `pricing/invalid` unless it is a finite number of at least 0, in at most
 * {@link MAX_USD_LENGTH} characters.
 */
export function rateFromUsd(usd: number | string, per: number): Rate {
  const text = String(usd)
  const match = text.length > MAX_USD_LENGTH ? null : /^(\d+)(?:\.(\d+))?(?:e([+-]?\d{1,3}))?$/.exec(text)
  if (match === null)
    throw new SpanledgerError('pricing/invalid', `${text.slice(0, MAX_USD_LENGTH)} is not a price in USD`)
  const [, whole = '', fraction = '', exponent = '0'] = match
  const power = Number(exponent) - fraction.length
  const digits = BigInt(whole + fraction) * PICO_USD_PER_USD
  return power >= 0
    ? rate(digits * 10n ** BigInt(power), BigInt(per))
    : rate(digits, BigInt(per) * 10n ** BigInt(-power))
}

/** `rate` times a fraction, exact: half of it for a batch. */
export function scaleRate({ numerator, denominator }: Rate, times: bigint, over: bigint): Rate {
  return rate(numerator * times, denominator * over)
}

/**
 * What `quantity` units cost: rounded half up to a whole unit of 1e-12 USD, once. Exact as long as the rate is whole,
 * which all but a handful of the catalogue's are.
 */
export function amount(quantity: number, price: Rate): bigint {
  if (price.whole > 0) {
    const product = quantity * price.whole
    if (product <= Number.MAX_SAFE_INTEGER) return BigInt(product)
  }
  const { numerator, denominator } = price
  return (BigInt(quantity) * numerator * 2n + denominator) / (denominator * 2n)
}

/** A rate as decimal text in 1e-12 USD, exact where it ends within 20 digits: `75000`, `83333.33333333334`. */
export function rateText({ numerator, denominator }: Rate): string {
  const whole = numerator / denominator
  let rest = numerator % denominator
  let fraction = ''
  while (rest > 0n && fraction.length < 20) {
    rest *= 10n
    fraction += rest / denominator
    rest %= denominator
  }
  return fraction === '' ? whole.toString() : `${whole}.${fraction}`
}

/** A reported amount in USD as money, rounded half up; null unless it is in [0, 2^63) units. */
export function picoUsd(usd: number): bigint | null {
  if (!(usd >= 0 && usd < 9_000_000)) return null
  const units = usd * 1e12
  // Below 20 USD the product of doubles is off by less than 0.005, which changes no rounding but those near a half.
  if (usd < 20 && Math.abs((units % 1) - 0.5) > 0.01) return BigInt(Math.round(units))
  return amount(1, rateFromUsd(usd, 1))
}

function greatestCommonDivisor(a: bigint, b: bigint): bigint {
  while (b > 0n) [a, b] = [b, a % b]
  return a === 0n ? 1n : a
}
