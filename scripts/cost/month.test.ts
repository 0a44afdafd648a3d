import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { HourReport } from './hour.ts'
import { type MonthOptions, planMonth, usageOf } from './month.ts'
import { UNITS } from './prices.ts'

const options = fc.record({
  spansPerDay: fc.integer({ min: 1, max: 1e9 }),
  spansPerRequest: fc.integer({ min: 1, max: 4096 }),
  bytesPerSpan: fc.integer({ min: 0, max: 10_000 }),
  monthsKept: fc.integer({ min: 0, max: 24 }),
})

const HOUR: HourReport = {
  messages: { 'run.requests': 8, 'pubsub.bytes': 5000, 'bigquery.bytes': 2 ** 20, 'bigquery.streamedBytes': 2 ** 21 },
  scheduled: { 'run.requests': 13, 'storage.classA': 20, 'storage.bytes': 1000, 'storage.deletedBytes': 3000 },
  idle: { 'run.requests': 13, 'storage.classA': 2 },
  functions: {},
  sentBytes: 0,
  spanBytes: 0,
}

test('the plan holds all spans, in no more hours than there are', () => {
  fc.assert(
    fc.property(options, (given) => {
      const { activeHours, sampled, factor, spans } = planMonth(given)
      expect(activeHours * sampled * factor * given.spansPerRequest).toBeCloseTo(spans, -Math.log10(spans) + 6)
      expect(activeHours).toBeLessThanOrEqual(720 + 1e-9)
      expect(sampled).toBeLessThanOrEqual(120)
      expect(factor).toBeGreaterThanOrEqual(1)
    }),
  )
})

test('nothing is negative, and what messages take is linear in busy months', () => {
  fc.assert(
    fc.property(options, fc.integer({ min: 2, max: 9 }), (given, times) => {
      const busy: MonthOptions = { ...given, spansPerDay: given.spansPerRequest * 120 * 24 }
      const more: MonthOptions = { ...busy, spansPerDay: busy.spansPerDay * times }
      const [one, many] = [busy, more].map((month) => usageOf(HOUR, planMonth(month), month))
      for (const unit of UNITS) expect(one![unit]).toBeGreaterThanOrEqual(0)
      for (const unit of ['pubsub.bytes', 'bigquery.streamedBytes'] as const)
        expect(many![unit] / one![unit]).toBeCloseTo(times, 6)
      // A busier hour of the lake takes no more operations.
      expect(many!['storage.classA']).toBeCloseTo(one!['storage.classA'], 6)
    }),
  )
})

test('a month by hand: one export of 100 spans an hour, three months kept', () => {
  const month = { spansPerDay: 2400, spansPerRequest: 100, bytesPerSpan: 0, monthsKept: 3 }
  const usage = usageOf(HOUR, planMonth(month), month)
  expect(usage).toMatchObject({
    'run.requests': 720 * (8 + 13),
    'pubsub.bytes': 720 * 5000,
    'bigquery.byteMonths': 720 * 2 ** 20 * 3,
    'storage.byteMonths': 720 * (1000 * 3 + (3000 * 7) / 30),
    'storage.classA': 720 * 20,
    // An hour apart: every export starts its four functions anew, 1.5 s each, a third of a vCPU as much longer.
    'run.vcpuSeconds': 720 * 4 * 1.5,
    'run.gibSeconds': expect.closeTo(720 * 1.5 * (1 + 1 + 0.5 + 0.5 / 0.333), 6),
    'scheduler.jobs': 3,
  })
  expect(usage['storage.byteMonths']).toBe(720 * 3700)
})

test('an idle month has the runs of the schedule and nothing else', () => {
  const month = { spansPerDay: 0, spansPerRequest: 512, bytesPerSpan: 0, monthsKept: 0 }
  const usage = usageOf({ ...HOUR, messages: {} }, planMonth(month), month)
  expect(usage).toMatchObject({
    'run.requests': 720 * 13,
    'storage.classA': 1440,
    'pubsub.bytes': 0,
    'run.vcpuSeconds': 0,
  })
})
