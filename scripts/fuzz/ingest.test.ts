import { expect, test } from 'vitest'
import { fuzzIngest } from './ingest.ts'

test('three thousand mutated exports: each is answered as it should be, and what is published can be read', async () => {
  const report = await fuzzIngest({ count: 3000, seed: 20_261_121 })
  expect(report.failures).toStrictEqual([])
  expect(Object.values(report.statuses).reduce((sum, count) => sum + count, 0)).toBe(3000)
  // Else the mutations would be too coarse, or too mild, to show anything.
  expect(report.statuses[200]).toBeGreaterThan(300)
  expect(report.statuses[400]).toBeGreaterThan(300)
  expect(report.partial).toBeGreaterThan(50)
})
