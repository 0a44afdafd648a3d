import type { AttributeValue } from '../spans/attributes.ts'
import { asMembers, type Members } from './members.ts'

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

/** A member that is read as it is. */
export const VALUE = 'value'

/** A member that is a list; out of JSON it comes as JSON text, for `elements`. */
export const LIST = 'list'

/**
 * What is read of an object: its members by name, and of those that are objects their members in turn. `*` is the first
 * object under any other name; of a list there is `[0]`.
 */
export interface Shape {
  readonly [name: string]: typeof VALUE | typeof LIST | Shape
}

/** Where in what was {@link Said} each member is; `self` is the object, as {@link OBJECT}, or what stands in its place. */
export type Slots<S extends Shape> = { readonly [K in keyof S]: S[K] extends Shape ? Slots<S[K]> : number } & {
  readonly self: number
}

/** Stands for an object whose members are in slots of their own. */
export const OBJECT: AttributeValue = new Map()

/** What an object says, by slot; undefined where it says nothing. */
export type Said = readonly (AttributeValue | undefined)[]

/** Reads objects of one shape. */
export interface MemberReader<S extends Shape> {
  readonly at: Slots<S>
  /**
   * What an attribute says that holds an object, as a kvlist or as JSON text; the next answer takes this one's place. Of
   * JSON it is what parsing all of it would give, but nothing else is built of it, or checked: of a text that breaks off,
   * the members of the object itself that are whole.
   */
  read(value: AttributeValue | Members | undefined): Said
}

/** A reader of objects of that shape. */
export function memberReader<S extends Shape>(shape: S): MemberReader<S> {
  const said: (AttributeValue | undefined)[] = []
  const { node, at } = compile(shape, () => said.push(undefined) - 1)
  let lastText = ''
  return {
    at: at as Slots<S>,
    read: (value) => {
      // A parent repeats what its last step said, and ends right after it.
      if (typeof value === 'string' && value === lastText) return said
      clear(node, said)
      lastText = ''
      if (typeof value !== 'string') readMembers(value, node, said)
      else if (value[0] === '{' && value.length <= MAX_JSON_UNITS) {
        lastText = value
        loadJson(value)
        readObject(0, node, said, true)
      }
      return said
    },
  }
}

interface Node {
  readonly self: number
  readonly members: readonly Member[]
  readonly byName: ReadonlyMap<string, Member>
  readonly other: Member | undefined
  readonly first: Member | undefined
  /** The members by the hash of their names. */
  readonly table: readonly (readonly Member[])[]
}

interface Member {
  readonly units: readonly number[]
  readonly slot: number
  readonly isList: boolean
  /** Of an object of which members are read. */
  readonly node: Node | undefined
}

const TABLE_SIZE = 64

/** Where a name is in a table, by a few of its units, that tell most names apart. */
function placeOf(name: ArrayLike<number>, start: number, end: number): number {
  const length = end - start
  if (length === 0) return 0
  const middle = name[start + (length >> 1)]!
  return (length + name[start]! * 5 + middle * 11 + name[end - 1]! * 3) & (TABLE_SIZE - 1)
}

function compile(shape: Shape, newSlot: () => number): { node: Node; at: Readonly<Record<string, unknown>> } {
  const self = newSlot()
  const table: Member[][] = Array.from({ length: TABLE_SIZE }, () => [])
  const entries = Object.entries(shape).map(([name, kind]) => {
    const below = typeof kind === 'object' ? compile(kind, newSlot) : undefined
    const slot = below?.node.self ?? newSlot()
    const codes = Array.from(name, (character) => character.charCodeAt(0))
    const member: Member = { units: codes, slot, isList: kind === LIST, node: below?.node }
    if (name !== '*' && name !== '[0]') table[placeOf(codes, 0, codes.length)]!.push(member)
    return { name, member, at: below?.at ?? slot }
  })
  const byName = new Map(entries.map(({ name, member }) => [name, member]))
  const at = Object.fromEntries([['self', self], ...entries.map((entry) => [entry.name, entry.at])])
  const node = { self, members: [...byName.values()], byName, other: byName.get('*'), first: byName.get('[0]'), table }
  return { node, at }
}

type Slate = (AttributeValue | undefined)[]

function clear({ self, members }: Node, said: Slate): void {
  if (said[self] === undefined) return
  said[self] = undefined
  for (const { slot, node } of members)
    if (node === undefined) said[slot] = undefined
    else clear(node, said)
}

function readMembers(value: unknown, { self, byName, other, first }: Node, said: Slate): void {
  if (Array.isArray(value) && first !== undefined) {
    said[self] = OBJECT
    setMember(value[0] as AttributeValue | undefined, first, said)
    return
  }
  const object = asMembers(value)
  if (object === undefined) return
  said[self] = OBJECT
  for (const name of Object.keys(object)) {
    const member = byName.get(name) ?? other
    if (member !== undefined && !(member === other && said[other.slot] === OBJECT))
      setMember(object[name], member, said)
  }
}

function setMember(value: AttributeValue | undefined, { slot, node }: Member, said: Slate): void {
  said[slot] = value
  if (node !== undefined) readMembers(value, node, said)
}

/** What readers return in place of a position: the text is no JSON there. */
const BROKEN = -1

/** Reads the object that begins at `at`: the position behind it. */
function readObject(at: number, node: Node, said: Slate, isOutermost: boolean): number {
  said[node.self] = OBJECT
  at = afterSpace(at + 1)
  if (units[at] === CLOSING_BRACE) return at + 1
  while (units[at] === QUOTE) {
    const start = at
    for (at++; units[at] !== QUOTE && units[at] !== BACKSLASH && units[at] !== 0; at++);
    let member = named(node.table[placeOf(units, start + 1, at)]!, start + 1, at)
    if (units[at] !== QUOTE) {
      at = afterString(start) - 1
      member = node.byName.get(String(parse(start, at + 1)))
    }
    at = afterSpace(at + 1)
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

function forget({ slot, node }: Member, said: Slate): void {
  if (node === undefined) said[slot] = undefined
  else clear(node, said)
}

function named(members: readonly Member[], start: number, end: number): Member | undefined {
  for (const member of members) if (isName(member.units, start, end)) return member
  return undefined
}

function isName(name: readonly number[], start: number, end: number): boolean {
  if (name.length !== end - start) return false
  for (let index = 0; index < name.length; index++) if (name[index] !== units[start + index]) return false
  return true
}

const ZERO = 0x30
const isDigit = (unit: number) => unit >= ZERO && unit <= ZERO + 9
/** A whole number of so many digits has 32 bits. */
const MAX_DIGITS = 9

/** Reads a member's value that begins at `at`: the position behind it. */
function readValue(at: number, { node, slot, isList }: Member, said: Slate): number {
  const first = units[at]!
  if (node !== undefined && first === OPENING_BRACE) return readObject(at, node, said, false)
  if (node?.first !== undefined && first === OPENING_BRACKET) return readList(at, node.first, node, said)
  let end = at
  if (isList) {
    end = afterValue(at)
    said[slot] = first === OPENING_BRACKET ? textBetween(at, end) : undefined
    return end
  }
  let number = 0
  for (; isDigit(units[end]!); end++) number = (number * 10 + units[end]! - ZERO) | 0
  const digits = end - at
  if (digits === 1 || (digits > 1 && digits <= MAX_DIGITS && first !== ZERO)) {
    const next = units[end]!
    if (next === COMMA || isClosing(next) || next <= 0x20) {
      said[slot] = number
      return end
    }
  }
  end = afterValue(at)
  const value = parse(at, end)
  if (value === undefined) return BROKEN
  said[slot] = value
  return end
}

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
  while (units[at]! <= 0x20 && at < length) at++
  return at
}

/** How far a string's end is looked for unit by unit: most are short, and that of an answer is found faster in the text. */
const NEAR = 64

/** Behind the quote that ends the string which begins at `at`; the end of the text if none does. */
function afterString(at: number): number {
  const near = Math.min(length, at + NEAR)
  for (at++; at < near; at++) {
    const unit = units[at]
    if (unit === QUOTE) return at + 1
    if (unit === BACKSLASH) at++
  }
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
    while (at < length && units[at]! > 0x20 && units[at] !== COMMA && !isClosing(units[at]!)) at++
    return at
  }
  for (let depth = 0; at < length; at++) {
    const unit = units[at]!
    if (unit === QUOTE) at = afterString(at) - 1
    else if (isOpening(unit)) depth++
    else if (isClosing(unit) && --depth === 0) return at + 1
  }
  return length
}

/** The text between two positions; a copy, or as long as it is kept all of the text is. */
function textBetween(start: number, end: number): string {
  return text.slice(start, end)
}
