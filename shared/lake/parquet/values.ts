import { type ByteSink, createByteSink, reserve } from './byte-sink.ts'

/** Physical types of Parquet that the lake's columns have. */
export type PhysicalType = 'BYTE_ARRAY' | 'INT64' | 'DOUBLE'

/** Texts longer than this are not looked up: hashing them costs more than writing them, and they hardly ever repeat. */
const LONGEST_LOOKUP = 1024
const TRIAL = 4096
const WORTHWHILE = 0.75
const ASCII_LOOP = 80

/**
 * The values of one column chunk: each distinct one once, in PLAIN encoding, and an index into these for each value. Where a trial
 * shows that values hardly repeat, they are no longer looked up, only appended.
 */
export interface Values {
  readonly type: PhysicalType
  /** Of each value, which distinct one it is. */
  ids: Uint32Array
  count: number
  readonly known: Map<string | number | bigint, number>
  searching: boolean
  /** The distinct values, PLAIN; one starts at each of `starts[0..distinct)`. */
  readonly plain: ByteSink
  starts: Uint32Array
  distinct: number
}

export function createValues(type: PhysicalType): Values {
  return {
    type,
    ids: new Uint32Array(1024),
    count: 0,
    known: new Map(),
    searching: true,
    plain: createByteSink(),
    starts: new Uint32Array(1024),
    distinct: 0,
  }
}

/** Forgets all values and keeps the memory, unless it has grown beyond what the next chunk is likely to need. */
export function clearValues(values: Values): void {
  values.count = 0
  values.distinct = 0
  values.searching = true
  values.known.clear()
  values.plain.length = 0
  if (values.plain.bytes.length > 4 * 1024 * 1024) values.plain.bytes = Buffer.allocUnsafe(1024)
}

/** Appends the distinct value `id` once more. */
export function addId(values: Values, id: number): void {
  if (values.count === values.ids.length) values.ids = grown(values.ids)
  values.ids[values.count++] = id
}

/** Appends a text and returns its id. Lone surrogates become U+FFFD: Parquet strings are UTF-8. */
export function addText(values: Values, text: string): number {
  if (values.searching && text.length <= LONGEST_LOOKUP) {
    const known = values.known.get(text)
    if (known !== undefined) {
      addId(values, known)
      return known
    }
    values.known.set(text, values.distinct)
  }
  const id = startDistinct(values)
  appendText(values.plain, text)
  addId(values, id)
  considerSearching(values)
  return id
}

/** Appends a number: an int64 or a double, as the type of `values` says. */
export function addNumber(values: Values, value: bigint | number): void {
  // A Map takes -0 for 0, but they are two doubles.
  const searching = values.searching && !Object.is(value, -0)
  if (searching) {
    const known = values.known.get(value)
    if (known !== undefined) {
      addId(values, known)
      return
    }
    values.known.set(value, values.distinct)
  }
  const id = startDistinct(values)
  const { plain } = values
  reserve(plain, 8)
  if (values.type === 'DOUBLE') plain.bytes.writeDoubleLE(Number(value), plain.length)
  else plain.bytes.writeBigInt64LE(BigInt.asIntN(64, BigInt(value)), plain.length)
  plain.length += 8
  addId(values, id)
  considerSearching(values)
}

function startDistinct(values: Values): number {
  if (values.distinct === values.starts.length) values.starts = grown(values.starts)
  values.starts[values.distinct] = values.plain.length
  return values.distinct++
}

function considerSearching(values: Values): void {
  if (!values.searching || values.count < TRIAL || values.distinct < values.count * WORTHWHILE) return
  values.searching = false
  values.known.clear()
}

/** Appends a text in PLAIN encoding: its length in bytes, then UTF-8. */
function appendText(sink: ByteSink, text: string): void {
  const { length } = text
  reserve(sink, 4 + (length > LONGEST_LOOKUP ? Buffer.byteLength(text) : length * 3))
  const { bytes } = sink
  const start = sink.length + 4
  let size = -1
  // Most texts are short ASCII, for which a loop beats the call into native code.
  if (length <= ASCII_LOOP) {
    let at = 0
    for (; at < length; at++) {
      const code = text.charCodeAt(at)
      if (code > 127) break
      bytes[start + at] = code
    }
    if (at === length) size = length
  }
  if (size < 0) size = bytes.write(text, start, 'utf8')
  bytes.writeUInt32LE(size, sink.length)
  sink.length = start + size
}

function grown(array: Uint32Array): Uint32Array {
  const larger = new Uint32Array(array.length * 2)
  larger.set(array)
  return larger
}
