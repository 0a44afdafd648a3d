import type { ListedModel, ListedPeriod } from './listing.ts'
import type { PriceList, PricePlan } from './plan.ts'

/** Prices of one model over time. */
export interface Quote {
  /** The plan that held at a time, in nanoseconds since 1970; or why there was none. */
  at(timeUnixNano: bigint): PricePlan | string
}

/** When a plan holds: from a time on, and if given only between two times of day (UTC), in milliseconds. */
interface Period {
  readonly from: number
  readonly daily: { readonly start: number; readonly end: number } | null
  readonly plan: PricePlan
}

const NANOS_PER_MILLI = 1_000_000n
const DAY_MILLIS = 86_400_000

/** Compiles a model's listed prices, period by period. */
export function compileQuote(prices: ListedModel['prices'], compile: (prices: PriceList) => PricePlan): Quote {
  if (!Array.isArray(prices)) return constantQuote(compile(prices as PriceList))
  const periods: Period[] = []
  let from = Number.NEGATIVE_INFINITY
  for (const { constraint, prices: list } of prices as readonly ListedPeriod[]) {
    if (constraint?.type === 'start_date') from = Date.parse(`${constraint.start_date}T00:00:00Z`)
    const daily =
      constraint?.type === 'time_of_date'
        ? { start: timeOfDay(constraint.start_time), end: timeOfDay(constraint.end_time) }
        : null
    periods.push({ from, daily, plan: compile(list) })
  }
  return { at: (timeUnixNano) => planAt(periods, Number(timeUnixNano / NANOS_PER_MILLI)) }
}

/** The same plan at all times. */
export function constantQuote(plan: PricePlan): Quote {
  return { at: () => plan }
}

/** The last listed period that holds. Hours of the day belong to the start date listed before them. */
function planAt(periods: readonly Period[], millis: number): PricePlan {
  const time = millis % DAY_MILLIS
  for (let i = periods.length - 1; i > 0; i--) {
    const { from, daily, plan } = periods[i]!
    if (millis < from) continue
    if (daily === null) return plan
    const { start, end } = daily
    if (start <= end ? time >= start && time < end : time >= start || time < end) return plan
  }
  return periods[0]!.plan
}

/** Milliseconds since midnight UTC of `HH:MM:SSZ` or `HH:MM:SS±hh:mm`. */
function timeOfDay(text: string): number {
  return ((Date.parse(`1970-01-02T${text}`) % DAY_MILLIS) + DAY_MILLIS) % DAY_MILLIS
}
