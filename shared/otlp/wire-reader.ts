import { isUtf8 } from 'node:buffer'
import { SpanledgerError } from '../errors.ts'
import { internAscii } from './intern.ts'
import { BUS_LIMITS, MAX_DEPTH, type OtlpLimits } from './limits.ts'
import type { RejectReason } from './rejections.ts'

const VARINT = 0
const FIXED64 = 1
const BYTES = 2
const FIXED32 = 5

/** Longest strings that are looked up before they are built, in bytes: keys repeat, other long strings seldom do. */
const MAX_INTERNED_KEY = 48
const MAX_INTERNED = 24

/** Node's own decoders behind `Buffer.toString`, which are a third faster without its argument checks. */
export type SlicingBuffer = Buffer & {
  utf8Slice(start: number, end: number): string
  latin1Slice(start: number, end: number): string
  hexSlice(start: number, end: number): string
}

/**
 * Reads protobuf fields from hostile bytes: whatever they are, it ends, stays inside them, and throws nothing but
 * `otlp/malformed` and `otlp/too-large`. A broken limit does not throw: `refusal` says why what is being read must be refused.
 */
export class WireReader {
  readonly bytes: SlicingBuffer
  readonly view: DataView
  readonly limits: OtlpLimits
  readonly maxDepth: number
  pos = 0
  /** The first limit broken since it was last cleared. */
  refusal: RejectReason | undefined
  #objectsLeft: number

  constructor(data: Uint8Array, limits: OtlpLimits) {
    if (data.length > limits.maxBytes) throw tooLarge(`more than ${limits.maxBytes} bytes: send smaller batches`)
    this.bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength) as SlicingBuffer
    this.view = new DataView(data.buffer, data.byteOffset, data.byteLength)
    this.limits = limits
    this.maxDepth = Math.min(limits.maxDepth, MAX_DEPTH)
    this.#objectsLeft = limits.maxObjects
  }

  refuse(reason: RejectReason): void {
    this.refusal ??= reason
  }

  /** Counts an object that is about to be built. */
  countObject(): void {
    if (--this.#objectsLeft < 0) {
      throw tooLarge(`more than ${this.limits.maxObjects} spans, events, links and lists: send smaller batches`)
    }
  }

  malformed(what: string): SpanledgerError {
    return new SpanledgerError('otlp/malformed', `${what} at byte ${this.pos}`)
  }

  /** A varint's low 32 bits, unsigned; of an int64 or longer the rest is dropped, as protobuf wants. */
  uint32(end: number): number {
    const { bytes } = this
    let value = 0
    for (let shift = 0; shift < 70; shift += 7) {
      if (this.pos >= end) throw this.malformed('truncated varint')
      const byte = bytes[this.pos++]!
      if (shift < 32) value |= (byte & 0x7f) << shift
      if (byte < 0x80) return value >>> 0
    }
    throw this.malformed('varint of more than 10 bytes')
  }

  /** The next field's number and wire type as one number: `number << 3 | type`. */
  tag(end: number): number {
    const byte = this.bytes[this.pos]!
    if (byte >= 8 && byte < 0x80 && this.pos < end) {
      this.pos++
      return byte
    }
    const tag = this.uint32(end)
    if (tag < 8) throw this.malformed('field number 0')
    return tag
  }

  /** Reads a length and returns where what follows ends: inside `end`, or it throws. */
  end(end: number): number {
    let length = this.bytes[this.pos]!
    if (length < 0x80 && this.pos < end) this.pos++
    else length = this.uint32(end)
    if (length > end - this.pos) throw this.malformed(`length ${length} past the end`)
    return this.pos + length
  }

  /** An int64 as a signed bigint. */
  int64(end: number): bigint {
    const { bytes } = this
    const start = this.pos
    let low = 0
    // 49 bits are exact in a double, and enough for all but the rarest integer.
    for (let scale = 1; scale <= 2 ** 42; scale *= 128) {
      if (this.pos >= end) throw this.malformed('truncated varint')
      const byte = bytes[this.pos++]!
      low += (byte & 0x7f) * scale
      if (byte < 0x80) return BigInt(low)
    }
    this.pos = start
    let value = 0n
    for (let shift = 0n; shift < 70n; shift += 7n) {
      if (this.pos >= end) throw this.malformed('truncated varint')
      const byte = bytes[this.pos++]!
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return BigInt.asIntN(64, value)
    }
    throw this.malformed('varint of more than 10 bytes')
  }

  bool(end: number): boolean {
    const { bytes } = this
    let any = 0
    for (let count = 0; count < 10; count++) {
      if (this.pos >= end) throw this.malformed('truncated varint')
      const byte = bytes[this.pos++]!
      any |= byte & 0x7f
      if (byte < 0x80) return any !== 0
    }
    throw this.malformed('varint of more than 10 bytes')
  }

  fixed32(end: number): number {
    return this.view.getUint32(this.#fixed(4, end), true)
  }

  double(end: number): number {
    return this.view.getFloat64(this.#fixed(8, end), true)
  }

  /** Nanoseconds since 1970; refused as `invalid_time` from 2^63. */
  time(end: number): bigint {
    const at = this.#fixed(8, end)
    if (this.bytes[at + 7]! < 0x80) return this.view.getBigUint64(at, true)
    this.refuse('invalid_time')
    return 0n
  }

  /** A string that is expected to come again, such as an attribute's key; otherwise like {@link string}. */
  key(end: number, maxBytes: number, reason: RejectReason): string {
    return this.string(end, maxBytes, reason, MAX_INTERNED_KEY)
  }

  /** A string; refused for `reason`, and not built, when longer than `maxBytes`. */
  string(end: number, maxBytes: number, reason: RejectReason, maxInterned = MAX_INTERNED): string {
    const stop = this.end(end)
    const start = this.pos
    const length = stop - start
    this.pos = stop
    if (length > maxBytes) {
      this.refuse(reason)
      return ''
    }
    if (length <= maxInterned) {
      const text = internAscii(this.bytes, start, stop)
      if (text !== undefined) return text
    }
    const text = this.bytes.utf8Slice(start, stop)
    // What is not UTF-8 decodes to U+FFFD; only then is it worth asking whether the sender wrote that character.
    if (text.includes('\ufffd') && !isUtf8(this.bytes.subarray(start, stop))) throw this.malformed('invalid UTF-8')
    return text
  }

  /** A copy of a bytes value; refused like {@link string}. */
  copy(end: number): Uint8Array {
    const stop = this.end(end)
    const start = this.pos
    this.pos = stop
    if (stop - start <= this.limits.maxAttributeBytes) return new Uint8Array(this.bytes.subarray(start, stop))
    this.refuse('attribute_too_long')
    return new Uint8Array(0)
  }

  /**
   * Skips a field that is not known. A field numbered from `first` to `last` is known, and got here by a wrong wire type.
   * Groups are not proto3, and nobody sends them but to nest without lengths.
   */
  skip(tag: number, end: number, first: number, last: number): void {
    const number = tag >>> 3
    if (number >= first && number <= last) throw this.malformed(`wrong wire type ${tag & 7} of field ${number}`)
    switch (tag & 7) {
      case VARINT:
        this.uint32(end)
        return
      case FIXED64:
        this.#fixed(8, end)
        return
      case BYTES:
        this.pos = this.end(end)
        return
      case FIXED32:
        this.#fixed(4, end)
        return
      default:
        throw this.malformed(`wire type ${tag & 7} of field ${number}`)
    }
  }

  #fixed(size: number, end: number): number {
    const at = this.pos
    if (end - at < size) throw this.malformed('truncated number')
    this.pos = at + size
    return at
  }
}

/**
 * Keeps the class's hidden class alive where messages come and go: with the last reader V8 would collect it, and all code that was
 * compiled for it. Compiling that again and again took the thread that prices 1.2 µs a span.
 */
export const IDLE_READER: WireReader = new WireReader(new Uint8Array(0), BUS_LIMITS)

function tooLarge(what: string): SpanledgerError {
  return new SpanledgerError('otlp/too-large', what)
}
