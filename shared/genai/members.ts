import type { AttributeValue } from '../spans/attributes.ts'

/** JSON longer than this is not parsed: usage objects are small, and a span must not cost more than it is worth. */
const MAX_JSON_LENGTH = 64 * 1024

/** An object's members by name. Those that JSON had are as it had them, so a list may hold objects that are no `Map`. */
export type Members = Readonly<Record<string, AttributeValue>>

/** The members of an attribute that holds an object, as a kvlist or as JSON text; undefined if it holds none. */
export function members(value: AttributeValue | undefined): Members | undefined {
  if (typeof value !== 'string') return asMembers(value)
  if (value.length > MAX_JSON_LENGTH || value[0] !== '{') return undefined
  if (value !== lastText) {
    lastMembers = asMembers(parse(value))
    lastText = value
  }
  return lastMembers
}

/** A parent repeats what its last step said, and ends right after it. */
let lastText = ''
let lastMembers: Members | undefined

/** Only what is found by {@link namedMembers} is parsed, so that a response may be longer than what is parsed as a whole. */
const MAX_SCANNED_LENGTH = 1024 * 1024
const QUOTE = 0x22
const COMMA = 0x2c
const COLON = 0x3a

/**
 * Those members of the object in an attribute that have one of `names`: as {@link members}, but of JSON text only they are
 * parsed. A response is mostly what the model wrote, in strings that are skipped.
 */
export function namedMembers(value: AttributeValue | undefined, names: readonly string[]): Members | undefined {
  if (typeof value !== 'string') return asMembers(value)
  if (value.length > MAX_SCANNED_LENGTH || value[0] !== '{') return undefined
  const found: Record<string, AttributeValue> = {}
  let depth = 0
  let name: string | undefined
  let start = 0
  for (let at = 0; at < value.length; at++) {
    const code = value.charCodeAt(at)
    if (code === QUOTE) {
      const end = endOfString(value, at)
      if (depth === 1 && name === undefined) {
        const colon = skipSpace(value, end)
        const key = value.slice(at + 1, end - 1)
        if (value.charCodeAt(colon) === COLON && names.includes(key)) {
          name = key
          start = colon + 1
        }
      }
      at = end - 1
    } else if (isOpening(code)) depth++
    else if (code === COMMA || isClosing(code)) {
      if (depth === 1 && name !== undefined) {
        found[name] = parse(value.slice(start, at)) as AttributeValue
        name = undefined
      }
      if (code !== COMMA && --depth === 0) break
    }
  }
  return found
}

/** A brace and a bracket differ in one bit. */
const isOpening = (code: number) => (code | 0x20) === 0x7b
const isClosing = (code: number) => (code | 0x20) === 0x7d

/** Behind the quote that ends the string which begins at `at`; the end of the text if none does. */
function endOfString(text: string, at: number): number {
  for (let quote = text.indexOf('"', at + 1); quote >= 0; quote = text.indexOf('"', quote + 1)) {
    let escapes = 0
    while (text[quote - 1 - escapes] === '\\') escapes++
    if (escapes % 2 === 0) return quote + 1
  }
  return text.length
}

function skipSpace(text: string, at: number): number {
  while (at < text.length && text.charCodeAt(at) <= 0x20) at++
  return at
}

/** The object under `key`; undefined if there is none. */
export function member(object: Members | undefined, key: string): Members | undefined {
  return asMembers(object?.[key])
}

/** The objects in a list. */
export function elements(value: AttributeValue | undefined): readonly Members[] {
  const list = Array.isArray(value) ? (value as readonly AttributeValue[]) : []
  return list.map(asMembers).filter((item) => item !== undefined)
}

function asMembers(value: unknown): Members | undefined {
  if (value instanceof Map) return Object.fromEntries(value)
  if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof Uint8Array)
    return undefined
  return value as Members
}

/** Python's text of a dictionary as JSON text; of one with quotes in its strings it makes text that is no JSON. */
export function pythonLiteral(value: AttributeValue): AttributeValue {
  if (typeof value !== 'string' || value.length > MAX_JSON_LENGTH || !value.startsWith("{'")) return value
  return value.replaceAll("'", '"').replace(/\b(?:None|True|False)\b/g, (word) => JSON_WORDS.get(word) ?? word)
}

const JSON_WORDS: ReadonlyMap<string, string> = new Map([
  ['None', 'null'],
  ['True', 'true'],
  ['False', 'false'],
])

/** How much of a JSON text's end is searched: responses have what is asked for behind what the model wrote. */
const TAIL_LENGTH = 4096

/** The last string member of that name in a JSON text, found without parsing it: quotes within a text are escaped. */
export function lastMember(json: AttributeValue | undefined, name: string): string | undefined {
  if (typeof json !== 'string') return undefined
  const tail = json.length > TAIL_LENGTH ? json.slice(-TAIL_LENGTH) : json
  const at = tail.lastIndexOf(`"${name}"`)
  return at < 0 ? undefined : /^"\s*:\s*"(\w{1,64})"/.exec(tail.slice(at + name.length + 1))?.[1]
}

/** A string that an emitter may have wrapped as JSON text (`"CHAT_MODEL"`). */
export function unquoted(value: AttributeValue | undefined): string {
  if (typeof value !== 'string') return ''
  if (value[0] !== '"' || value.length > MAX_JSON_LENGTH) return value
  const parsed = parse(value)
  return typeof parsed === 'string' ? parsed : value
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
