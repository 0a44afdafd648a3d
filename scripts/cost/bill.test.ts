import fc from 'fast-check'
import { expect, test } from 'vitest'
import { billOf } from './bill.ts'
import type { Usage } from './month.ts'
import { PRICES, UNITS, type Unit } from './prices.ts'

const usageOf = (given: Partial<Record<Unit, number>>): Usage =>
  Object.fromEntries(UNITS.map((unit) => [unit, given[unit] ?? 0])) as Usage

const usages = fc
  .tuple(...UNITS.map(() => fc.double({ min: 0, max: 1e15, noNaN: true })))
  .map((amounts) => Object.fromEntries(UNITS.map((unit, index) => [unit, amounts[index]])) as Usage)

test('a bill worked out by hand', () => {
  const bill = billOf(
    usageOf({
      'run.requests': 3e6, // 1 M above the quota × $0.40
      'run.vcpuSeconds': 280_000, // 100,000 above × $0.000024
      'run.gibSeconds': 400_000, // 40,000 above × $0.0000025
      'pubsub.bytes': 2 ** 40 + 10 * 2 ** 30, // 1 TiB above × $40
      'bigquery.streamedBytes': 2000 * 2 ** 20, // 10 × $0.01
      'bigquery.byteMonths': 15 * 2 ** 30, // 5 GiB above × $0.02
      'storage.classA': 15_000, // 10,000 above × $0.005 a thousand
      'storage.classB': 60_000, // 10,000 above × $0.0004 a thousand
      'storage.byteMonths': 6 * 2 ** 30, // 1 GiB above × $0.02 (730 hours × $0.000027397)
      'firestore.reads': 1_600_000, // 100,000 above × $0.03
      'firestore.writes': 700_000, // 100,000 above × $0.09
      'firestore.deletes': 50_000, // $0.01 a 100,000
      'logging.bytes': 51 * 2 ** 30, // 1 GiB above × $0.50
      'scheduler.jobs': 5, // 2 above × $0.10
      'secrets.versions': 7, // 1 above × $0.06
    }),
  )
  const usd = Object.fromEntries(bill.lines.map((line) => [line.unit, Number(line.usd.toFixed(6))]))
  expect(usd).toEqual({
    'run.requests': 0.4,
    'run.vcpuSeconds': 2.4,
    'run.gibSeconds': 0.1,
    'pubsub.bytes': 40,
    'bigquery.streamedBytes': 0.1,
    'bigquery.byteMonths': 0.1,
    'storage.classA': 0.05,
    'storage.classB': 0.004,
    'storage.byteMonths': 0.02,
    'firestore.reads': 0.03,
    'firestore.writes': 0.09,
    'firestore.deletes': 0.005,
    'logging.bytes': 0.5,
    'scheduler.jobs': 0.2,
    'secrets.versions': 0.06,
  })
  expect(bill.usd).toBeCloseTo(44.184 - 0.03 - 0.09 - 0.005, 4)
})

test('nothing costs nothing, and what is within its quota is free', () => {
  expect(billOf(usageOf({}))).toMatchObject({ usd: 0, listUsd: 0 })
  const within = Object.fromEntries(UNITS.map((unit) => [unit, PRICES[unit].free])) as Usage
  expect(billOf(within).usd).toBe(0)
  expect(billOf(within).listUsd).toBeGreaterThan(0)
})

test('never negative, never above list price, and more use never costs less', () => {
  fc.assert(
    fc.property(usages, usages, (usage, more) => {
      const bill = billOf(usage)
      const both = billOf(Object.fromEntries(UNITS.map((unit) => [unit, usage[unit] + more[unit]])) as Usage)
      for (const [index, line] of bill.lines.entries()) {
        expect(line.usd).toBeGreaterThanOrEqual(0)
        expect(line.usd).toBeLessThanOrEqual(line.listUsd)
        expect(both.lines[index]!.usd).toBeGreaterThanOrEqual(line.usd)
      }
    }),
  )
})

test('list price is linear', () => {
  fc.assert(
    fc.property(usages, fc.integer({ min: 2, max: 100 }), (usage, factor) => {
      const scaled = Object.fromEntries(UNITS.map((unit) => [unit, usage[unit] * factor])) as Usage
      const [one, many] = [billOf(usage).listUsd, billOf(scaled).listUsd]
      expect(Math.abs(many - one * factor)).toBeLessThanOrEqual(1e-9 * Math.max(1, many))
    }),
  )
})

test('every price says where it was read and when', () => {
  for (const unit of UNITS) {
    const { usd, per, free, source, date } = PRICES[unit]
    expect(usd).toBeGreaterThan(0)
    expect(per).toBeGreaterThan(0)
    expect(free).toBeGreaterThanOrEqual(0)
    expect(source).toMatch(/(cloud|firebase)\.google\.com\/\S+/)
    expect(date).toMatch(/^20\d\d-\d\d(-\d\d)?$/)
  }
})
