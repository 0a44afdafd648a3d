import fc from 'fast-check'
import { expect, test } from 'vitest'
import { formatTime, parseTime } from './time.ts'

test('every nanosecond comes back from its text', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(2n ** 62n), max: 2n ** 63n - 1n }), (nanos) => {
      expect(parseTime(formatTime(nanos))).toBe(nanos)
    }),
  )
})

test('whole milliseconds agree with Date', () => {
  fc.assert(
    fc.property(fc.date({ min: new Date(0), max: new Date('2262-01-01'), noInvalidDate: true }), (date) => {
      expect(parseTime(date.toISOString())).toBe(BigInt(date.getTime()) * 1_000_000n)
    }),
  )
})

test.each([
  ['1970-01-01T00:00:00Z', 0n],
  ['2026-01-31T09:30:00.000000001Z', 1_769_851_800_000_000_001n],
  ['2026-01-31t10:30:00.5+01:00', 1_769_851_800_500_000_000n],
  ['2026-01-31T04:00:00-05:30', 1_769_851_800_000_000_000n],
  ['2024-02-29T00:00:00z', 1_709_164_800_000_000_000n],
  ['1970-01-02T00:00:00.000+23:59', 60_000_000_000n],
  ['0000-01-01T00:00:00Z', -62_167_219_200_000_000_000n],
])('%s is %s', (text, nanos) => expect(parseTime(text)).toBe(nanos))

test.each([
  '',
  '2026-01-31',
  '2026-01-31T09:30:00',
  '2026-01-31T09:30Z',
  '2026-01-31 09:30:00Z',
  '2026-01-31T09:30:00 01:00',
  '2026-02-29T00:00:00Z',
  '2026-13-01T00:00:00Z',
  '2026-00-01T00:00:00Z',
  '2026-01-00T00:00:00Z',
  '2026-01-31T24:00:00Z',
  '2026-01-31T23:59:60Z',
  '2026-01-31T09:30:00+24:00',
  '2026-01-31T09:30:00+01:60',
  '2026-01-31T09:30:00.0000000001Z',
  '2026-01-31T09:30:00.Z',
  '20260131T093000Z',
  '+02026-01-31T09:30:00Z',
  '1769851800',
  'now',
  '٢٠٢٦-01-31T09:30:00Z',
  `2026-01-31T09:30:00.${'0'.repeat(99)}Z`,
])('%j is refused', (text) => {
  expect(() => parseTime(text)).toThrow(expect.objectContaining({ code: 'query/invalid' }))
})

test('decimals are shown in threes, as many as it takes', () => {
  expect([0n, 500_000_000n, 1_000n, 1n].map(formatTime)).toStrictEqual([
    '1970-01-01T00:00:00Z',
    '1970-01-01T00:00:00.500Z',
    '1970-01-01T00:00:00.000001Z',
    '1970-01-01T00:00:00.000000001Z',
  ])
})
