import { expect, test } from 'vitest'
import { emptyUsage, LEAF, type Leaf } from '../genai/usage.ts'
import { EMPTY_LEDGER, type Ledger } from '../spans/ledger.ts'
import { compilePlan, type PriceList } from './plan.ts'
import { bill, correctLedger, firstSaid } from './receipt.ts'

const LINES = '[{"unit":"input_tokens","quantity":2,"unitPrice":"3","amount":"6"}]'
const FIRST: Ledger = {
  ...EMPTY_LEDGER,
  costStatus: 'priced',
  costPicoUsd: 6n,
  priceVersion: 'v1',
  receipt: `{"dialect":"x","lines":${LINES},"total":"6"}`,
}
const UNPRICED: Ledger = { ...EMPTY_LEDGER, costStatus: 'unpriced', receipt: '{"dialect":"x","reason":"no price"}' }
const SAID = { status: 'priced', total: '6', version: 'v1' } as const

test('a correction has the whole receipt of its own, and what was first said beside it', () => {
  const corrected = correctLedger(UNPRICED, FIRST, 7)
  expect(JSON.parse(corrected.receipt)).toStrictEqual({ dialect: 'x', reason: 'no price', was: SAID })
  expect(corrected).toMatchObject({ costStatus: 'unpriced', costPicoUsd: null, revision: 7 })
  const back = correctLedger(FIRST, corrected, 8)
  expect(JSON.parse(back.receipt)).toStrictEqual({ ...JSON.parse(FIRST.receipt), was: SAID })
  expect(JSON.parse(correctLedger(EMPTY_LEDGER, SAID, 1).receipt)).toStrictEqual({ was: SAID })
})

test('what was first said is asked of the first revision too, and of a ledger that corrects nothing', () => {
  expect(firstSaid(FIRST)).toStrictEqual(SAID)
  expect(firstSaid(correctLedger(UNPRICED, FIRST, 1))).toStrictEqual(SAID)
  expect(firstSaid(UNPRICED)).toStrictEqual({ status: 'unpriced', total: null, version: '' })
  // Only a correction's `was` is ours.
  expect(firstSaid({ ...FIRST, receipt: `{"was":${JSON.stringify({ ...SAID, total: '9' })}}` })).toStrictEqual(SAID)
})

function cost(prices: PriceList, usage: Partial<Record<Leaf, number>>) {
  const quantities = emptyUsage()
  for (const [leaf, quantity] of Object.entries(usage)) quantities[LEAF[leaf as Leaf]] = quantity
  const one = bill(quantities, compilePlan('p/m', 'v', prices))
  return 'total' in one ? one.total : one.unpriced
}

test('the largest cost that 64 bits hold is one, and no larger one is', () => {
  const dearest = (last: string) => cost({ input_mtok: `9223372036854.77580${last}` }, { input_tokens: 1 })
  expect(dearest('7')).toBe(2n ** 63n - 1n)
  expect(dearest('8')).toBe('more than 9223372 USD at the price of p/m')
})

test('amounts are exact on both sides of what doubles hold, and together', () => {
  // 2^53 - 1 units of 1e-12 USD a token, and one.
  const prices = { input_mtok: '9007199254.740991', output_mtok: '0.000001', cache_read_mtok: '0.0000005' }
  expect(cost(prices, { input_tokens: 1 })).toBe(2n ** 53n - 1n)
  expect(cost(prices, { input_tokens: 1, output_tokens: 1 })).toBe(2n ** 53n)
  expect(cost(prices, { input_tokens: 3, output_tokens: 2 })).toBe(3n * (2n ** 53n - 1n) + 2n)
  expect(cost(prices, { input_tokens: 3, output_tokens: 2, cache_read_tokens: 3 })).toBe(3n * (2n ** 53n - 1n) + 4n)
})
