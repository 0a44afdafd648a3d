import type { Attributes, AttributeValue } from './attributes.ts'
import type { Span, SpanEvent, SpanLink } from './span.ts'

/** What a span, an event or a link holds besides its texts and attributes: ids, times, counts, and the object itself. */
const FIXED_BYTES = { span: 1_024, event: 128, link: 256 } as const
/** What a value or an entry of a map takes besides its text. */
const VALUE_BYTES = 48
/** From here on a text is worth a look at its characters; shorter ones count one byte each. */
const LONG_TEXT = 256

/**
 * About how much memory a span takes once it is read, in bytes: its texts in UTF-8 and an allowance for each value. Readers
 * bound what they hold by it, so it must grow with whatever a sender can make large.
 */
export function spanBytes(span: Span): number {
  const { resource, scope } = span
  let bytes = FIXED_BYTES.span + textBytes(span.name) + textBytes(span.statusMessage) + textBytes(span.traceState)
  bytes += attributesBytes(span.attributes) + attributesBytes(resource.attributes) + attributesBytes(scope.attributes)
  bytes += textBytes(resource.schemaUrl) + textBytes(scope.schemaUrl) + textBytes(scope.name) + textBytes(scope.version)
  for (const event of span.events) bytes += eventBytes(event)
  for (const link of span.links) bytes += linkBytes(link)
  return bytes
}

function eventBytes({ name, attributes }: SpanEvent): number {
  return FIXED_BYTES.event + textBytes(name) + attributesBytes(attributes)
}

function linkBytes({ traceState, attributes }: SpanLink): number {
  return FIXED_BYTES.link + textBytes(traceState) + attributesBytes(attributes)
}

function attributesBytes(attributes: Attributes): number {
  let bytes = 0
  for (const [key, value] of attributes) bytes += textBytes(key) + valueBytes(value)
  return bytes
}

function valueBytes(value: AttributeValue): number {
  if (typeof value === 'string') return VALUE_BYTES + textBytes(value)
  if (typeof value !== 'object' || value === null) return VALUE_BYTES
  if (value instanceof Uint8Array) return VALUE_BYTES + value.byteLength
  if (value instanceof Map) return VALUE_BYTES + attributesBytes(value)
  let bytes = VALUE_BYTES
  for (const item of value as readonly AttributeValue[]) bytes += valueBytes(item)
  return bytes
}

function textBytes(text: string): number {
  return text.length < LONG_TEXT ? text.length : Buffer.byteLength(text)
}
