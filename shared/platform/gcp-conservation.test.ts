import { expect, test } from 'vitest'
import { createGcpConservation } from './gcp-conservation.ts'

const holding =
  (stored: bigint, duplicates = 0n) =>
  async () => ({ stored, duplicates })

test('what one sink has and another lacks is on its way, and the books are open', async () => {
  const report = await createGcpConservation({ warehouse: holding(5n, 2n), lake: holding(4n) })('p')
  expect(report.accepted).toBe(7n)
  expect(report.sinks.lake?.inFlight).toBe(3n)
  expect(report.balanced).toBe(false)
})

test('the books are balanced once every sink has had as much as any', async () => {
  const report = await createGcpConservation({ warehouse: holding(5n, 2n), lake: holding(7n) })('p')
  expect(report.balanced).toBe(true)
})
