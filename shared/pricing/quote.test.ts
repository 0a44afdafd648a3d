import { expect, test } from 'vitest'
import type { ListedPeriod } from './listing.ts'
import { compilePlan, type PriceList } from './plan.ts'
import { compileQuote } from './quote.ts'

/** Which of some prices, each named by its amount, hold at a time. */
function held(periods: readonly ListedPeriod[], time: string) {
  const quote = compileQuote(periods, (list: PriceList) => compilePlan(String(list.input_mtok), 'v', list))
  const [, belowMillis = '0'] = /\.\d{3}(\d{6})/.exec(time) ?? []
  const plan = quote.at(BigInt(Date.parse(time)) * 1_000_000n + BigInt(belowMillis))
  return typeof plan === 'string' ? plan : Number(plan.id)
}

const from = (price: number, start_date: string): ListedPeriod => ({
  constraint: { type: 'start_date', start_date },
  prices: { input_mtok: price },
})
const daily = (price: number, start_time: string, end_time: string): ListedPeriod => ({
  constraint: { type: 'time_of_date', start_time, end_time },
  prices: { input_mtok: price },
})

test('a price holds from the first instant of its day in UTC, and the one before it up to then', () => {
  const periods = [{ prices: { input_mtok: 1 } }, from(2, '2026-03-01'), from(3, '2026-06-01')]
  const at = (time: string) => held(periods, time)
  expect(at('1970-01-01T00:00:00.000Z')).toBe(1)
  expect(at('2026-02-28T23:59:59.999999999Z')).toBe(1)
  expect(at('2026-03-01T00:00:00.000Z')).toBe(2)
  expect(at('2026-05-31T23:59:59.999999999Z')).toBe(2)
  expect(at('2026-06-01T00:00:00.000Z')).toBe(3)
})

test('hours of the day have their start and not their end, within a day, over midnight and in another zone', () => {
  const within = [{ prices: { input_mtok: 1 } }, daily(2, '08:00:00Z', '10:00:00Z')]
  const over = [{ prices: { input_mtok: 1 } }, daily(2, '16:30:00Z', '00:30:00Z')]
  const zoned = [{ prices: { input_mtok: 1 } }, daily(2, '00:30:00+08:00', '08:30:00+08:00')]
  const at = (periods: readonly ListedPeriod[], ...times: string[]) =>
    times.map((time) => held(periods, `2026-03-01T${time}Z`))
  expect(at(within, '07:59:59.999', '08:00:00.000', '09:59:59.999', '10:00:00.000')).toStrictEqual([1, 2, 2, 1])
  const edges = ['16:29:59.999', '16:30:00.000', '23:59:59.999', '00:00:00.000', '00:29:59.999', '00:30:00.000']
  expect(at(over, ...edges)).toStrictEqual([1, 2, 2, 2, 2, 1])
  expect(at(zoned, ...edges)).toStrictEqual([1, 2, 2, 2, 2, 1])
})

test('hours of the day belong to the date that is listed before them', () => {
  const periods = [{ prices: { input_mtok: 1 } }, from(2, '2026-03-01'), daily(3, '08:00:00Z', '10:00:00Z')]
  const at = (time: string) => held(periods, time)
  expect(at('2026-02-28T09:00:00.000Z')).toBe(1)
  expect(at('2026-03-01T09:00:00.000Z')).toBe(3)
  expect(at('2026-03-01T10:00:00.000Z')).toBe(2)
})

test('hours of weekdays hold from Monday to Friday but on days that are named', () => {
  const hours = { type: 'time_of_date', start_time: '01:00:00Z', end_time: '04:00:00Z' } as const
  const working: ListedPeriod = { constraint: { ...hours, weekdaysBut: ['2026-10-01'] }, prices: { input_mtok: 2 } }
  const days = ['09-28', '09-29', '09-30', '10-01', '10-02', '10-03', '10-04', '10-05']
  expect(days.map((day) => held([{ prices: { input_mtok: 1 } }, working], `2026-${day}T02:00:00.000Z`))).toStrictEqual([
    2, 2, 2, 1, 2, 1, 1, 2,
  ])
  expect(held([{ prices: { input_mtok: 1 } }, working], '2026-09-28T04:00:00.000Z')).toBe(1)
})

test('a price holds from an instant on, and may be one that nobody knows', () => {
  const periods = [{ prices: { input_mtok: 1 } }, from(2, '2026-08-16T16:00:00Z'), { prices: 'nobody knows' }]
  expect(held(periods.slice(0, 2), '2026-08-16T15:59:59.999999999Z')).toBe(1)
  expect(held(periods.slice(0, 2), '2026-08-16T16:00:00.000Z')).toBe(2)
  expect(held(periods, '2026-08-16T16:00:00.000Z')).toBe('nobody knows')
  expect(held(periods, '2026-08-16T15:00:00.000Z')).toBe(1)
  expect(held([{ prices: 'nobody ever knows' }], '2026-08-16T15:00:00.000Z')).toBe('nobody ever knows')
})
