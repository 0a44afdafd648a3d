import { ASSUMPTIONS, SCHEDULE, SIZING, SOFT_DELETE_DAYS } from './assumptions.ts'
import type { HourReport } from './hour.ts'
import { type Counts, scale, sum } from './meter.ts'
import { UNITS, type Unit } from './prices.ts'

/** How much is sent, and how long it is kept. */
export interface MonthOptions {
  readonly spansPerDay: number
  readonly spansPerRequest: number
  /** Least size of a span in protobuf. 0 for none. */
  readonly bytesPerSpan: number
  /** How many months' spans are stored at the end of the month. */
  readonly monthsKept: number
}

/** How a month's traffic is told from one hour's. */
export interface MonthPlan {
  readonly spans: number
  readonly requests: number
  /** Exports that are measured, and milliseconds from one to the next: as far apart as in the month. */
  readonly sampled: number
  readonly apartMs: number
  /** Hours that are like it; in the others nothing is sent. */
  readonly activeHours: number
  /** How many times the traffic of the measured hour each of them has. */
  readonly factor: number
}

/** What is used in a month, by what is billed. */
export type Usage = Readonly<Record<Unit, number>>

/** A busier hour is measured by this many exports, fewer where they are large, and scaled: all of it would take minutes. */
const MAX_SAMPLED = 120
const MIN_SAMPLED = 24
const SAMPLED_BYTES = 32e6
const LEAST_SPAN_BYTES = 480
const HOUR_MS = 3_600_000
/** Of scheduled runs, what grows with traffic in a busy hour; operations of the lake do not, until a run's messages exceed one file. */
const BY_TRAFFIC = new Set([
  'pubsub.bytes',
  'bigquery.streamedBytes',
  'bigquery.bytes',
  'run.vcpuSeconds',
  'run.gibSeconds',
  'storage.bytes',
  'storage.deletedBytes',
])

/** Which hour is to be measured, and how often the month has it. */
export function planMonth({ spansPerDay, spansPerRequest, bytesPerSpan }: MonthOptions): MonthPlan {
  const { daysPerMonth } = ASSUMPTIONS
  const hours = daysPerMonth * 24
  const spans = spansPerDay * daysPerMonth
  const requests = spans / spansPerRequest
  const perHour = requests / hours
  const exportBytes = spansPerRequest * Math.max(LEAST_SPAN_BYTES, bytesPerSpan)
  const most = Math.min(MAX_SAMPLED, Math.max(MIN_SAMPLED, Math.floor(SAMPLED_BYTES / exportBytes)))
  const sampled = Math.min(most, Math.ceil(perHour))
  const factor = Math.max(1, perHour / most)
  const apartMs = HOUR_MS / Math.max(1, sampled * factor)
  return {
    spans,
    requests,
    sampled,
    apartMs,
    factor,
    activeHours: Math.min(hours, sampled === 0 ? 0 : requests / sampled / factor),
  }
}

/** A month as `hour` was measured. Exports are evenly spaced; where fewer than one an hour is sent, most hours are idle. */
export function usageOf(hour: HourReport, plan: MonthPlan, { monthsKept }: MonthOptions): Usage {
  const { activeHours, factor, requests } = plan
  const hours = ASSUMPTIONS.daysPerMonth * 24
  const scheduled = Object.fromEntries(
    Object.entries(hour.scheduled).map(([counter, amount]) => [
      counter,
      BY_TRAFFIC.has(counter) ? withTraffic(amount, hour.idle[counter as keyof Counts] ?? 0, factor) : amount,
    ]),
  )
  const counts: Counts = sum(
    scale(hour.messages, activeHours * factor),
    scale(scheduled, activeHours),
    scale(hour.idle, hours - activeHours),
    startsOf(requests),
  )
  const of = (counter: keyof Counts) => Math.max(0, counts[counter] ?? 0)
  const byteMonths = {
    'bigquery.byteMonths': of('bigquery.bytes') * monthsKept,
    'storage.byteMonths':
      of('storage.bytes') * monthsKept + (of('storage.deletedBytes') * SOFT_DELETE_DAYS) / ASSUMPTIONS.daysPerMonth,
  }
  const standing = { 'scheduler.jobs': SCHEDULE.jobs, 'secrets.versions': 1 }
  const all = { ...counts, ...byteMonths, ...standing } as Partial<Record<Unit, number>>
  return Object.fromEntries(UNITS.map((unit) => [unit, Math.max(0, all[unit] ?? 0)])) as Usage
}

/** What runs that find nothing take does not grow. */
function withTraffic(amount: number, idle: number, factor: number): number {
  return idle + (amount - idle) * factor
}

/** What it takes to start instances, where requests are too far apart to find one. */
function startsOf(requests: number): Counts {
  const { daysPerMonth, idleInstanceMs, startMs } = ASSUMPTIONS
  const apart = requests === 0 ? 0 : (daysPerMonth * 86_400_000) / requests
  if (apart <= idleInstanceMs) return {}
  const starts = (['ingest', 'price', 'budget', 'warehouse'] as const).map((name): Counts => {
    const { cpu, gib } = SIZING[name]
    const seconds = (requests * startMs) / 1000 / Math.min(1, cpu)
    return { 'run.vcpuSeconds': seconds * cpu, 'run.gibSeconds': seconds * gib }
  })
  return sum(...starts)
}
