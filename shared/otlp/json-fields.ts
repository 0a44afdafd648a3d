import type { RejectReason } from './rejections.ts'

/** A JSON object of which nothing is known yet. */
export type Json = Readonly<Record<string, unknown>>

/** Thrown where a value is not what its field wants: what holds it is refused for `reason`. */
export class FieldError extends Error {
  readonly reason: RejectReason

  constructor(reason: RejectReason) {
    super(reason)
    this.reason = reason
  }
}

function invalid(): FieldError {
  return new FieldError('invalid_field')
}

/** The message in a field; undefined if absent. */
export function objectField(value: unknown): Json | undefined {
  if (value === undefined || value === null) return undefined
  if (typeof value !== 'object' || Array.isArray(value)) throw invalid()
  return value as Json
}

/** The elements of a repeated field; none if absent. */
export function listField(value: unknown): readonly unknown[] {
  if (value === undefined || value === null) return []
  if (!Array.isArray(value)) throw invalid()
  return value
}

/** A string of at most `maxBytes` in UTF-8; lone surrogates become U+FFFD, as they would on the wire. */
export function textField(value: unknown, maxBytes: number, reason: RejectReason): string {
  if (value === undefined || value === null) return ''
  if (typeof value !== 'string') throw invalid()
  if (value.length * 3 > maxBytes && Buffer.byteLength(value) > maxBytes) throw new FieldError(reason)
  return value.toWellFormed()
}

/** An integer, exact, given as number or string; `0n` if absent. */
export function integerField(value: unknown, min: bigint, max: bigint, reason: RejectReason): bigint {
  if (value === undefined || value === null) return 0n
  const integer = toInteger(value)
  if (integer === undefined) throw invalid()
  if (integer < min || integer > max) throw new FieldError(reason)
  return integer
}

function toInteger(value: unknown): bigint | undefined {
  if (typeof value === 'bigint') return value
  if (typeof value === 'number') return Number.isInteger(value) ? BigInt(value) : undefined
  if (typeof value !== 'string' || value.length > 40) return undefined
  if (/^-?\d+$/.test(value)) return BigInt(value)
  // 1e3 and 1.0 are integers in proto3's JSON.
  return /^-?\d+(\.\d+)?([eE][+-]?\d+)?$/.test(value) && Number.isSafeInteger(Number(value))
    ? BigInt(Number(value))
    : undefined
}

const MIN_INT64 = -(2n ** 63n)
const MAX_INT64 = 2n ** 63n - 1n

/** An attribute's integer, exact; as a double where it is none of 64 bits: JavaScript's exporter sends 1e300 as an integer. */
export function numberField(value: unknown): bigint | number {
  const integer = toInteger(value)
  if (integer !== undefined && integer >= MIN_INT64 && integer <= MAX_INT64) return integer
  return doubleField(integer ?? value)
}

const MAX_UINT32 = 2n ** 32n - 1n

export function uint32Field(value: unknown): number {
  return Number(integerField(value, 0n, MAX_UINT32, 'invalid_field'))
}

/** Nanoseconds since 1970. */
export function timeField(value: unknown): bigint {
  return integerField(value, 0n, 2n ** 63n - 1n, 'invalid_time')
}

export function doubleField(value: unknown): number {
  if (typeof value === 'number') return value
  if (typeof value === 'bigint') return Number(value)
  if (value === 'NaN' || value === 'Infinity' || value === '-Infinity') return Number(value)
  if (typeof value === 'string' && /^-?\d+(\.\d+)?([eE][+-]?\d+)?$/.test(value)) return Number(value)
  throw invalid()
}

/** An enum by number or by name, with or without its prefix; the first of `names` where it is neither. */
export function enumField<T extends string>(value: unknown, names: readonly [T, ...T[]], prefix: string): T {
  if (value === undefined || value === null) return names[0]
  if (typeof value === 'number') return names[value] ?? names[0]
  if (typeof value !== 'string') throw invalid()
  if (/^\d{1,9}$/.test(value)) return names[Number(value)] ?? names[0]
  const name = value.startsWith(prefix) ? value.slice(prefix.length) : value
  return names.find((known) => known === name) ?? names[0]
}

/** Bytes in base64, of the standard or the URL alphabet, padded or not. */
export function bytesField(value: unknown, maxBytes: number, reason: RejectReason): Uint8Array {
  if (typeof value !== 'string') throw invalid()
  if (value.length * 0.75 > maxBytes + 2) throw new FieldError(reason)
  const bytes = fromBase64(value)
  if (bytes === undefined) throw invalid()
  if (bytes.length > maxBytes) throw new FieldError(reason)
  return bytes
}

function fromBase64(text: string): Uint8Array | undefined {
  const digits = text.endsWith('==') ? text.length - 2 : text.endsWith('=') ? text.length - 1 : text.length
  if (digits % 4 === 1) return undefined
  const bytes = new Uint8Array(Buffer.from(text, 'base64'))
  // The decoder passes over what is no digit, so that fewer bytes come out.
  return bytes.length === Math.floor((digits * 3) / 4) ? bytes : undefined
}

/** An id of `bytes` bytes as lower-case hex, from hex of either case or base64; '' if absent, undefined if it is neither. */
export function idField(value: unknown, bytes: number): string | undefined {
  if (value === undefined || value === null || value === '') return ''
  if (typeof value !== 'string') return undefined
  if (value.length === bytes * 2) return /^[0-9a-fA-F]+$/.test(value) ? value.toLowerCase() : undefined
  if (value.length > bytes * 2) return undefined
  const decoded = fromBase64(value)
  return decoded?.length === bytes ? Buffer.from(decoded.buffer).toString('hex') : undefined
}
