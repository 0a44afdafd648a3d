import { expect, test } from 'vitest'
import { killUnderLoad } from './sigkill.ts'

// `npm run crash -- 200` is the long run.
test('what was acknowledged survives SIGKILL at random instants, once', { timeout: 120_000 }, async () => {
  const report = await killUnderLoad({ kills: 8 })
  expect(report.acknowledged).toBeGreaterThan(100)
  expect(report).toMatchObject({ missing: 0, repeated: 0, missingInLake: 0, tokensOff: 0, budgetOff: 0n })
})
