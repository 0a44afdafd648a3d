import type { AttributeValue } from '../spans/attributes.ts'
import {
  compileShape,
  type Member,
  mayStart,
  type Node,
  OBJECT,
  type Predecessor,
  placeOf,
  type Said,
  type Shape,
  type Slots,
} from './member-shape.ts'
import { clear, forget, readMembers, type Slate, takeRow } from './member-slate.ts'
import type { Members } from './members.ts'

/** Longer texts are not loaded, in UTF-16 units. */
const MAX_JSON_UNITS = 1024 * 1024

/**
 * The text at hand, with a 0 behind: its units are read several times faster here than in a string, and only as long as this
 * is a constant of the module that reads them. Memory that nothing was written to takes no room.
 */
const units = new Uint16Array(MAX_JSON_UNITS + 1)
const bytes = Buffer.from(units.buffer)
let text = ''
let length = 0

/** Reads objects of one shape. */
export interface MemberReader<S extends Shape> {
  readonly at: Slots<S>
  /**
   * What an attribute says that holds an object, as a kvlist or as JSON text; the next answer takes this one's place. Of
   * JSON it is what parsing all of it would give, but nothing else is built of it, or checked: of a text that breaks off,
   * the members of the object itself that are whole. Where the one name is missing that all members are below, not even
   * what is around them is said to be there.
   */
  read(value: AttributeValue | Members | undefined): Said
}

/** A reader of objects of that shape. */
export function memberReader<S extends Shape>(shape: S): MemberReader<S> {
  const { node, at, slots, trace } = compileShape(shape)
  const said: Slate = new Array(slots).fill(undefined)
  let lastText = ''
  return {
    at,
    read: (value) => {
      // A parent repeats what its last step said, and ends right after it.
      if (typeof value === 'string' && value === lastText) return said
      clear(node, said)
      lastText = ''
      if (typeof value !== 'string') readMembers(value, node, said)
      else if (value[0] === '{' && value.length <= MAX_JSON_UNITS) {
        lastText = value
        if (!value.includes(trace) && !value.includes('\\u')) return said
        loadJson(value)
        readObject(0, node, said, true)
      }
      return said
    },
  }
}

/** What readers return in place of a position: the text is no JSON there. */
const BROKEN = -1

/** Reads the object that begins at `at`: the position behind it. */
function readObject(at: number, node: Node, said: Slate, isOutermost: boolean): number {
  said[node.self] = OBJECT
  at = afterSpace(at + 1)
  if (units[at] === CLOSING_BRACE) return at + 1
  let before: Predecessor = node
  while (units[at] === QUOTE) {
    let member = before.next
    if (member !== undefined && isAt(member, at)) at += member.units.length
    else {
      const start = at
      at = afterString(at)
      member = mayStart(node, units[start + 1]!) ? findMember(node, start, at) : undefined
      if (member !== undefined) before.next = member
    }
    if (member !== undefined) before = member
    at = afterSpace(at)
    if (units[at] !== COLON) return BROKEN
    at = afterSpace(at + 1)
    if (member === undefined && node.other !== undefined && said[node.other.slot] !== OBJECT) member = node.other
    if (member === undefined) at = afterValue(at)
    else {
      const begin = at
      // Of a name that comes twice the last one holds.
      if (member.node !== undefined) clear(member.node, said)
      at = readValue(at, member, said)
      if (at === BROKEN) {
        if (!isOutermost) return BROKEN
        forget(member, said)
        at = afterValue(begin)
      }
    }
    at = afterSpace(at)
    if (units[at] === CLOSING_BRACE) return at + 1
    if (units[at] !== COMMA) {
      if (isOutermost && member !== undefined) forget(member, said)
      return BROKEN
    }
    at = afterSpace(at + 1)
  }
  return BROKEN
}

/** The member whose name is at `start` and ends before `end`. */
function findMember({ table, byName }: Node, start: number, end: number): Member | undefined {
  for (const member of table[placeOf(units, start, end)]!) if (isAt(member, start)) return member
  for (let at = start; at < end; at++) if (units[at] === BACKSLASH) return byName.get(String(parse(start, end)))
  return undefined
}

function isAt({ units: name }: Member, start: number): boolean {
  for (let index = 0; index < name.length; index++) if (name[index] !== units[start + index]) return false
  return true
}

const ZERO = 0x30
const isDigit = (unit: number) => unit >= ZERO && unit <= ZERO + 9
/** A whole number of so many digits has 32 bits. */
const MAX_DIGITS = 9

/** Reads a member's value that begins at `at`: the position behind it. */
function readValue(at: number, { node, slot, row }: Member, said: Slate): number {
  const first = units[at]!
  if (node !== undefined && first === OPENING_BRACE) return readObject(at, node, said, false)
  if (node?.first !== undefined && first === OPENING_BRACKET) return readList(at, node.first, node, said)
  if (row !== undefined) return readRows(at, slot, row, said)
  const simple = readSimple(at, slot, said)
  if (simple !== BROKEN) return simple
  const end = afterValue(at)
  const value = parse(at, end)
  if (value === undefined) return BROKEN
  said[slot] = value
  return end
}

/** Longer texts are not copied when they are cut out of another, which they would keep in memory. */
const MAX_COPIED = 12

/** Reads what takes no parser, as most values do not: the position behind it; {@link BROKEN} where it does. */
function readSimple(at: number, slot: number, said: Slate): number {
  const first = units[at]!
  let end = at
  if (first === QUOTE) {
    const last = at + MAX_COPIED + 1
    for (end++; units[end] !== QUOTE; end++)
      if (units[end]! < SPACE || units[end] === BACKSLASH || end === last) return BROKEN
    said[slot] = text.slice(at + 1, end)
    return end + 1
  }
  if (isDigit(first)) {
    let number = 0
    for (; isDigit(units[end]!); end++) number = (number * 10 + units[end]! - ZERO) | 0
    const digits = end - at
    if (digits > MAX_DIGITS || (digits > 1 && first === ZERO) || !isEnd(units[end]!)) return BROKEN
    said[slot] = number
    return end
  }
  for (const unit of NULL) if (units[end++] !== unit) return BROKEN
  if (!isEnd(units[end]!)) return BROKEN
  said[slot] = null
  return end
}

const NULL = Array.from('null', (letter) => letter.charCodeAt(0))

/** Whether what is no string ends before that. */
const isEnd = (unit: number) => unit === COMMA || isClosing(unit) || unit <= SPACE

/** Reads the first element of the list that begins at `at`: the position behind the list. */
function readList(at: number, first: Member, { self }: Node, said: Slate): number {
  said[self] = OBJECT
  at = afterSpace(at + 1)
  if (units[at] === CLOSING_BRACKET) return at + 1
  at = readValue(at, first, said)
  if (at === BROKEN) return BROKEN
  for (at = afterSpace(at); units[at] === COMMA; at = afterSpace(at)) at = afterValue(afterSpace(at + 1))
  return units[at] === CLOSING_BRACKET ? at + 1 : BROKEN
}

/** Reads each object in the list that begins at `at`: the position behind the list. */
function readRows(at: number, slot: number, row: Node, said: Slate): number {
  said[slot] = undefined
  if (units[at] !== OPENING_BRACKET) return afterValue(at)
  const rows: AttributeValue[] = []
  said[slot] = rows
  // Of a list that was no JSON something may be left.
  clear(row, said)
  at = afterSpace(at + 1)
  if (units[at] === CLOSING_BRACKET) return at + 1
  for (;;) {
    at = units[at] === OPENING_BRACE ? readObject(at, row, said, false) : afterValue(at)
    if (at === BROKEN) return BROKEN
    takeRow(row, said, rows)
    at = afterSpace(at)
    if (units[at] === CLOSING_BRACKET) return at + 1
    if (units[at] !== COMMA) return BROKEN
    at = afterSpace(at + 1)
  }
}

function parse(start: number, end: number): AttributeValue | undefined {
  try {
    return JSON.parse(textBetween(start, end))
  } catch {
    return undefined
  }
}

/** Loads a text of at most {@link MAX_JSON_UNITS}. */
function loadJson(json: string): void {
  text = json
  length = json.length
  bytes.write(json, 'utf16le')
  units[length] = 0
}

const SPACE = 0x20
const QUOTE = 0x22
const COMMA = 0x2c
const COLON = 0x3a
const BACKSLASH = 0x5c
const OPENING_BRACKET = 0x5b
const CLOSING_BRACKET = 0x5d
const OPENING_BRACE = 0x7b
const CLOSING_BRACE = 0x7d

/** A brace and a bracket differ in one bit. */
const isOpening = (unit: number) => (unit | 0x20) === OPENING_BRACE
const isClosing = (unit: number) => (unit | 0x20) === CLOSING_BRACE

/** The first position from `at` on that is no space. */
function afterSpace(at: number): number {
  while (units[at]! <= SPACE && at < length) at++
  return at
}

/** How far a string's end is looked for unit by unit: most are short, and that of an answer is found faster in the text. */
const NEAR = 64

/** Behind the quote that ends the string which begins at `at`; the end of the text if none does. */
function afterString(at: number): number {
  const near = at + NEAR
  for (at++; at < near; at++) {
    const unit = units[at]
    if (unit === QUOTE) return at + 1
    if (unit === BACKSLASH || unit === 0) break
  }
  return afterLongString(at)
}

/** The same from within the string, before any escape that has not ended. */
function afterLongString(at: number): number {
  for (let quote = text.indexOf('"', at); quote >= 0; quote = text.indexOf('"', at)) {
    let escapes = 0
    while (quote - escapes > at && units[quote - 1 - escapes] === BACKSLASH) escapes++
    if (escapes % 2 === 0) return quote + 1
    at = quote + 1
  }
  return length
}

/** Behind the value that begins at `at`, whatever is in it; the end of the text if it breaks off. */
function afterValue(at: number): number {
  const first = units[at]!
  if (first === QUOTE) return afterString(at)
  if (!isOpening(first)) {
    while (at < length && units[at]! > SPACE && units[at] !== COMMA && !isClosing(units[at]!)) at++
    return at
  }
  for (let depth = 0; ; at++) {
    const unit = units[at]!
    if (unit === QUOTE) at = afterString(at) - 1
    else if (unit >= OPENING_BRACKET) {
      if (isOpening(unit)) depth++
      else if (isClosing(unit) && --depth === 0) return at + 1
    } else if (unit === 0 && at >= length) return length
  }
}

/** The text between two positions; a copy, or as long as it is kept all of the text is. */
function textBetween(start: number, end: number): string {
  return text.slice(start, end)
}
