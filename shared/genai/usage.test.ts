import fc from 'fast-check'
import { expect, test } from 'vitest'
import { addUsage, inputTokens, LEAF, LEAVES, outputTokens, unexplained } from './usage.ts'

const usages = fc.array(fc.integer({ min: 0, max: 2000 }), { minLength: LEAVES.length, maxLength: LEAVES.length })

test('what is left of a usage is the difference of sums, at every inner node', () => {
  fc.assert(
    fc.property(usages, usages, (usage, explained) => {
      const rest = unexplained(usage, explained)
      expect(inputTokens(rest)).toBe(Math.max(0, inputTokens(usage) - inputTokens(explained)))
      expect(outputTokens(rest)).toBe(Math.max(0, outputTokens(usage) - outputTokens(explained)))
      for (const quantity of rest) expect(quantity).toBeGreaterThanOrEqual(0)
      for (const [leaf, quantity] of rest.entries()) expect(quantity).toBeLessThanOrEqual(usage[leaf]!)
    }),
  )
})

test('a usage is explained by itself, and by itself and more', () => {
  fc.assert(
    fc.property(usages, usages, (usage, more) => {
      const explained = [...usage]
      expect(unexplained(usage, explained)).toStrictEqual(LEAVES.map(() => 0))
      addUsage(explained, more)
      expect(unexplained(usage, explained)).toStrictEqual(LEAVES.map(() => 0))
    }),
  )
})

test('an agent that knows no classes is explained by a call that does', () => {
  const agent = LEAVES.map(() => 0)
  agent[LEAF.input_tokens] = 1000
  const call = LEAVES.map(() => 0)
  call[LEAF.input_tokens] = 12
  call[LEAF.cache_read_tokens] = 988
  expect(inputTokens(unexplained(agent, call))).toBe(0)
})
