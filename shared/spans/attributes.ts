/**
 * An OpenTelemetry AnyValue as a plain value. int64 is `bigint` and double is `number`, so the two never mix;
 * an empty AnyValue is `null`; a kvlist is a `Map`.
 */
export type AttributeValue =
  | string
  | boolean
  | bigint
  | number
  | null
  | Uint8Array
  | readonly AttributeValue[]
  | Attributes

/** Attributes by key, in the order they arrived. Of a key that arrives twice the last value holds. */
export type Attributes = ReadonlyMap<string, AttributeValue>

/** No attributes: one shared instance, so that an empty span allocates none. */
export const NO_ATTRIBUTES: Attributes = new Map()

/** The string under `key`; undefined where it is absent, empty or of another type. */
export function stringAttribute(attributes: Attributes, key: string): string | undefined {
  const value = attributes.get(key)
  return typeof value === 'string' && value !== '' ? value : undefined
}
