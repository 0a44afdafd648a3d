import type { Attributes, AttributeValue } from './attributes.ts'

/**
 * Attribute values as the stores keep them: plain text that reads well in SQL (`5`, `true`, `["a","b"]`), and one
 * letter each that says what the text was, so that every AnyValue comes back exactly as it arrived:
 * `s` string, `b` bool, `i` int64, `d` double, `y` bytes (base64), `a` array and `k` kvlist (JSON), `n` empty,
 * `j` an array or kvlist that JSON cannot hold exactly (bytes, NaN or Infinity inside): OTLP/JSON AnyValue.
 */
export type AttributeKind = 's' | 'b' | 'i' | 'd' | 'y' | 'a' | 'k' | 'n' | 'j'

/** The letter of `value`; see {@link AttributeKind}. */
export function attributeKind(value: AttributeValue): AttributeKind {
  switch (typeof value) {
    case 'string':
      return 's'
    case 'boolean':
      return 'b'
    case 'bigint':
      return 'i'
    case 'number':
      return 'd'
  }
  if (value === null) return 'n'
  if (value instanceof Uint8Array) return 'y'
  if (!isPlainJson(value)) return 'j'
  return Array.isArray(value) ? 'a' : 'k'
}

/** The text of `value`; '' for an empty one. */
export function attributeText(value: AttributeValue): string {
  switch (typeof value) {
    case 'string':
      return value
    case 'boolean':
      return value ? 'true' : 'false'
    case 'bigint':
      return value.toString()
    case 'number':
      return Object.is(value, -0) ? '-0' : String(value)
  }
  if (value === null) return ''
  if (value instanceof Uint8Array) return base64(value)
  return isPlainJson(value) ? plainJson(value) : otlpJson(value)
}

/** The kinds of all values, one letter each, in order. */
export function attributeKinds(attributes: Attributes): string {
  let kinds = ''
  for (const value of attributes.values()) kinds += attributeKind(value)
  return kinds
}

/** The inverse of {@link attributeText} for a value of `kind`. */
export function attributeFromText(text: string, kind: string): AttributeValue {
  switch (kind) {
    case 'b':
      return text === 'true'
    case 'i':
      return BigInt(text)
    case 'd':
      return Number(text)
    case 'y':
      return new Uint8Array(Buffer.from(text, 'base64'))
    case 'n':
      return null
    case 'a':
    case 'k':
      return fromPlain(parseExactJson(text))
    case 'j':
      return fromOtlpJson(JSON.parse(text))
    default:
      return text
  }
}

/** Attributes as an OTLP/JSON list of KeyValue, for the JSON columns (events, links). Exact. */
export function attributesToOtlpJson(attributes: Attributes): unknown[] {
  return Array.from(attributes, ([key, value]) => ({ key, value: toOtlpJson(value) }))
}

/** The inverse of {@link attributesToOtlpJson}. */
export function attributesFromOtlpJson(list: unknown): Attributes {
  const attributes = new Map<string, AttributeValue>()
  for (const { key, value } of list as { key: string; value: unknown }[]) attributes.set(key, fromOtlpJson(value))
  return attributes
}

/** A finite double as a JSON number that no reader takes for an integer: `5.0`, `1e+21`, `-0.0`. */
function jsonDouble(value: number): string {
  if (Object.is(value, -0)) return '-0.0'
  const text = String(value)
  return Number.isInteger(value) && !text.includes('e') ? `${text}.0` : text
}

function isPlainJson(value: AttributeValue): boolean {
  if (value === null || typeof value !== 'object') return typeof value !== 'number' || Number.isFinite(value)
  if (value instanceof Uint8Array) return false
  for (const item of value.values() as Iterable<AttributeValue>) if (!isPlainJson(item)) return false
  return true
}

function plainJson(value: AttributeValue): string {
  if (value === null) return 'null'
  if (typeof value === 'string') return JSON.stringify(value)
  if (typeof value === 'number') return jsonDouble(value)
  if (typeof value !== 'object') return attributeText(value)
  if (Array.isArray(value)) return `[${value.map(plainJson).join(',')}]`
  const members = Array.from(value as Attributes, ([key, item]) => `${JSON.stringify(key)}:${plainJson(item)}`)
  return `{${members.join(',')}}`
}

/** Parses JSON keeping the source text of numbers: an integer without `.` or exponent is an int64. */
function parseExactJson(text: string): unknown {
  const revive = (_key: string, value: unknown, context: { source?: string }) => {
    if (typeof value !== 'number' || context.source === undefined) return value
    return /[.eE]/.test(context.source) ? value : BigInt(context.source)
  }
  return JSON.parse(text, revive as (key: string, value: unknown) => unknown)
}

function fromPlain(value: unknown): AttributeValue {
  if (value === null || typeof value !== 'object') return value as AttributeValue
  if (Array.isArray(value)) return value.map(fromPlain)
  return new Map(Object.entries(value).map(([key, item]) => [key, fromPlain(item)]))
}

function toOtlpJson(value: AttributeValue): Record<string, unknown> {
  switch (typeof value) {
    case 'string':
      return { stringValue: value }
    case 'boolean':
      return { boolValue: value }
    case 'bigint':
      return { intValue: value.toString() }
    case 'number':
      return { doubleValue: Number.isFinite(value) && !Object.is(value, -0) ? value : attributeText(value) }
  }
  if (value === null) return {}
  if (value instanceof Uint8Array) return { bytesValue: base64(value) }
  if (Array.isArray(value)) return { arrayValue: { values: value.map(toOtlpJson) } }
  return { kvlistValue: { values: attributesToOtlpJson(value as Attributes) } }
}

function otlpJson(value: AttributeValue): string {
  return JSON.stringify(toOtlpJson(value))
}

function fromOtlpJson(json: unknown): AttributeValue {
  const any = json as Record<string, unknown>
  if ('stringValue' in any) return any.stringValue as string
  if ('boolValue' in any) return any.boolValue as boolean
  if ('intValue' in any) return BigInt(any.intValue as string)
  if ('doubleValue' in any) return Number(any.doubleValue)
  if ('bytesValue' in any) return new Uint8Array(Buffer.from(any.bytesValue as string, 'base64'))
  if ('arrayValue' in any) return (any.arrayValue as { values: unknown[] }).values.map(fromOtlpJson)
  if ('kvlistValue' in any) return attributesFromOtlpJson((any.kvlistValue as { values: unknown }).values)
  return null
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
}
