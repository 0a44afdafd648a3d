import { type Attributes, type AttributeValue, NO_ATTRIBUTES } from '../spans/attributes.ts'
import { isLedgerKey, LEDGER_NAMESPACE } from '../spans/ledger.ts'
import type { WireReader } from './wire-reader.ts'

/** How many elements of an array take about the memory of an object. */
const ELEMENTS_PER_OBJECT = 8

type Mutable = Map<string, AttributeValue>

/** The key and value last read by {@link readKeyValue}: two results without an object for each pair. */
let key = ''
let value: AttributeValue = null

/** Reads one KeyValue message into `into`; a key that is there already gets the new value. */
export function readAttribute(reader: WireReader, end: number, into: Mutable, count: number): void {
  if (!readKeyValue(reader, end, count, 0)) return
  into.set(key, value)
}

/** Takes an attribute that is ours on the bus instead of the map that would hold it. */
export type Divert = (key: string, value: AttributeValue) => void

const FIRST_LETTER = LEDGER_NAMESPACE.charCodeAt(0)

/** Like {@link readAttribute}, but gives what is ours on the bus to `divert`. */
export function readOrDivert(
  reader: WireReader,
  end: number,
  into: Mutable,
  count: number,
  divert: Divert | undefined,
): void {
  if (!readKeyValue(reader, end, count, 0)) return
  // Most keys are told by one letter, without a call.
  if (divert !== undefined && key.charCodeAt(0) === FIRST_LETTER && isLedgerKey(key)) divert(key, value)
  else into.set(key, value)
}

/** False, and nothing read, where a limit is broken. `count` is how many its list had before. */
function readKeyValue(reader: WireReader, end: number, count: number, depth: number): boolean {
  const stop = reader.end(end)
  if (count >= reader.limits.maxAttributes) reader.refuse('too_many_attributes')
  if (reader.refusal !== undefined) {
    reader.pos = stop
    return false
  }
  let name = ''
  let found: AttributeValue = null
  while (reader.pos < stop) {
    const tag = reader.tag(stop)
    if (tag === 0x0a) name = reader.key(stop, reader.limits.maxAttributeBytes, 'attribute_too_long')
    else if (tag === 0x12) found = readValue(reader, reader.end(stop), found, depth)
    else reader.skip(tag, stop, 1, 2)
  }
  key = name
  value = found
  return true
}

/** Reads an AnyValue up to `stop`. `before` is what the field held already: proto3 merges a message that comes twice. */
function readValue(reader: WireReader, stop: number, before: AttributeValue, depth: number): AttributeValue {
  let result = before
  while (reader.pos < stop) {
    const tag = reader.tag(stop)
    switch (tag) {
      case 0x0a:
        result = reader.string(stop, reader.limits.maxAttributeBytes, 'attribute_too_long')
        break
      case 0x10:
        result = reader.bool(stop)
        break
      case 0x18:
        result = reader.int64(stop)
        break
      case 0x21:
        result = reader.double(stop)
        break
      case 0x2a:
        result = readArray(reader, reader.end(stop), result, depth + 1)
        break
      case 0x32:
        result = readKeyValueList(reader, reader.end(stop), result, depth + 1)
        break
      case 0x3a:
        result = reader.copy(stop)
        break
      default:
        reader.skip(tag, stop, 1, 7)
    }
  }
  return result
}

function isTooDeep(reader: WireReader, stop: number, depth: number): boolean {
  if (depth > reader.maxDepth) reader.refuse('too_deep')
  if (reader.refusal === undefined) return false
  reader.pos = stop
  return true
}

function readArray(reader: WireReader, stop: number, before: AttributeValue, depth: number): AttributeValue {
  if (isTooDeep(reader, stop, depth)) return null
  reader.countObject()
  const values = Array.isArray(before) ? (before as AttributeValue[]) : []
  while (reader.pos < stop) {
    const tag = reader.tag(stop)
    if (tag !== 0x0a) {
      reader.skip(tag, stop, 1, 1)
      continue
    }
    // An element may be two bytes: some of them count as much as one object.
    if (values.length % ELEMENTS_PER_OBJECT === 0) reader.countObject()
    values.push(readValue(reader, reader.end(stop), null, depth))
  }
  return values
}

function readKeyValueList(reader: WireReader, stop: number, before: AttributeValue, depth: number): AttributeValue {
  if (isTooDeep(reader, stop, depth)) return null
  let members = before instanceof Map && before !== NO_ATTRIBUTES ? (before as Mutable) : undefined
  let count = members?.size ?? 0
  while (reader.pos < stop) {
    const tag = reader.tag(stop)
    if (tag !== 0x0a) {
      reader.skip(tag, stop, 1, 1)
      continue
    }
    if (members === undefined) {
      reader.countObject()
      members = new Map()
    }
    if (readKeyValue(reader, stop, count++, depth)) members.set(key, value)
  }
  return members ?? NO_ATTRIBUTES
}

/** `attributes`, or the shared empty ones. */
export function settled(attributes: Mutable | undefined): Attributes {
  return attributes ?? NO_ATTRIBUTES
}
