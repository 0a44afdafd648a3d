import type { AttributeValue } from '../spans/attributes.ts'

/** What is longer is not made JSON, in UTF-16 units. */
const MAX_UNITS = 64 * 1024

/** The text at hand, with a 0 behind: replacing a quote in a string makes two more of it. */
const units = new Uint16Array(MAX_UNITS + 1)
const bytes = Buffer.from(units.buffer)

/** Python's words are as long as those of JSON, so nothing moves. */
const WORDS = [
  ['None', 'null'],
  ['True', 'true'],
  ['False', 'false'],
] as const

const SINGLE_QUOTE = 0x27
const DOUBLE_QUOTE = 0x22

/** Python's text of a dictionary as JSON text; of one with quotes in its strings it makes text that is no JSON. */
export function pythonLiteral(value: AttributeValue): AttributeValue {
  if (typeof value !== 'string' || value.length > MAX_UNITS || !value.startsWith("{'")) return value
  const size = bytes.write(value, 'utf16le')
  units[value.length] = 0
  for (let at = 0; at < value.length; at++) if (units[at] === SINGLE_QUOTE) units[at] = DOUBLE_QUOTE
  for (const [python, json] of WORDS)
    for (let at = value.indexOf(python); at >= 0; at = value.indexOf(python, at + 1))
      if (!isOfWord(units[at - 1]!) && !isOfWord(units[at + python.length]!)) bytes.write(json, at * 2, 'utf16le')
  return bytes.toString('utf16le', 0, size)
}

/** Whether a unit is a letter, a digit or `_`. */
function isOfWord(unit: number): boolean {
  const lower = unit | 0x20
  return (lower >= 0x61 && lower <= 0x7a) || (unit >= 0x30 && unit <= 0x39) || unit === 0x5f
}
