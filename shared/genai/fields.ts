import type { AttributeValue } from '../spans/attributes.ts'
import { cutName } from '../spans/name.ts'

/** What emitters say about a call, under whatever key. Token fields come first; they are all counts. */
export const FIELDS = [
  'input',
  'output',
  'total',
  'cacheRead',
  'cacheWrite',
  'cacheWrite5m',
  'cacheWrite1h',
  'uncachedInput',
  'reasoning',
  'inputAudio',
  'inputImage',
  'outputAudio',
  'outputImage',
  'cacheReadAudio',
  'cacheReadImage',
  'webSearches',
  'operation',
  'kind',
  'provider',
  'requestModel',
  'responseModel',
  'responseId',
  'serviceTier',
  'requestedTier',
  'agentName',
  'toolName',
  'reportedCost',
  'user',
  'session',
  'conversation',
  'environment',
  'summary',
  'usageJson',
  'metadataJson',
] as const
export type Field = (typeof FIELDS)[number]

/** Index of each field in a {@link Reading}. */
export const FIELD = Object.fromEntries(FIELDS.map((field, index) => [field, index])) as Readonly<Record<Field, number>>

/** The fields below this index are counts. */
export const COUNT_FIELDS = FIELD.operation

/** What one span said, by field; undefined where it said nothing. */
export type Reading = (AttributeValue | undefined)[]

/** The non-empty string in a field; '' otherwise. */
export function text(reading: Reading, field: number): string {
  return name(reading[field])
}

/** A name or id, cut where no sane one reaches; '' for what is none. */
export function name(value: AttributeValue | undefined): string {
  return typeof value === 'string' ? cutName(value) : ''
}

/** Sets a field that the keys left empty. */
export function fill(reading: Reading, field: number, value: AttributeValue | undefined): void {
  if (value !== null && value !== undefined) reading[field] ??= value
}
