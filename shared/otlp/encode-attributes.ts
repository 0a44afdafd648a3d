import type { Attributes, AttributeValue } from '../spans/attributes.ts'
import type { WireWriter } from './wire-writer.ts'

/** Writes `attributes` as repeated KeyValue fields of `tag`. */
export function writeAttributes(writer: WireWriter, tag: number, attributes: Attributes): void {
  for (const [key, value] of attributes) {
    const guess = key.length + sizeHint(value) + 8
    const start = writer.open(tag, guess)
    writer.string(0x0a, key)
    const valueGuess = sizeHint(value) + 4
    const valueStart = writer.open(0x12, valueGuess)
    writeValue(writer, value)
    writer.close(valueStart, valueGuess)
    writer.close(start, guess)
  }
}

/** About how many bytes `value` takes: a wrong guess costs time, nothing else. */
function sizeHint(value: AttributeValue): number {
  if (value === null || typeof value !== 'object') return typeof value === 'string' ? value.length : 9
  return value instanceof Uint8Array ? value.length : 128
}

function writeValue(writer: WireWriter, value: AttributeValue): void {
  switch (typeof value) {
    case 'string':
      writer.string(0x0a, value)
      return
    case 'boolean':
      writer.bool(0x10, value)
      return
    case 'bigint':
      writer.int64(0x18, value)
      return
    case 'number':
      writer.double(0x21, value)
      return
  }
  if (value === null) return
  if (value instanceof Uint8Array) {
    writer.bytes(0x3a, value)
    return
  }
  const isArray = Array.isArray(value)
  const start = writer.open(isArray ? 0x2a : 0x32, 128)
  if (isArray) {
    for (const item of value as readonly AttributeValue[]) {
      const guess = sizeHint(item) + 4
      const itemStart = writer.open(0x0a, guess)
      writeValue(writer, item)
      writer.close(itemStart, guess)
    }
  } else {
    writeAttributes(writer, 0x0a, value as Attributes)
  }
  writer.close(start, 128)
}
