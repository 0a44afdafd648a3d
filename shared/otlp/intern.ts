/** Longest string that is looked up, in bytes. */
export const MAX_INTERNED = 32

const SLOTS = 4096
const table: string[] = new Array(SLOTS).fill('')

/**
 * The ASCII string in `bytes[start, end)`, the same object each time while it is in the table; undefined where a byte is not
 * ASCII. Attribute keys and enum-like values repeat from span to span: this saves decoding them, and a Map hashing them.
 * The table is bounded: each slot holds the last string that hashed to it.
 */
export function internAscii(bytes: Uint8Array, start: number, end: number): string | undefined {
  let hash = end - start
  for (let at = start; at < end; at++) {
    const byte = bytes[at]!
    if (byte > 0x7f) return undefined
    hash = (Math.imul(hash, 31) + byte) | 0
  }
  const slot = (hash ^ (hash >>> 12)) & (SLOTS - 1)
  const known = table[slot]!
  if (isSame(known, bytes, start, end)) return known
  const text = String.fromCharCode.apply(null, bytes.subarray(start, end) as unknown as number[])
  table[slot] = text
  return text
}

function isSame(text: string, bytes: Uint8Array, start: number, end: number): boolean {
  if (text.length !== end - start) return false
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) !== bytes[start + at]) return false
  return true
}
