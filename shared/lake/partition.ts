const HOUR_NANOS = 3_600_000_000_000n
const HOUR_MILLIS = 3_600_000

/** Where spans lie, by their own start time. */
export const TRACES = 'traces/'
/** Where spans lie whose start time is outside the window; same layout, so that they can be looked at and moved back. */
export const QUARANTINE = 'quarantine/traces/'
/** Where corrections of spans lie, by the start time of what they correct: ids and ledgers in rows of the same columns. */
export const CORRECTIONS = 'corrections/traces/'
/** Where compacted files wait until no reader needs their inputs any more; below it, names are as in the end. */
export const STAGING = 'compacting/'

/** Hours since 1970 of a time in nanoseconds. */
export function hourOf(timeUnixNano: bigint): number {
  return Number(timeUnixNano / HOUR_NANOS)
}

/** The prefix of the hour's objects: `traces/dt=2026-02-05/hr=09/`. */
export function partitionPrefix(base: string, hour: number): string {
  const time = new Date(hour * HOUR_MILLIS).toISOString()
  return `${base}dt=${time.slice(0, 10)}/hr=${time.slice(11, 13)}/`
}

/** The hour of a partition's prefix or of an object in it; undefined for any other name. */
export function partitionHour(name: string): number | undefined {
  const match = /(?:^|\/)dt=(\d{4}-\d{2}-\d{2})\/hr=(\d{2})\//.exec(name)
  const time = match ? Date.parse(`${match[1]}T${match[2]}:00:00Z`) : Number.NaN
  return Number.isNaN(time) ? undefined : time / HOUR_MILLIS
}

/** Up to and including the last `/`. */
export function prefixOf(name: string): string {
  return name.slice(0, name.lastIndexOf('/') + 1)
}

/**
 * What a file's name says. The files of a partition are numbered; a compacted one says which numbers it stands for, since when
 * (`version`), and that it is part `part` of `parts`.
 */
export interface FileName {
  readonly first: number
  readonly last: number
  /** 0 for a fresh file. */
  readonly version: number
  readonly part: number
  readonly parts: number
}

/** `spans_0001.parquet`, or `spans_0001-0042_v1_1of3.parquet` for a compacted one. */
export function fileName({ first, last, version, part, parts }: FileName): string {
  const number = (value: number) => String(value).padStart(4, '0')
  if (version === 0) return `spans_${number(first)}.parquet`
  return `spans_${number(first)}-${number(last)}_v${version}_${part}of${parts}.parquet`
}

/** The inverse of {@link fileName} for an object's name, with or without its prefix; undefined where it is not one of ours. */
export function parseFileName(name: string): FileName | undefined {
  const match = /(?:^|\/)spans_(\d{4,15})(?:-(\d{4,15})_v(\d{1,9})_(\d{1,9})of(\d{1,9}))?\.parquet$/.exec(name)
  if (match === null) return undefined
  const first = Number(match[1])
  if (match[2] === undefined) return { first, last: first, version: 0, part: 1, parts: 1 }
  return { first, last: Number(match[2]), version: Number(match[3]), part: Number(match[4]), parts: Number(match[5]) }
}
