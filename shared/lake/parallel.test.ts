import { setImmediate as turn } from 'node:timers/promises'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { mapParallel } from './parallel.ts'

test('all is done, in order, and never more at a time than may be', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(5), { maxLength: 30 }), fc.integer({ min: 1, max: 8 }), async (turns, limit) => {
      let running = 0
      let most = 0
      const results = await mapParallel(turns, limit, async (count) => {
        most = Math.max(most, ++running)
        for (let n = 0; n < count; n++) await turn()
        running--
        return count * 2
      })
      expect(results).toStrictEqual(turns.map((count) => count * 2))
      expect(most).toBeLessThanOrEqual(limit)
    }),
  )
})

test('the first error is told, and nothing is begun after it', async () => {
  const begun: number[] = []
  const work = async (item: number) => {
    begun.push(item)
    await turn()
    if (item === 2) throw new Error('second')
  }
  await expect(mapParallel([1, 2, 3, 4, 5, 6], 2, work)).rejects.toThrow('second')
  await turn()
  expect(begun).toStrictEqual([1, 2, 3])
})
