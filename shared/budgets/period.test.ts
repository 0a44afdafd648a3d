import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CALENDAR_PERIODS } from './budget.ts'
import { Calendar, calendarWindow, FOREVER, periodName, sliceMillis } from './period.ts'

const ZONES = [
  'UTC',
  'Europe/Zurich',
  'America/New_York',
  'Australia/Lord_Howe',
  'America/Sao_Paulo',
  'Pacific/Apia',
  'Asia/Kathmandu',
  'America/St_Johns',
]
const HOUR = 3_600_000
const at = (text: string) => Date.parse(text)
const window = (...args: Parameters<typeof calendarWindow>) => {
  const { start, end } = calendarWindow(...args)
  return [new Date(start).toISOString(), new Date(end).toISOString()]
}

test('periods of one kind and zone partition time', () => {
  const anyTime = fc.integer({ min: at('1990-01-01T00:00:00Z'), max: at('2040-01-01T00:00:00Z') })
  fc.assert(
    fc.property(fc.constantFrom(...CALENDAR_PERIODS), fc.constantFrom(...ZONES), anyTime, (period, zone, time) => {
      const found = calendarWindow(period, zone, time)
      expect(found.start).toBeLessThanOrEqual(time)
      expect(found.end).toBeGreaterThan(time)
      if (period === 'total') return
      expect(calendarWindow(period, zone, found.start)).toEqual(found)
      expect(calendarWindow(period, zone, found.end - 1)).toEqual(found)
      expect(calendarWindow(period, zone, found.end).start).toBe(found.end)
    }),
    { numRuns: 300 },
  )
})

describe('both changes of daylight saving', () => {
  test.each([
    ['Europe/Zurich', '2026-03-29T12:00:00Z', 23],
    ['Europe/Zurich', '2026-10-25T12:00:00Z', 25],
    ['America/New_York', '2026-03-08T16:00:00Z', 23],
    ['America/New_York', '2026-11-01T16:00:00Z', 25],
    ['Australia/Lord_Howe', '2026-10-04T02:00:00Z', 23.5],
    ['Australia/Lord_Howe', '2026-04-05T02:00:00Z', 24.5],
  ])('%s on %s: the day has %d hours', (zone, time, hours) => {
    const { start, end } = calendarWindow('day', zone, at(time))
    expect((end - start) / HOUR).toBe(hours)
  })

  test('the hour that comes twice is two hours', () => {
    const first = calendarWindow('hour', 'Europe/Zurich', at('2026-10-25T00:30:00Z'))
    const second = calendarWindow('hour', 'Europe/Zurich', at('2026-10-25T01:30:00Z'))
    expect(second.start - first.start).toBe(HOUR)
    expect(periodName('hour', 'Europe/Zurich', first.start)).toBe('2026-10-25T02:00+02:00')
    expect(periodName('hour', 'Europe/Zurich', second.start)).toBe('2026-10-25T02:00+01:00')
  })

  test('a day that begins at one o’clock, and a day that never was', () => {
    expect(window('day', 'America/Sao_Paulo', at('2018-11-04T12:00:00Z'))[0]).toBe('2018-11-04T03:00:00.000Z')
    expect(window('day', 'Pacific/Apia', at('2011-12-29T12:00:00Z'))).toEqual([
      '2011-12-29T10:00:00.000Z',
      '2011-12-30T10:00:00.000Z',
    ])
    expect(periodName('day', 'Pacific/Apia', at('2011-12-30T10:00:00Z'))).toBe('2011-12-31')
  })
})

test('clocks put back at a minute past midnight took an hour out of both of its days', () => {
  const midnight = at('2010-11-07T02:30:00Z')
  const days = [-1, 0, 59_999, 60_000, HOUR, HOUR + 60_000].map((after) =>
    calendarWindow('day', 'America/St_Johns', midnight + after),
  )
  expect(days[0]?.end).toBe(midnight)
  for (const day of days.slice(1)) expect(day).toEqual({ start: midnight, end: at('2010-11-08T03:30:00Z') })
  expect(periodName('day', 'America/St_Johns', midnight)).toBe('2010-11-07')
})

describe('month ends and leap days', () => {
  test.each([
    ['2024-02-29T23:59:59.999Z', '2024-02-01T00:00:00.000Z', '2024-03-01T00:00:00.000Z'],
    ['2026-02-28T23:59:59.999Z', '2026-02-01T00:00:00.000Z', '2026-03-01T00:00:00.000Z'],
    ['2026-01-31T00:00:00.000Z', '2026-01-01T00:00:00.000Z', '2026-02-01T00:00:00.000Z'],
    ['2026-12-31T23:00:00.000Z', '2026-12-01T00:00:00.000Z', '2027-01-01T00:00:00.000Z'],
  ])('%s', (time, start, end) => {
    expect(window('month', 'UTC', at(time))).toEqual([start, end])
  })
})

describe('ISO week years (lessons: budgets 6)', () => {
  test.each([
    ['2021-01-03T12:00:00Z', '2020-W53'],
    ['2024-12-30T12:00:00Z', '2025-W01'],
    ['2027-01-01T12:00:00Z', '2026-W53'],
    ['2026-01-01T12:00:00Z', '2026-W01'],
  ])('%s is in %s', (time, name) => {
    const { start, end } = calendarWindow('week', 'UTC', at(time))
    expect(periodName('week', 'UTC', start)).toBe(name)
    expect(new Date(start).getUTCDay()).toBe(1)
    expect(end - start).toBe(7 * 24 * HOUR)
  })
})

test('a grant cuts the buckets where it begins and where it ends, and only there', () => {
  const noon = at('2026-05-01T12:00:00Z')
  const grants = [{ id: 'g', amount: 1n, from: noon, to: noon + HOUR, note: '' }]
  const calendar = new Calendar({ period: 'day', timeZone: 'UTC', grants })
  expect(calendar.bucket(noon - 1)).toBe(at('2026-05-01T00:00:00Z'))
  expect(calendar.bucket(noon)).toBe(noon)
  expect(calendar.bucket(noon + 2 * HOUR)).toBe(noon + HOUR)
  expect(calendar.bucket(noon + 12 * HOUR)).toBe(at('2026-05-02T00:00:00Z'))
})

test('a rolling window is counted in slices of a sixtieth', () => {
  expect(sliceMillis(3_600)).toBe(60_000)
  const calendar = new Calendar({ period: { rollingSeconds: 3_600 }, timeZone: 'UTC', grants: [] })
  expect(calendar.bucket(at('2026-05-01T12:00:59.999Z'))).toBe(at('2026-05-01T12:00:00Z'))
})

test('all of time is one period', () => {
  expect(calendarWindow('total', 'UTC', 5)).toEqual({ start: 0, end: FOREVER })
})
