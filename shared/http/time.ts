import { type ErrorCode, SpanledgerError } from '../errors.ts'

const NANOS_PER_SECOND = 1_000_000_000n
const PATTERN = /^(\d{4})-(\d{2})-(\d{2})[Tt](\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))?(?:[Zz]|([+-])(\d{2}):(\d{2}))$/

/** Nanoseconds since 1970 as RFC 3339 in UTC, with 0, 3, 6 or 9 decimals: as many as it takes. */
export function formatTime(nanos: bigint): string {
  const rest = ((nanos % NANOS_PER_SECOND) + NANOS_PER_SECOND) % NANOS_PER_SECOND
  const seconds = new Date(Number((nanos - rest) / 1_000_000n)).toISOString().slice(0, -5)
  if (rest === 0n) return `${seconds}Z`
  return `${seconds}.${rest
    .toString()
    .padStart(9, '0')
    .replace(/(?:000){1,2}$/, '')}Z`
}

/**
 * RFC 3339 as nanoseconds since 1970, exact to the ninth decimal. Throws `code` for anything else: a date alone, a
 * time without zone, a day that does not exist, a leap second.
 */
export function parseTime(text: string, code: ErrorCode = 'query/invalid'): bigint {
  const match = PATTERN.exec(text)
  const millis = match === null ? Number.NaN : wallMillis(match)
  if (match === null || Number.isNaN(millis)) {
    throw new SpanledgerError(
      code,
      'a time is RFC 3339 with a zone, such as 2026-01-31T09:30:00Z; in a URL, write the + of a zone as %2B',
    )
  }
  const [, , , , , , , fraction = '', sign, hours = '0', minutes = '0'] = match
  const offset = (Number(hours) * 60 + Number(minutes)) * 60_000 * (sign === '-' ? -1 : 1)
  return BigInt(millis - offset) * 1_000_000n + BigInt(fraction.padEnd(9, '0'))
}

/** Milliseconds since 1970 of the date and time as written; NaN where there is no such day, time or zone. */
function wallMillis(match: RegExpExecArray): number {
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ]
  if (hour > 23 || minute > 59 || second > 59 || Number(match[9] ?? 0) > 23 || Number(match[10] ?? 0) > 59)
    return Number.NaN
  const date = new Date(0)
  // Date.UTC would take the years 0 to 99 for 1900 to 1999.
  date.setUTCFullYear(year, month - 1, day)
  date.setUTCHours(hour, minute, second)
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day ? date.getTime() : Number.NaN
}
