import { expect, test } from 'vitest'
import { emptyUsage, LEAF, type Leaf } from '../genai/usage.ts'
import { compilePlan, type Discount, type PriceList } from './plan.ts'
import { bill } from './receipt.ts'

const HALF: Discount = { times: 1n, over: 2n, cacheReads: 'discounted' }

/** What a call costs in 1e-12 USD, and above which input its prices hold; or why it has no price. */
function costs(prices: PriceList, usage: Partial<Record<Leaf, number>>, discount?: Discount) {
  const quantities = emptyUsage()
  for (const [leaf, quantity] of Object.entries(usage)) quantities[LEAF[leaf as Leaf]] = quantity
  const one = bill(quantities, compilePlan('p/m', 'v', prices, '', discount))
  return 'total' in one ? [one.total, one.tier.above] : one.unpriced
}

test('long-context prices hold above their start, in whatever order they are listed, for each class its own', () => {
  const prices = {
    input_mtok: {
      base: 1,
      tiers: [
        { start: 200, price: 3 },
        { start: 100, price: 2 },
      ],
    },
    output_mtok: { base: 10, tiers: [{ start: 150, price: 20 }] },
  }
  const at = (input_tokens: number) => costs(prices, { input_tokens, output_tokens: 1 })
  const million = (units: number) => BigInt(units) * 1_000_000n
  expect(at(100)).toStrictEqual([million(100 + 10), -1])
  expect(at(101)).toStrictEqual([million(2 * 101 + 10), 100])
  expect(at(150)).toStrictEqual([million(2 * 150 + 10), 100])
  expect(at(151)).toStrictEqual([million(2 * 151 + 20), 150])
  expect(at(200)).toStrictEqual([million(2 * 200 + 20), 150])
  expect(at(201)).toStrictEqual([million(3 * 201 + 20), 200])
})

test('a price above no tokens is none for a call without input', () => {
  const prices = { input_mtok: 1, output_mtok: { base: 10, tiers: [{ start: 0, price: 20 }] } }
  expect(costs(prices, { output_tokens: 1 })).toStrictEqual([10_000_000n, -1])
  expect(costs(prices, { input_tokens: 1, output_tokens: 1 })).toStrictEqual([21_000_000n, 0])
})

test('a discount is on tokens, not on requests and searches', () => {
  const prices = { input_mtok: 1, requests_kcount: 5, web_searches_kcount: 10 }
  const usage = { input_tokens: 1, requests: 1, web_searches: 1 }
  expect(costs(prices, usage)).toStrictEqual([1_000_000n + 15_000_000_000n, -1])
  expect(costs(prices, usage, HALF)).toStrictEqual([500_000n + 15_000_000_000n, -1])
})

test('writes for an hour were billed as fresh input where only those for five minutes have a price', () => {
  const unpriced = 'no price for cache_write_1h_tokens of p/m'
  expect(costs({ input_mtok: 1, cache_write_5m_mtok: 2 }, { cache_write_1h_tokens: 1 })).toBe(unpriced)
  expect(costs({ input_mtok: 1, cache_write_mtok: 2 }, { cache_write_1h_tokens: 1 })).toBe(unpriced)
  expect(costs({ input_mtok: 1 }, { cache_write_1h_tokens: 1 })).toStrictEqual([1_000_000n, -1])
})
