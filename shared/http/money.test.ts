import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { moneyJson, picoToUsd, usdToPico } from './money.ts'

const pico = fc.bigInt({ min: 0n, max: 2n ** 63n - 1n })

/** By hand: the decimal that denotes `amount` units of 1e-12. */
function decimal(amount: bigint): string {
  const digits = amount.toString().padStart(13, '0')
  return `${digits.slice(0, -12)}.${digits.slice(-12)}`
}

test('every amount comes back from its decimal text exactly', () => {
  fc.assert(
    fc.property(pico, (amount) => {
      expect(usdToPico(decimal(amount))).toBe(amount)
    }),
  )
})

test('every amount that a double holds comes back from the double exactly', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 10n ** 15n - 1n }), (amount) => {
      expect(usdToPico(picoToUsd(amount))).toBe(amount)
    }),
  )
})

test.each([
  [0, 0n],
  ['000.000', 0n],
  ['0e999', 0n],
  ['1000000', 10n ** 18n],
  ['10e-12', 10n],
  [-0, 0n],
  [0.1, 100_000_000_000n],
  [1, 1_000_000_000_000n],
  [1e-12, 1n],
  [1.5e-7, 150_000n],
  ['0.01', 10_000_000_000n],
  ['1e3', 10n ** 15n],
  ['1E-2', 10_000_000_000n],
  ['00012.50', 12_500_000_000_000n],
  ['0.1000000000000000000000', 100_000_000_000n],
  ['9223372.036854775807', 2n ** 63n - 1n],
])('%s USD is %s units', (usd, amount) => expect(usdToPico(usd)).toBe(amount))

describe('an amount is refused', () => {
  const wrong = [
    Number.NaN,
    Number.POSITIVE_INFINITY,
    -1,
    '',
    ' 1',
    '1 ',
    '1,5',
    '0x10',
    '.5',
    '1.',
    '-0.01',
    '1_000',
    '١',
    '\0',
  ]
  const tooFine = [1e-13, 0.1 + 0.2, '0.0000000000001', '1e-999']
  const tooLarge = [1e300, '9223372.036854775808', '1e999', '9'.repeat(60), '9'.repeat(65), '1e9999']
  test.each([...wrong, ...tooFine, ...tooLarge])('%s', (usd) => {
    expect(() => usdToPico(usd, 'budget/invalid')).toThrow(expect.objectContaining({ code: 'budget/invalid' }))
  })
})

test('money is shown exactly and as the nearest double', () => {
  expect(moneyJson(1_234_500_000n)).toStrictEqual({ picoUsd: '1234500000', usd: 0.0012345 })
  expect(moneyJson(-1n)).toStrictEqual({ picoUsd: '-1', usd: -1e-12 })
  expect(moneyJson(2n ** 80n).usd).toBe(1208925819614.6292)
})
