import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createTurns } from './turns.ts'

const keys = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd'))

test('of work that shares a key one is done at a time, in the order asked, and all of it, whatever fails', async () => {
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), fc.array(fc.record({ keys, fails: fc.boolean() })), async (scheduler, tasks) => {
      const inTurn = createTurns()
      const running = new Set<string>()
      const ended = new Map<string, number[]>()
      const results = tasks.map((task, index) =>
        inTurn(task.keys, async () => {
          for (const key of task.keys) {
            expect(running.has(key)).toBe(false)
            running.add(key)
          }
          await scheduler.schedule(Promise.resolve())
          for (const key of task.keys) {
            running.delete(key)
            ended.set(key, [...(ended.get(key) ?? []), index])
          }
          if (task.fails) throw new Error(`task ${index}`)
          return index
        }),
      )
      const outcomes = Promise.allSettled(results)
      await scheduler.waitFor(outcomes)
      const expected = tasks.map(({ fails }, index) => (fails ? `task ${index}` : index))
      expect((await outcomes).map((o) => (o.status === 'fulfilled' ? o.value : o.reason.message))).toStrictEqual(
        expected,
      )
      for (const order of ended.values()) expect(order).toStrictEqual(order.toSorted((a, b) => a - b))
    }),
  )
})

test('work that shares no key does not wait', async () => {
  const inTurn = createTurns()
  const stuck = Promise.withResolvers<void>()
  const first = inTurn(['a'], () => stuck.promise)
  expect(await inTurn(['b'], async () => 'done')).toBe('done')
  stuck.resolve()
  await first
})
