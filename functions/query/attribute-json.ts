import type { Attributes, AttributeValue } from '../../shared/spans/attributes.ts'

/**
 * An attribute as plain JSON: int64 as a number, or as decimal text from 2^53 on; NaN and infinities as text; bytes in
 * base64; a kvlist as an object.
 */
function attributeJson(value: AttributeValue): unknown {
  switch (typeof value) {
    case 'bigint':
      return Number.isSafeInteger(Number(value)) ? Number(value) : value.toString()
    case 'number':
      return Number.isFinite(value) ? value : String(value)
    case 'string':
    case 'boolean':
      return value
  }
  if (value === null) return null
  if (value instanceof Uint8Array)
    return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64')
  return Array.isArray(value) ? value.map(attributeJson) : attributesJson(value as Attributes)
}

/** Attributes as a JSON object of {@link attributeJson}. */
export function attributesJson(attributes: Attributes): Record<string, unknown> {
  // Not by assignment: a key `__proto__` would set the prototype instead.
  return Object.fromEntries(Array.from(attributes, ([key, value]) => [key, attributeJson(value)]))
}
