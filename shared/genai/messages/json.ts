import type { AttributeValue } from '../../spans/attributes.ts'

/** A value as JSON has it. */
export type Json = string | number | boolean | null | readonly Json[] | JsonRecord
export interface JsonRecord {
  readonly [key: string]: Json
}

/** A tree that is deeper, or has more values, is not read at all: nothing is shown that is only half of what was said. */
export const MAX_DEPTH = 64
export const MAX_VALUES = 100_000

/** The object or array that a text holds; undefined if it holds none, or one beyond the bounds. */
export function parseJson(text: string): readonly Json[] | JsonRecord | undefined {
  if (!looksLikeJson(text)) return undefined
  try {
    const value = JSON.parse(text) as readonly Json[] | JsonRecord
    return isWithinBounds(value) ? value : undefined
  } catch {
    return undefined
  }
}

/** Whether a text starts as an object or an array does. */
export function looksLikeJson(text: string): boolean {
  return /^\s*[[{]/.test(text)
}

/**
 * An attribute as JSON: int64 from 2^53 on as text; -0 as 0; bytes, NaN and infinities as null. Text stays text.
 * Undefined if it is beyond the bounds.
 */
export function attributeAsJson(value: AttributeValue): Json | undefined {
  const json = plain(value, 0)
  return json !== undefined && isWithinBounds(json) ? json : undefined
}

/**
 * The same, where text may be JSON too. Text that starts as JSON but is none was cut off on its way: it is nothing, and so is
 * JSON beyond the bounds.
 */
export function valueAsJson(value: AttributeValue): Json | undefined {
  if (typeof value !== 'string') return attributeAsJson(value)
  return looksLikeJson(value) ? parseJson(value) : value
}

function plain(value: AttributeValue, depth: number): Json | undefined {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value.toString()
  if (typeof value === 'number') return Number.isFinite(value) ? value + 0 : null
  if (typeof value !== 'object' || value === null) return value
  if (value instanceof Uint8Array) return null
  if (depth === MAX_DEPTH) return undefined
  if (value instanceof Map) {
    const entries: [string, Json][] = []
    for (const [key, member] of value) {
      const json = plain(member, depth + 1)
      if (json === undefined) return undefined
      entries.push([key, json])
    }
    return Object.fromEntries(entries)
  }
  const items: Json[] = []
  for (const item of value as readonly AttributeValue[]) {
    const json = plain(item, depth + 1)
    if (json === undefined) return undefined
    items.push(json)
  }
  return items
}

/** By levels, because a recursion as deep as hostile input would end the stack. */
function isWithinBounds(root: Json): boolean {
  let count = 0
  let level: Json[] = [root]
  for (let depth = 0; level.length > 0; depth++) {
    count += level.length
    if (depth > MAX_DEPTH || count > MAX_VALUES) return false
    level = level.flatMap((value) => (typeof value === 'object' && value !== null ? Object.values(value) : []))
  }
  return true
}

/** Whether a value is an object. */
export function isRecord(value: Json | undefined): value is JsonRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The first value that is there and not null. */
export function firstOf(...values: readonly (Json | undefined)[]): Json | undefined {
  return values.find((value) => value !== undefined && value !== null)
}

/** The first text that is there and not empty. */
export function firstText(...values: readonly (Json | undefined)[]): string | undefined {
  return values.find((value): value is string => typeof value === 'string' && value !== '')
}
