import { isUtf8 } from 'node:buffer'
import { SpanledgerError } from '../errors.ts'
import { MAX_DEPTH } from './limits.ts'

/** Brackets that one level of an AnyValue takes, `{"arrayValue":{"values":[{…`, and those around an event's attribute. */
const MAX_JSON_DEPTH = MAX_DEPTH * 4 + 32
/** A longer run of digits may not be exact as a double. */
const SAFE_DIGITS = 15
/** Digits that a 64-bit integer can have, and then some: longer ones are no integers of ours, and slow to make. */
const MAX_DIGITS = 40

/**
 * Parses hostile JSON bytes: integers of more digits than a double holds come as bigint, everything else as `JSON.parse` gives it.
 * Depth, and the number of objects, arrays and members, are bounded before anything is built. Throws `otlp/malformed` or `otlp/too-large`.
 */
export function parseJson(data: Uint8Array, { maxParts }: { maxParts: number }): unknown {
  if (!isUtf8(data)) throw malformed('JSON is not UTF-8')
  const hasLongNumber = surveyJson(data, maxParts)
  const text = Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('utf8')
  try {
    return hasLongNumber ? JSON.parse(text, reviveExact as (key: string, value: unknown) => unknown) : JSON.parse(text)
  } catch (error) {
    throw new SpanledgerError('otlp/malformed', `not JSON${describePlace(error)}`, { cause: error })
  }
}

/** Where it is no JSON, from 0. What the error says itself quotes the text, which may hold anything. */
function describePlace(error: unknown): string {
  const { message } = error as Error
  if (message.includes('end of JSON input')) return ': it ends too early'
  const at = /at position (\d+)/.exec(message)?.[1]
  return at === undefined ? '' : `, from character ${at} on`
}

function reviveExact(_key: string, value: unknown, { source }: { source?: string }): unknown {
  if (typeof value !== 'number' || source === undefined) return value
  if (source.length <= SAFE_DIGITS || source.length > MAX_DIGITS) return value
  return /^-?\d+$/.test(source) ? BigInt(source) : value
}

/** Checks the bounds in one pass over the bytes; returns whether there is a number that a double may not hold. */
function surveyJson(data: Uint8Array, maxParts: number): boolean {
  let depth = 0
  let parts = 0
  let digits = 0
  let hasLongNumber = false
  for (let at = 0; at < data.length; at++) {
    const byte = data[at]!
    if (byte >= 0x30 && byte <= 0x39) {
      if (++digits > SAFE_DIGITS) hasLongNumber = true
      continue
    }
    digits = 0
    if (byte === 0x22) {
      for (at++; at < data.length && data[at] !== 0x22; at++) if (data[at] === 0x5c) at++
    } else if (byte === 0x7b || byte === 0x5b) {
      if (++depth > MAX_JSON_DEPTH) throw malformed(`JSON nested deeper than ${MAX_JSON_DEPTH}`)
      parts++
    } else if (byte === 0x3a) {
      parts++
    } else if (byte === 0x7d || byte === 0x5d) {
      depth--
    }
    if (parts > maxParts) {
      throw new SpanledgerError(
        'otlp/too-large',
        `more than ${maxParts} objects, arrays and members: send smaller batches`,
      )
    }
  }
  return hasLongNumber
}

function malformed(what: string): SpanledgerError {
  return new SpanledgerError('otlp/malformed', what)
}
