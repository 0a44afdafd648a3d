import { z } from '@hono/zod-openapi'
import { isSpanledgerError, SpanledgerError } from '../../shared/errors.ts'

const MAX_VALUES = 100
const MAX_TEXT = 4_096
const NANOS_PER_MILLI = 1_000_000n
const MILLI_DECIMALS = 6

/** A query parameter that may be given once, read by `parse`; what `parse` says of a wrong one goes to the caller. */
export function parameter<T>(description: string, parse: (text: string) => T, example?: string) {
  return z
    .string('given more than once')
    .max(MAX_TEXT, `longer than ${MAX_TEXT} characters`)
    .refine((text) => !text.includes('\0'), 'holds a NUL')
    .transform((text, context) => attempt(() => parse(text), context))
    .optional()
    .meta({ type: 'string', description, ...(example !== undefined && { example }) })
}

/** A query parameter that may be repeated. */
export function repeatable<T>(description: string, parse: (text: string) => T, example?: string) {
  return list(description, (texts) => texts.map(parse), example)
}

/** Any of a fixed set of words, in any case, repeated or comma-separated. */
export function choices<const T extends string>(description: string, words: readonly T[], example?: string) {
  const byName = new Map(words.map((word) => [word.toLowerCase(), word]))
  const parse = (text: string): T => {
    const word = byName.get(text.trim().toLowerCase())
    if (word === undefined) throw new SpanledgerError('query/invalid', `must be any of ${words.join(', ')}`)
    return word
  }
  const documented = `${description}: any of ${words.join(', ')}, repeated or comma-separated`
  return list(documented, (texts) => [...new Set(texts.flatMap((text) => text.split(',')).map(parse))], example)
}

function list<T>(description: string, parse: (texts: string[]) => T[], example?: string) {
  const text = z
    .string()
    .max(MAX_TEXT, `longer than ${MAX_TEXT} characters`)
    .refine((value) => !value.includes('\0'), 'holds a NUL')
  return z
    .union([text.transform((value) => [value]), z.array(text).max(MAX_VALUES, `given more than ${MAX_VALUES} times`)])
    .transform((texts, context) => attempt(() => parse(texts), context))
    .optional()
    .meta({ type: 'array', items: { type: 'string' }, description, ...(example !== undefined && { example }) })
}

function attempt<T>(parse: () => T, context: z.RefinementCtx): T {
  try {
    return parse()
  } catch (error) {
    if (!isSpanledgerError(error)) throw error
    context.addIssue({ code: 'custom', message: error.message.replace(/^\w+: /, '') })
    return z.NEVER
  }
}

/** Text as it is; the empty one matches where nothing was said. */
export function text(value: string): string {
  return value
}

/** Milliseconds with up to six decimals as nanoseconds. */
export function millis(value: string): bigint {
  const match = /^(\d{1,12})(?:\.(\d{1,6}))?$/.exec(value)
  if (match === null) {
    throw new SpanledgerError('query/invalid', 'must be milliseconds of 0 or more, with at most 6 decimals')
  }
  const [, whole = '', fraction = ''] = match
  return BigInt(whole) * NANOS_PER_MILLI + BigInt(fraction.padEnd(MILLI_DECIMALS, '0'))
}

/** A trace id, in either case. */
export function traceId(value: string): string {
  if (!/^[0-9a-fA-F]{32}$/.test(value)) throw new SpanledgerError('query/invalid', 'a trace id is 32 hex digits')
  return value.toLowerCase()
}

/** `key=value` or `key:value`, split at the first of either. */
export function attribute(value: string): { key: string; value: string } {
  const at = value.search(/[=:]/)
  if (at < 1) throw new SpanledgerError('query/invalid', 'must be key=value or key:value')
  return { key: value.slice(0, at), value: value.slice(at + 1) }
}

/** An integer of `min` to `max`. */
export function integer(min: number, max: number): (value: string) => number {
  return (value) => {
    const number = /^\d{1,10}$/.test(value) ? Number(value) : Number.NaN
    if (!(number >= min && number <= max)) throw new SpanledgerError('query/invalid', `must be ${min} to ${max}`)
    return number
  }
}
