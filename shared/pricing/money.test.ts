import fc from 'fast-check'
import { expect, test } from 'vitest'
import { amount, picoUsd, rate, rateFromUsd, rateText, scaleRate } from './money.ts'

test('a price per million tokens is exact from its decimal text', () => {
  expect(rateText(rateFromUsd(0.075, 1_000_000))).toBe('75000')
  expect(rateText(rateFromUsd(180, 1_000_000))).toBe('180000000')
  expect(rateText(rateFromUsd(0.0028, 1_000_000))).toBe('2800')
  expect(rateText(rateFromUsd(1e-7, 1_000_000))).toBe('0.1')
  expect(rateText(rateFromUsd(0.08333333333333334, 1_000_000))).toBe('83333.33333333334')
  expect(rateText(rateFromUsd(12, 1_000))).toBe('12000000000')
  expect(rateText(rateFromUsd('2.5e3', 1_000))).toBe('2500000000000')
  expect(rateText(rateFromUsd('25e2', 1_000))).toBe('2500000000000')
})

test('half of a price is exact', () => {
  expect(rateText(scaleRate(rateFromUsd(0.075, 1_000_000), 1n, 2n))).toBe('37500')
})

test.each([Number.NaN, Number.POSITIVE_INFINITY, -1, '', 'free', '1,5', '0x10', '1e9999'])(
  '%s is no price',
  (price) => {
    expect(() => rateFromUsd(price, 1)).toThrow('is not a price in USD')
  },
)

test('an amount is the exact product, rounded half up once', () => {
  const count = fc.integer({ min: 0, max: 1_000_000_000 })
  const part = fc.bigInt({ min: 1n, max: 10n ** 20n })
  fc.assert(
    fc.property(count, part, part, (quantity, numerator, denominator) => {
      const exact = BigInt(quantity) * numerator
      const rounded = amount(quantity, rate(numerator, denominator))
      const error = rounded * denominator - exact
      expect(error * 2n <= denominator && error * 2n > -denominator).toBe(true)
    }),
  )
})

test('a reported cost is rounded as its decimal text says', () => {
  const nearHalf = fc
    .tuple(fc.integer({ min: 0, max: 10 ** 13 }), fc.integer({ min: 485, max: 515 }))
    .map(([units, thousandths]) => Number(`${units}.${thousandths}e-12`))
  const sumOfPrices = fc.array(fc.integer({ min: 0, max: 10 ** 6 }), { maxLength: 5 }).map((parts) => {
    return parts.reduce((sum, part) => sum + part * 1.25e-6, 0)
  })
  const any = fc.double({ min: 0, max: 8_999_999, noNaN: true })
  fc.assert(
    fc.property(fc.oneof(nearHalf, sumOfPrices, any), (usd) => {
      expect(picoUsd(usd)).toBe(amount(1, rateFromUsd(usd, 1)))
    }),
    { numRuns: 1000 },
  )
})

test('half a unit of a reported cost is rounded up, where the product of doubles is just below it', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 * 10 ** 13 }), (units) => {
      const usd = Number(`${units}.5e-12`)
      expect(picoUsd(usd)).toBe(amount(1, rateFromUsd(usd, 1)))
    }),
    { numRuns: 500 },
  )
})

test('a reported cost is money, unless it cannot be', () => {
  expect(picoUsd(0.0012345)).toBe(1_234_500_000n)
  expect(picoUsd(0)).toBe(0n)
  expect(picoUsd(1e-13)).toBe(0n)
  for (const wrong of [Number.NaN, -0.5, 1e300, Number.POSITIVE_INFINITY]) expect(picoUsd(wrong)).toBeNull()
})

test('an amount in USD of a hundred thousand digits took seconds to be reduced', () => {
  expect(() => rateFromUsd(`0.${'7'.repeat(99_999)}`, 1)).toThrow('is not a price in USD')
  expect(rateFromUsd(`0.${'0'.repeat(37)}1`, 1)).toMatchObject({ numerator: 1n, denominator: 10n ** 26n })
  expect(rateFromUsd(Number.MIN_VALUE, 1).numerator).toBe(1n)
})
