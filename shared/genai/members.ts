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

/** The object under `key`; undefined if there is none. */
export function member(object: Members | undefined, key: string): Members | undefined {
  return asMembers(object?.[key])
}

/** The members of an object, which JSON had or is a kvlist; undefined for what is none. */
export function asMembers(value: unknown): Members | undefined {
  if (value instanceof Map) return Object.fromEntries(value)
  if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof Uint8Array)
    return undefined
  return value as Members
}

/** How much of a JSON text's end is searched: responses have what is asked for behind what the model wrote. */
const TAIL_LENGTH = 4096

/** Finds the last string member of that name in a JSON text without parsing it: quotes within a text are escaped. */
export function lastMember(name: string): (json: AttributeValue | undefined) => string | undefined {
  const quoted = `"${name}"`
  // Texts are searched for their first unit many times faster than for a whole name, if it is one that they hardly have.
  const rare = quoted.slice(rarest(name) + 1)
  return (json) => {
    if (typeof json !== 'string') return undefined
    const tail = json.length > TAIL_LENGTH ? json.slice(-TAIL_LENGTH) : json
    if (!tail.includes(rare)) return undefined
    const at = tail.lastIndexOf(quoted)
    return at < 0 ? undefined : /^\s*:\s*"(\w{1,64})"/.exec(tail.slice(at + quoted.length))?.[1]
  }
}

/** Letters by how often texts have them, the rarest first. */
const RARE_LETTERS = 'zqxjkvbywgpfmucdlhrsnioate'

/** Where the rarest letter of a name is. */
function rarest(name: string): number {
  const letter = RARE_LETTERS.split('').find((one) => name.includes(one)) ?? ''
  return name.indexOf(letter)
}

/** Most names, for which parsing takes twice the time. */
const PLAIN = /^"[\w.:/-]*"$/

/** A string that an emitter may have wrapped as JSON text (`"CHAT_MODEL"`). */
export function unquoted(value: AttributeValue | undefined): string {
  if (typeof value !== 'string') return ''
  if (value[0] !== '"' || value.length > MAX_JSON_LENGTH) return value
  if (PLAIN.test(value)) return value.slice(1, -1)
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
