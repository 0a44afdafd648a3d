import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createRunningCalls, type RunningCall } from './running-calls.ts'

test('calls end in order and hold what is left of them, whatever order they came in', () => {
  const anyCall = fc.record({ end: fc.nat(20), amount: fc.bigInt(0n, 9n) })
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.array(anyCall, { maxLength: 9 }), fc.nat(5)), { maxLength: 9 }), (steps) => {
      const calls = createRunningCalls()
      let left: RunningCall[] = []
      let now = 0
      for (const [added, later] of steps) {
        now += later
        for (const each of added) {
          const call = { ...each, bucket: 0 }
          calls.add(call)
          left.push(call)
        }
        const ended = calls.endBy(now)
        expect(ended.map(({ end }) => end)).toEqual(
          left
            .filter(({ end }) => end <= now)
            .map(({ end }) => end)
            .sort((a, b) => a - b),
        )
        left = left.filter((call) => !ended.includes(call))
        expect(left.every(({ end }) => end > now)).toBe(true)
        expect(calls.held).toBe(left.reduce((sum, { amount }) => sum + amount, 0n))
      }
    }),
  )
})
