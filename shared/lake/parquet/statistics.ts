import thrift from 'parquetjs-lite/gen-nodejs/parquet_types.js'
import { writtenBytes } from './byte-sink.ts'
import type { Values } from './values.ts'

/** Bounds longer than this are left out: a reader must not mistake a shortened one for a value. */
const LONGEST_BOUND = 128

/** Least and greatest value of a chunk (texts in the order of their bytes, as Parquet wants it) and its number of nulls. */
export function chunkStatistics(values: Values, nulls: number): thrift.Statistics {
  const bounds = values.distinct === 0 ? undefined : findBounds(values)
  if (bounds === undefined) return new thrift.Statistics({ null_count: nulls })
  return new thrift.Statistics({ null_count: nulls, min_value: bounds.min, max_value: bounds.max })
}

interface Bounds {
  readonly min: Buffer
  readonly max: Buffer
}

function findBounds(values: Values): Bounds | undefined {
  switch (values.type) {
    case 'BYTE_ARRAY':
      return textBounds(values)
    case 'INT64':
      return integerBounds(values)
    case 'DOUBLE':
      return doubleBounds(values)
  }
}

function textBounds(values: Values): Bounds | undefined {
  const { bytes } = values.plain
  let min = 0
  let max = 0
  for (let id = 1; id < values.distinct; id++) {
    const start = values.starts[id] as number
    if (compareTexts(bytes, start, values.starts[min] as number) < 0) min = id
    else if (compareTexts(bytes, start, values.starts[max] as number) > 0) max = id
  }
  const least = textBytes(bytes, values.starts[min] as number)
  const greatest = textBytes(bytes, values.starts[max] as number)
  if (least.length > LONGEST_BOUND || greatest.length > LONGEST_BOUND) return undefined
  return { min: least, max: greatest }
}

/** Compares two length-prefixed texts byte by byte; most differ within a few, where a native call costs more than the loop. */
function compareTexts(bytes: Buffer, a: number, b: number): number {
  const aLength = bytes.readUInt32LE(a)
  const bLength = bytes.readUInt32LE(b)
  const common = Math.min(aLength, bLength)
  const loop = Math.min(common, 16)
  for (let at = 4; at < loop + 4; at++) {
    const difference = (bytes[a + at] as number) - (bytes[b + at] as number)
    if (difference !== 0) return difference
  }
  if (common <= 16) return aLength - bLength
  return bytes.compare(bytes, b + 4, b + 4 + bLength, a + 4, a + 4 + aLength)
}

function textBytes(bytes: Buffer, start: number): Buffer {
  return Buffer.from(bytes.subarray(start + 4, start + 4 + bytes.readUInt32LE(start)))
}

function integerBounds(values: Values): Bounds {
  const bytes = writtenBytes(values.plain)
  let min = bytes.readBigInt64LE(0)
  let max = min
  for (let at = 8; at < bytes.length; at += 8) {
    const value = bytes.readBigInt64LE(at)
    if (value < min) min = value
    else if (value > max) max = value
  }
  const bounds = { min: Buffer.alloc(8), max: Buffer.alloc(8) }
  bounds.min.writeBigInt64LE(min)
  bounds.max.writeBigInt64LE(max)
  return bounds
}

/** None with NaN, which has no place in the order; zeros widened to both signs, since readers differ on them. */
function doubleBounds(values: Values): Bounds | undefined {
  const bytes = writtenBytes(values.plain)
  let min = Number.POSITIVE_INFINITY
  let max = Number.NEGATIVE_INFINITY
  for (let at = 0; at < bytes.length; at += 8) {
    const value = bytes.readDoubleLE(at)
    if (Number.isNaN(value)) return undefined
    if (value < min) min = value
    if (value > max) max = value
  }
  const bounds = { min: Buffer.alloc(8), max: Buffer.alloc(8) }
  bounds.min.writeDoubleLE(min === 0 ? -0 : min)
  bounds.max.writeDoubleLE(max === 0 ? 0 : max)
  return bounds
}
