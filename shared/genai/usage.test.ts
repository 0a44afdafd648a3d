import fc from 'fast-check'
import { expect, test } from 'vitest'
import { addUsage, inputTokens, LEAF, LEAVES, lessUsage, outputTokens, sameUsage, unexplained } from './usage.ts'

const usages = fc.array(fc.integer({ min: 0, max: 2000 }), { minLength: LEAVES.length, maxLength: LEAVES.length })

test('what is left of a usage is the difference of sums, at every inner node', () => {
  fc.assert(
    fc.property(usages, usages, (usage, explained) => {
      const rest = unexplained(usage, explained)
      expect(inputTokens(rest)).toBe(Math.max(0, inputTokens(usage) - inputTokens(explained)))
      expect(outputTokens(rest)).toBe(Math.max(0, outputTokens(usage) - outputTokens(explained)))
      for (const quantity of rest) expect(quantity).toBeGreaterThanOrEqual(0)
      for (const [leaf, quantity] of rest.entries()) expect(quantity).toBeLessThanOrEqual(usage[leaf]!)
      for (const leaf of [LEAF.requests, LEAF.web_searches])
        expect(rest[leaf]).toBe(Math.max(0, usage[leaf]! - explained[leaf]!))
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

test('what is added to a part makes the whole, and is the same as that alone', () => {
  fc.assert(
    fc.property(usages, usages, (part, more) => {
      const whole = [...part]
      addUsage(whole, more)
      expect(lessUsage(whole, part)).toStrictEqual(more)
      expect(sameUsage(whole, part)).toBe(more.every((quantity) => quantity === 0))
      expect(sameUsage(lessUsage(whole, part), more)).toBe(true)
      expect(sameUsage(part, part.with(LEAF.web_searches, part[LEAF.web_searches]! + 1))).toBe(false)
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
