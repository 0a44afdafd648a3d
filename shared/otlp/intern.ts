const SLOTS = 4096
const table: string[] = new Array(SLOTS).fill('')

/** Where {@link internAscii} takes strings from. */
interface Source {
  readonly [index: number]: number
  latin1Slice(start: number, end: number): string
}

/**
 * The ASCII string in `bytes[start, end)`, the same object each time while it is in the table; undefined where a byte is not
 * ASCII. Attribute keys and enum-like values repeat from span to span: this saves decoding them, and a Map hashing them.
 * The table is bounded: each slot holds the last string that hashed to it.
 */
export function internAscii(bytes: Source, start: number, end: number): string | undefined {
  const length = end - start
  if (length === 0) return ''
  // A few bytes tell most names apart: `input_tokens` and `output_tokens` differ in length, others in the middle or at the end.
  let hash = Math.imul(length, 0x9e3779b1) + bytes[start]!
  hash = Math.imul(hash, 31) + bytes[start + (length >>> 1)]!
  hash = Math.imul(hash, 31) + bytes[start + ((length * 3) >>> 2)]!
  hash = Math.imul(hash, 31) + bytes[end - 1]!
  const slot = (hash ^ (hash >>> 15)) & (SLOTS - 1)
  const known = table[slot]!
  if (isSame(known, bytes, start, length)) return known
  for (let at = start; at < end; at++) if (bytes[at]! > 0x7f) return undefined
  const text = bytes.latin1Slice(start, end)
  table[slot] = text
  return text
}

function isSame(text: string, bytes: Source, start: number, length: number): boolean {
  if (text.length !== length) return false
  for (let at = 0; at < length; at++) if (text.charCodeAt(at) !== bytes[start + at]) return false
  return true
}
