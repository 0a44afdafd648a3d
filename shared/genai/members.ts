import type { Attributes, AttributeValue } from '../spans/attributes.ts'

/** JSON longer than this is not parsed: usage objects are small, and a span must not cost more than it is worth. */
const MAX_JSON_LENGTH = 64 * 1024

/** The members of an attribute that holds an object, as a kvlist or as JSON text; undefined if it holds none. */
export function members(value: AttributeValue | undefined): Attributes | undefined {
  if (value instanceof Map) return value
  if (typeof value !== 'string' || value.length > MAX_JSON_LENGTH || value[0] !== '{') return undefined
  const parsed = parse(value)
  if (typeof parsed !== 'object' || parsed === null) return undefined
  return new Map(Object.entries(parsed as Record<string, AttributeValue>))
}

/** The object under `key`; undefined if there is none. */
export function member(object: Attributes | undefined, key: string): Attributes | undefined {
  const value = object?.get(key)
  if (value instanceof Map) return value
  if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof Uint8Array)
    return undefined
  return new Map(Object.entries(value as unknown as Record<string, AttributeValue>))
}

/** A string that an emitter may have wrapped as JSON text (`"CHAT_MODEL"`). */
export function unquoted(value: AttributeValue | undefined): string {
  if (typeof value !== 'string') return ''
  if (value[0] !== '"' || value.length > MAX_JSON_LENGTH) return value
  const parsed = parse(value)
  return typeof parsed === 'string' ? parsed : value
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
