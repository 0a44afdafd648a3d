import type { SlicingBuffer } from './wire-reader.ts'

type WritingBuffer = SlicingBuffer & { utf8Write(text: string, at: number): number }

/** What is kept between messages, in bytes: enough for nearly all, and little to hold on to. */
const KEPT_BYTES = 2 * 1024 * 1024
const START_BYTES = 64 * 1024

/**
 * Writes protobuf forward into one growing buffer. A length is written once its content is: room for its likely size is left,
 * and the content moved in the rare case of a wrong guess, so that all lengths are minimal and the bytes deterministic.
 */
export class WireWriter {
  #bytes: WritingBuffer
  #view: DataView
  pos = 0

  constructor(startBytes = START_BYTES) {
    this.#bytes = Buffer.allocUnsafeSlow(startBytes) as WritingBuffer
    this.#view = new DataView(this.#bytes.buffer)
  }

  /** A copy of what was written, and a fresh start. */
  take(): Uint8Array {
    const result = new Uint8Array(this.pos)
    this.#bytes.copy(result, 0, 0, this.pos)
    this.reset()
    return result
  }

  /** Forgets what was written. */
  reset(): void {
    this.pos = 0
    if (this.#bytes.length <= KEPT_BYTES) return
    this.#bytes = Buffer.allocUnsafeSlow(START_BYTES) as WritingBuffer
    this.#view = new DataView(this.#bytes.buffer)
  }

  /** What was written from `start` to `end`: valid until the next write. */
  written(start: number, end: number): Uint8Array {
    return this.#bytes.subarray(start, end)
  }

  #ensure(size: number): void {
    const needed = this.pos + size
    if (needed <= this.#bytes.length) return
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.#bytes.length * 2)) as WritingBuffer
    this.#bytes.copy(grown, 0, 0, this.pos)
    this.#bytes = grown
    this.#view = new DataView(grown.buffer)
  }

  #varint(value: number): void {
    const bytes = this.#bytes
    let rest = value
    while (rest > 0x7f) {
      bytes[this.pos++] = (rest & 0x7f) | 0x80
      rest >>>= 7
    }
    bytes[this.pos++] = rest
  }

  uint32(tag: number, value: number): void {
    this.#ensure(16)
    this.#varint(tag)
    this.#varint(value >>> 0)
  }

  bool(tag: number, value: boolean): void {
    this.uint32(tag, value ? 1 : 0)
  }

  int64(tag: number, value: bigint): void {
    if (value >= 0n && value <= 0x7fffffffn) {
      this.uint32(tag, Number(value))
      return
    }
    this.#ensure(16)
    this.#varint(tag)
    const unsigned = BigInt.asUintN(64, value)
    let low = Number(unsigned & 0xfffffffn)
    const middle = Number((unsigned >> 28n) & 0xfffffffn)
    const high = Number(unsigned >> 56n)
    const bytes = this.#bytes
    for (let at = 0; at < 4; at++, low >>>= 7) bytes[this.pos++] = (low & 0x7f) | 0x80
    if (high === 0) {
      this.#varint(middle)
      return
    }
    for (let at = 0; at < 4; at++) bytes[this.pos++] = ((middle >>> (7 * at)) & 0x7f) | 0x80
    this.#varint(high)
  }

  double(tag: number, value: number): void {
    this.#ensure(16)
    this.#varint(tag)
    this.#view.setFloat64(this.pos, value, true)
    this.pos += 8
  }

  fixed64(tag: number, value: bigint): void {
    this.#ensure(16)
    this.#varint(tag)
    this.#view.setBigUint64(this.pos, value, true)
    this.pos += 8
  }

  fixed32(tag: number, value: number): void {
    this.#ensure(16)
    this.#varint(tag)
    this.#view.setUint32(this.pos, value, true)
    this.pos += 4
  }

  /** A string in UTF-8; a lone surrogate becomes U+FFFD. */
  string(tag: number, text: string): void {
    const { length } = text
    this.#ensure(length * 3 + 16)
    this.#varint(tag)
    const start = this.pos + sizeOfVarint(length)
    const written = length < 40 ? this.#short(text, start) : this.#bytes.utf8Write(text, start)
    this.#lengthBefore(start, written)
  }

  #short(text: string, start: number): number {
    const bytes = this.#bytes
    for (let at = 0; at < text.length; at++) {
      const code = text.charCodeAt(at)
      if (code > 0x7f) return bytes.utf8Write(text, start)
      bytes[start + at] = code
    }
    return text.length
  }

  /** Bytes given as hex digits. */
  hex(tag: number, digits: string): void {
    const length = digits.length >>> 1
    this.#ensure(length + 16)
    this.#varint(tag)
    this.#varint(length)
    this.#bytes.write(digits, this.pos, length, 'hex')
    this.pos += length
  }

  bytes(tag: number, value: Uint8Array): void {
    this.#ensure(value.length + 16)
    this.#varint(tag)
    this.#varint(value.length)
    this.#bytes.set(value, this.pos)
    this.pos += value.length
  }

  /** Bytes as they are, of a field or of several. */
  raw(value: Uint8Array): void {
    this.#ensure(value.length)
    this.#bytes.set(value, this.pos)
    this.pos += value.length
  }

  /** Starts a message of about `guess` bytes; returns what {@link close} wants. */
  open(tag: number, guess: number): number {
    this.#ensure(16)
    this.#varint(tag)
    this.pos += sizeOfVarint(guess)
    return this.pos
  }

  /** Ends the message that {@link open} started with the same `guess`. */
  close(start: number, guess: number): void {
    this.#ensure(16)
    const length = this.pos - start
    this.pos = start - sizeOfVarint(guess)
    this.#lengthBefore(start, length)
  }

  /** Writes `length` at `pos`, before the content at `start`, which moves if the room between does not fit. */
  #lengthBefore(start: number, length: number): void {
    const target = this.pos + sizeOfVarint(length)
    if (target !== start) this.#bytes.copyWithin(target, start, start + length)
    this.#varint(length)
    this.pos = target + length
  }
}

/** How many bytes `value` takes as a varint. */
export function sizeOfVarint(value: number): number {
  if (value < 0x80) return 1
  if (value < 0x4000) return 2
  if (value < 0x200000) return 3
  return value < 0x10000000 ? 4 : 5
}
