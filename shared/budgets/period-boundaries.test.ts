import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { DEFAULT_TERMS, newBudget } from './budget.ts'
import { Calendar, calendarWindow, periodName } from './period.ts'
import { positionOf } from './position.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR
const at = (text: string) => Date.parse(text)

/** Both changes of daylight saving in three zones: the last instant before, by how many hours the clock is moved. */
const CHANGES = [
  ['Europe/Zurich', '2026-03-29T01:00:00Z', 1],
  ['Europe/Zurich', '2026-10-25T01:00:00Z', -1],
  ['America/New_York', '2026-03-08T07:00:00Z', 1],
  ['America/New_York', '2026-11-01T06:00:00Z', -1],
  ['Australia/Lord_Howe', '2026-10-03T15:30:00Z', 0.5],
  ['Australia/Lord_Howe', '2026-04-04T15:00:00Z', -0.5],
] as const

describe.each(CHANGES)('%s at %s, clocks moved by %d h', (zone, time, moved) => {
  const change = at(time)

  test('the day, the week and the month are as much shorter or longer', () => {
    const length = (period: 'day' | 'week') => {
      const { start, end } = calendarWindow(period, zone, change)
      return (end - start) / HOUR
    }
    expect(length('day')).toBe(24 - moved)
    expect(length('week')).toBe(168 - moved)
    const month = calendarWindow('month', zone, change)
    const days = new Date(
      Date.UTC(new Date(change + 12 * HOUR).getUTCFullYear(), new Date(change + 12 * HOUR).getUTCMonth() + 1, 0),
    )
    expect((month.end - month.start) / HOUR).toBe(days.getUTCDate() * 24 - moved)
  })

  test('no hour is missing, none is counted twice, and each has a name of its own', () => {
    const names = new Set<string>()
    let start = calendarWindow('hour', zone, change - 6 * HOUR).start
    for (let i = 0; i < 14; i++) {
      const hour = calendarWindow('hour', zone, start)
      expect(hour.start).toBe(start)
      expect(hour.end - hour.start).toBeLessThanOrEqual(HOUR)
      expect(hour.end).toBeGreaterThan(hour.start)
      names.add(periodName('hour', zone, hour.start))
      start = hour.end
    }
    expect(names.size).toBe(14)
  })

  test('the instants before and after the change are in the same day, and in the same or the next hour', () => {
    for (const period of ['day', 'week', 'month'] as const) {
      expect(calendarWindow(period, zone, change - 1)).toEqual(calendarWindow(period, zone, change))
    }
    expect(calendarWindow('hour', zone, change - 1).end).toBeLessThanOrEqual(calendarWindow('hour', zone, change).end)
  })

  test('a rolling window is as long as ever', () => {
    const budget = newBudget(
      'p',
      'b',
      { ...DEFAULT_TERMS, unit: 'usd', limit: 10n, period: { rollingSeconds: 3_600 }, timeZone: zone },
      0,
    )
    const calendar = new Calendar(budget)
    const spentAt = change - HOUR / 2
    const buckets = [{ start: calendar.bucket(spentAt), spent: 7n, unknown: 0 }]
    const spent = (now: number) => positionOf(budget, calendar, now, buckets, 0n).spent
    expect([spent(spentAt), spent(change), spent(spentAt + HOUR), spent(spentAt + HOUR + HOUR / 60)]).toEqual([
      7n,
      7n,
      7n,
      0n,
    ])
  })
})

describe('month ends and leap days, by the clocks of the zone', () => {
  test.each([
    ['UTC', '2024-02-29T00:00:00Z', '2024-02-29', 29],
    ['Europe/Zurich', '2024-02-28T23:00:00Z', '2024-02-29', 29],
    ['America/New_York', '2024-02-29T05:00:00Z', '2024-02-29', 29],
    ['Asia/Kathmandu', '2024-02-28T18:15:00Z', '2024-02-29', 29],
    ['Europe/Zurich', '2100-02-27T23:00:00Z', '2100-02-28', 28],
    ['UTC', '2000-02-29T00:00:00Z', '2000-02-29', 29],
    ['America/New_York', '2026-01-31T05:00:00Z', '2026-01-31', 31],
    ['Europe/Zurich', '2026-04-29T22:00:00Z', '2026-04-30', 30],
    ['Australia/Lord_Howe', '2026-12-30T13:00:00Z', '2026-12-31', 31],
  ])('%s: %s begins %s, the last day of a month of %d', (zone, begins, name, days) => {
    const day = calendarWindow('day', zone, at(begins))
    expect(day).toEqual({ start: at(begins), end: at(begins) + DAY })
    expect(periodName('day', zone, day.start)).toBe(name)
    const month = calendarWindow('month', zone, at(begins))
    expect(month.end).toBe(day.end)
    expect(periodName('month', zone, month.start)).toBe(name.slice(0, 7))
    expect(Math.round((month.end - month.start) / DAY)).toBe(days)
    expect(calendarWindow('month', zone, day.end).start).toBe(day.end)
  })

  test.each(['2024-02-29T12:00:00Z', '2026-01-31T23:45:00Z', '2023-12-31T23:45:00Z'])(
    'a rolling hour goes on over %s and the end of its month',
    (time) => {
      const rolling = { ...DEFAULT_TERMS, unit: 'usd', limit: 10n, period: { rollingSeconds: 3_600 } } as const
      const budget = newBudget('p', 'b', rolling, 0)
      const calendar = new Calendar(budget)
      const buckets = [{ start: calendar.bucket(at(time)), spent: 7n, unknown: 0 }]
      const spent = (after: number) => positionOf(budget, calendar, at(time) + after, buckets, 0n).spent
      expect([spent(0), spent(HOUR / 2), spent(HOUR), spent(HOUR + HOUR / 60)]).toEqual([7n, 7n, 7n, 0n])
    },
  )
})

test('a week belongs to the year that its Thursday is in (lessons: budgets 6)', () => {
  const anyDay = fc.integer({ min: at('1971-01-01T00:00:00Z') / DAY, max: at('2120-01-01T00:00:00Z') / DAY })
  fc.assert(
    fc.property(anyDay, (day) => {
      const monday = day - ((day + 3) % 7)
      const thursday = new Date((monday + 3) * DAY)
      const firstOfYear = Date.UTC(thursday.getUTCFullYear(), 0, 1) / DAY
      const week = 1 + Math.floor((monday + 3 - firstOfYear) / 7)
      const { start, end } = calendarWindow('week', 'UTC', day * DAY)
      expect([start, end]).toEqual([monday * DAY, (monday + 7) * DAY])
      expect(periodName('week', 'UTC', start)).toBe(`${thursday.getUTCFullYear()}-W${String(week).padStart(2, '0')}`)
    }),
    { numRuns: 300 },
  )
})

test.each([
  ['Europe/Zurich', '2026-12-27T23:00:00Z', '2026-W53'],
  ['America/New_York', '2027-01-04T05:00:00Z', '2027-W01'],
  ['Australia/Lord_Howe', '2020-12-27T13:00:00Z', '2020-W53'],
])('in %s the week that begins %s is %s (lessons: budgets 6)', (zone, time, name) => {
  const { start } = calendarWindow('week', zone, at(time) + 3 * DAY)
  expect([start, periodName('week', zone, start)]).toEqual([at(time), name])
})
