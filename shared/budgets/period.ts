import { Temporal } from 'temporal-polyfill'
import { type Budget, type CalendarPeriod, endOf } from './budget.ts'

/** A stretch of time, in milliseconds since 1970: `start` inclusive, `end` exclusive. */
export interface Window {
  readonly start: number
  readonly end: number
}

/** The end of what never ends: the last instant of `Date`. */
export const FOREVER = 8.64e15

const HOUR_MS = 3_600_000

/** A rolling window is counted in this many slices: spend leaves it at most one slice late, never early. */
export const ROLLING_SLICES = 60

/** The length of a slice of a rolling window, in milliseconds. */
export function sliceMillis(rollingSeconds: number): number {
  return Math.ceil((rollingSeconds * 1000) / ROLLING_SLICES)
}

/**
 * The calendar period that `at` falls in, in `timeZone`. Periods of one kind and zone partition time: days that daylight
 * saving makes 23 or 25 hours long, days that a zone skipped, and hours cut by a shift of half an hour included.
 */
export function calendarWindow(period: CalendarPeriod, timeZone: string, at: number): Window {
  if (period === 'total') return { start: 0, end: FOREVER }
  const moment = Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(timeZone)
  if (period === 'hour') return hourWindow(moment)
  const [first, next] = datesOf(period, moment.toPlainDate())
  const [start, end] = [startOf(first, timeZone), startOf(next, timeZone)]
  if (at < end) return { start, end }
  // Clocks were put back over midnight: what has begun goes on.
  return { start: end, end: startOf(datesOf(period, next)[1], timeZone) }
}

/** The first day of the period that `day` is in, and of the next one. */
function datesOf(
  period: 'day' | 'week' | 'month',
  day: Temporal.PlainDate,
): [first: Temporal.PlainDate, next: Temporal.PlainDate] {
  if (period === 'day') return [day, day.add({ days: 1 })]
  const first = period === 'week' ? day.subtract({ days: day.dayOfWeek - 1 }) : day.with({ day: 1 })
  return [first, first.add(period === 'week' ? { days: 7 } : { months: 1 })]
}

/** The first instant of a day; of a day that the zone skipped, the instant at which it was skipped. */
function startOf(day: Temporal.PlainDate, timeZone: string): number {
  return day.toZonedDateTime(timeZone).epochMilliseconds
}

/** Hours run with the wall clock; a transition that is no whole hour ends one early. */
function hourWindow(moment: Temporal.ZonedDateTime): Window {
  const offset = moment.offsetNanoseconds / 1e6
  const at = moment.epochMilliseconds
  const start = Math.floor((at + offset) / HOUR_MS) * HOUR_MS - offset
  const before = moment.add({ nanoseconds: 1 }).getTimeZoneTransition('previous')?.epochMilliseconds ?? start
  const after = moment.getTimeZoneTransition('next')?.epochMilliseconds ?? FOREVER
  return { start: Math.max(start, before), end: Math.min(start + HOUR_MS, after) }
}

/** How people call the period that begins at `start`: `2026-11-21`, `2026-W47`, `2026-11`, `2026-11-21T14:00+01:00`, `total`, `rolling`. */
export function periodName(period: Budget['period'], timeZone: string, start: number): string {
  if (period === 'total') return 'total'
  if (typeof period === 'object') return 'rolling'
  const moment = Temporal.Instant.fromEpochMilliseconds(start).toZonedDateTimeISO(timeZone)
  const day = moment.toPlainDate()
  if (period === 'day') return day.toString()
  if (period === 'month') return day.toPlainYearMonth().toString()
  if (period === 'week') return `${day.yearOfWeek}-W${String(day.weekOfYear).padStart(2, '0')}`
  return moment.toString({ smallestUnit: 'minute', timeZoneName: 'never' })
}

type Question = Pick<Budget, 'period' | 'timeZone' | 'grants' | 'resets'>

/**
 * Tells periods and buckets of one budget, remembering boundaries already found. A bucket is what is counted as one: the part
 * of a period (or slice) between two times at which a grant begins or ends or the budget was reset, so that spend always tells which
 * grants could pay for it, and whether it was forgiven.
 */
export class Calendar {
  readonly #budget: Question
  readonly #cuts: readonly number[]
  readonly #known = new Map<number, Window>()
  #last: Window = { start: 1, end: 0 }

  constructor(budget: Question) {
    this.#budget = budget
    const cuts = budget.grants.flatMap((grant) => [grant.from, endOf(grant)])
    for (const { at } of budget.resets ?? []) cuts.push(at)
    this.#cuts = [...new Set(cuts)].sort((a, b) => a - b)
  }

  /** The period (calendar) or slice (rolling) that `at` falls in. */
  window(at: number): Window {
    if (at >= this.#last.start && at < this.#last.end) return this.#last
    const { period, timeZone } = this.#budget
    if (typeof period === 'object') {
      const size = sliceMillis(period.rollingSeconds)
      const start = Math.floor(at / size) * size
      this.#last = { start, end: start + size }
      return this.#last
    }
    const day = Math.floor(at / HOUR_MS)
    const known = this.#known.get(day)
    if (known !== undefined && at >= known.start && at < known.end) {
      this.#last = known
      return known
    }
    if (this.#known.size >= MAX_KNOWN) this.#known.clear()
    this.#last = calendarWindow(period, timeZone, at)
    this.#known.set(day, this.#last)
    return this.#last
  }

  /** The start of the bucket that `at` falls in. */
  bucket(at: number): number {
    let start = this.window(at).start
    for (const cut of this.#cuts) if (cut <= at && cut > start) start = cut
    return start
  }
}

/** Boundaries that a {@link Calendar} remembers. */
const MAX_KNOWN = 2_000
