import { type Attributes, type AttributeValue, NO_ATTRIBUTES } from '../../spans/attributes.ts'
import type { Span } from '../../spans/span.ts'

/**
 * Bytes (`spanBytes`) above which a span is kept whole in `large_spans`, and its row has the beginnings only: 16 KiB. DuckDB
 * reads and compresses 2,048 neighbouring rows at once, which then take 32 MiB; in JSON, whose escapes take up to six bytes
 * for one, 192 MiB, and still no more than it may use.
 */
export const LARGE_SPAN_BYTES = 16 * 1024

/** Bytes that a text or attribute value may keep: the first with which all of the span's beginnings fit. */
const CUTS = [4_096, 1_024, 256, 64] as const
/** An attribute with a longer key, in UTF-16 units, is left out: a cut key would be another one. */
const MAX_KEY_LENGTH = 256
/** What a value, an event or a link takes besides its texts. */
const VALUE_BYTES = 48
const EVENT_BYTES = 128
const LINK_BYTES = 256

/** Counts down; below 0, what is being built is too large. */
interface Room {
  left: number
}

/**
 * The beginnings of a large span: a span of at most about {@link LARGE_SPAN_BYTES}, whose long texts and lists are cut. Its
 * order is kept; what does not fit even so is left out, links and events first.
 */
export function trimSpan(span: Span): Span {
  let trimmed = span
  for (const cut of CUTS) {
    const room = { left: LARGE_SPAN_BYTES }
    trimmed = trimTo(cut, span, room)
    if (room.left >= 0) break
  }
  return trimmed
}

function trimTo(cut: number, span: Span, room: Room): Span {
  const text = (whole: string) => spend(cutText(whole, cut), room)
  const { resource, scope } = span
  return {
    ...span,
    name: text(span.name),
    statusMessage: text(span.statusMessage),
    traceState: text(span.traceState),
    resource: {
      ...resource,
      attributes: trimAttributes(cut, resource.attributes, room),
      schemaUrl: text(resource.schemaUrl),
    },
    scope: {
      ...scope,
      name: text(scope.name),
      version: text(scope.version),
      schemaUrl: text(scope.schemaUrl),
      attributes: trimAttributes(cut, scope.attributes, room),
    },
    attributes: trimAttributes(cut, span.attributes, room),
    events: takeWhileRoom(span.events, room, (event) => {
      room.left -= EVENT_BYTES
      return { ...event, name: text(event.name), attributes: trimAttributes(cut, event.attributes, room) }
    }),
    links: takeWhileRoom(span.links, room, (link) => {
      room.left -= LINK_BYTES
      return { ...link, traceState: text(link.traceState), attributes: trimAttributes(cut, link.attributes, room) }
    }),
  }
}

function trimAttributes(cut: number, attributes: Attributes, room: Room): Attributes {
  const kept = new Map<string, AttributeValue>()
  for (const [key, value] of attributes) {
    if (key.length > MAX_KEY_LENGTH) continue
    const own = { left: cut + VALUE_BYTES }
    const trimmed = trimValue(value, own)
    spend(key, room)
    room.left -= cut + VALUE_BYTES - own.left
    if (room.left < 0) break
    kept.set(key, trimmed)
  }
  return kept.size === 0 ? NO_ATTRIBUTES : kept
}

function trimValue(value: AttributeValue, room: Room): AttributeValue {
  room.left -= VALUE_BYTES
  if (typeof value === 'string') return spend(cutText(value, room.left), room)
  if (typeof value !== 'object' || value === null) return value
  if (value instanceof Uint8Array) {
    const bytes = value.subarray(0, Math.max(0, Math.floor((room.left * 3) / 4)))
    room.left -= Math.ceil((bytes.length * 4) / 3)
    return bytes
  }
  if (!(value instanceof Map)) {
    return takeWhileRoom(value as readonly AttributeValue[], room, (item) => trimValue(item, room))
  }
  const members = takeWhileRoom([...(value as Attributes)], room, ([key, item]) => {
    const start = spend(cutText(key, room.left), room)
    return [start, trimValue(item, room)] as const
  })
  return new Map(members)
}

/** The first items, up to and without the one that there is no room for. */
function takeWhileRoom<T, U>(items: readonly T[], room: Room, trim: (item: T) => U): U[] {
  const kept: U[] = []
  for (const item of items) {
    if (room.left <= 0) break
    kept.push(trim(item))
  }
  return kept
}

/** The longest beginning of `text` that is whole characters and at most `bytes` long in UTF-8. */
function cutText(text: string, bytes: number): string {
  if (bytes <= 0) return ''
  if (text.length * 3 <= bytes) return text
  const start = Buffer.from(text.slice(0, bytes))
  if (start.length <= bytes) return text.length <= bytes ? text : start.toString()
  let end = bytes
  while (((start[end] as number) & 0xc0) === 0x80) end--
  return start.toString('utf8', 0, end)
}

/** `text`, paid for as JSON: the columns of events, links and lists hold it so. */
function spend(text: string, room: Room): string {
  room.left -= Buffer.byteLength(JSON.stringify(text)) - 2
  return text
}
