import type { Hours, ListedModel, ListedPeriod } from './listing.ts'
import type { PriceList, PricePlan } from './plan.ts'

/** Prices of one model over time. */
export interface Quote {
  /** The plan that held at a time, in nanoseconds since 1970; or why there was none. */
  at(timeUnixNano: bigint): PricePlan | string
}

/** When a plan holds: from a time on, and if given only at some hours. In milliseconds. */
interface Period {
  readonly from: number
  readonly hours: DayHours | null
  /** Or why there is none. */
  readonly plan: PricePlan | string
}

/** Between two times of day (UTC): of every day, or of weekdays that are no holidays (days since 1970). */
interface DayHours {
  readonly start: number
  readonly end: number
  readonly holidays: ReadonlySet<number> | null
}

const NANOS_PER_MILLI = 1_000_000n
const DAY_MILLIS = 86_400_000

/** Compiles a model's listed prices, period by period. */
export function compileQuote(prices: ListedModel['prices'], compile: (prices: PriceList) => PricePlan): Quote {
  if (!Array.isArray(prices)) return constantQuote(compile(prices as PriceList))
  const periods: Period[] = []
  let from = Number.NEGATIVE_INFINITY
  for (const { constraint, prices: list } of prices as readonly ListedPeriod[]) {
    if (constraint?.type === 'start_date') from = Date.parse(constraint.start_date)
    const hours = constraint?.type === 'time_of_date' ? dayHours(constraint) : null
    periods.push({ from, hours, plan: typeof list === 'string' ? list : compile(list) })
  }
  return { at: (timeUnixNano) => planAt(periods, Number(timeUnixNano / NANOS_PER_MILLI)) }
}

/** The same plan at all times. */
export function constantQuote(plan: PricePlan): Quote {
  return { at: () => plan }
}

/** The last listed period that holds. Hours of the day belong to the start date listed before them. */
function planAt(periods: readonly Period[], millis: number): PricePlan | string {
  for (let i = periods.length - 1; i > 0; i--) {
    const { from, hours, plan } = periods[i]!
    if (millis >= from && (hours === null || isWithin(hours, millis))) return plan
  }
  return periods[0]!.plan
}

function isWithin({ start, end, holidays }: DayHours, millis: number): boolean {
  const time = millis % DAY_MILLIS
  if (start <= end ? time < start || time >= end : time < start && time >= end) return false
  if (holidays === null) return true
  const day = Math.floor(millis / DAY_MILLIS)
  // 1970 began on a Thursday.
  return (day + 3) % 7 < 5 && !holidays.has(day)
}

function dayHours({ start_time, end_time, weekdaysBut }: Hours): DayHours {
  const holidays = weekdaysBut === undefined ? null : new Set(weekdaysBut.map((day) => Date.parse(day) / DAY_MILLIS))
  return { start: timeOfDay(start_time), end: timeOfDay(end_time), holidays }
}

/** Milliseconds since midnight UTC of `HH:MM:SSZ` or `HH:MM:SS±hh:mm`. */
function timeOfDay(text: string): number {
  return ((Date.parse(`1970-01-02T${text}`) % DAY_MILLIS) + DAY_MILLIS) % DAY_MILLIS
}
