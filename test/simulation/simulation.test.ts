import { expect, test } from 'vitest'
import { canRun, planFirestore } from '../emulators/emulator.ts'
import { simulate } from './simulation.ts'

const MINUTES_MS = 10 * 60_000

test('schedules of crashes, retries, contention, skew and roll-over on SQLite', { timeout: MINUTES_MS }, async () => {
  const report = await simulate({ adapter: 'sqlite', schedules: 500, from: 1 })
  expect(report.failures).toEqual([])
  expect(report.done).toBe(500)
  expect(report.admitted).toBeGreaterThan(500)
  expect(report.denied).toBeGreaterThan(50)
  expect(report.contended).toBeGreaterThan(500)
})

test.skipIf(!canRun('Firestore', planFirestore()))(
  'schedules of crashes, retries, contention, skew and roll-over on Firestore',
  { timeout: MINUTES_MS },
  async () => {
    const report = await simulate({ adapter: 'firestore', schedules: 10, from: 1 })
    expect(report.failures).toEqual([])
    expect(report.done).toBe(10)
    expect(report.cut).toBeGreaterThan(10)
  },
)
