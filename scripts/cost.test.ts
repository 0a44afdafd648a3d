import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type CostReport, describeReport, estimateCost } from './cost/report.ts'

const cost = (...args: string[]) =>
  spawnSync(process.execPath, [join(import.meta.dirname, 'cost.ts'), ...args], { encoding: 'utf8' })

const options = { spansPerRequest: 64, llmShare: 0.4, bytesPerSpan: 0, budgets: 1, monthsKept: 1, cpuMs: () => 0 }

test('the command prints a report as JSON, with prices, sources and what is assumed', () => {
  const { status, stdout, stderr } = cost('--spans-per-day', '5000', '--spans-per-request', '100', '--json')
  expect(stderr).toBe('')
  expect(status).toBe(0)
  const report = JSON.parse(stdout) as CostReport
  expect(report.traffic).toMatchObject({ spansPerDay: 5000, spansPerRequest: 100, requestsPerMonth: 1500 })
  expect(report.month.usd).toBeGreaterThan(0)
  expect(report.month.usd).toBeCloseTo(
    report.month.lines.reduce((sum, { usd }) => sum + usd, 0),
    12,
  )
  expect(Object.keys(report.perSpan?.cpuMicros ?? {}).sort()).toEqual([
    'books',
    'budget',
    'ingest',
    'lake',
    'price',
    'warehouse',
  ])
  expect(report.prices['pubsub.bytes'].source).toContain('cloud.google.com/pubsub/pricing')
  expect(report.assumptions.concurrency).toBe(1)
})

test('options that are wrong say how they are meant', () => {
  for (const args of [
    [],
    ['--spans-per-day', '-1'],
    ['--spans-per-day', '1', '--llm-share', '2'],
    ['--spans-per-day', '1', '--spans-per-request', '0'],
    ['--nonsense'],
  ]) {
    const { status, stderr } = cost(...args)
    expect(status, args.join(' ')).toBe(2)
    expect(stderr).toContain('npm run cost -- --spans-per-day N')
  }
})

test('an idle deployment is within the free quotas, and says what it has no figures for', async () => {
  const report = await estimateCost({ ...options, spansPerDay: 0 })
  expect(report.month).toEqual(report.idle)
  expect(report.idle.usd).toBe(0)
  expect(report.idle.listUsd).toBeGreaterThan(0)
  expect(report).toMatchObject({ listUsdPerMillion: null, nextMillionUsd: null, perSpan: null, quotas: null })
  expect(describeReport(report)).toContain('idle: $0.0000 to pay')
})

test('a busy month: a million more costs what a million costs once the quotas are used up', async () => {
  const report = await estimateCost({ ...options, spansPerDay: 1e9 })
  const withoutFixed = report.listUsdPerMillion!
  expect(report.nextMillionUsd!).toBeGreaterThan(0)
  // Logging of a request has a quota that is never used up in this traffic; all else is paid.
  expect(Math.abs(report.nextMillionUsd! - withoutFixed) / withoutFixed).toBeLessThan(0.05)
  expect(describeReport(report)).toMatch(/each million spans: \$\d+\.\d{4} at list price/)
})
