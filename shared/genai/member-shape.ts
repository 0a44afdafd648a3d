import type { AttributeValue } from '../spans/attributes.ts'

/** A member that is read as it is. */
export const VALUE = 'value'

/**
 * What is read of an object: its members by name, and of those that are objects their members in turn. `*` is the first
 * object under any other name; of a list there is `[0]`. Names instead are those of members of each object in a list, whose
 * values come one behind the other; null for what is not there.
 */
export interface Shape {
  readonly [name: string]: typeof VALUE | Shape | readonly string[]
}

/** Where in what was {@link Said} each member is; `self` is the object, as {@link OBJECT}, or what stands in its place. */
export type Slots<S extends Shape> = { readonly [K in keyof S]: S[K] extends Shape ? Slots<S[K]> : number } & {
  readonly self: number
}

/** Stands for an object whose members are in slots of their own. */
export const OBJECT: AttributeValue = new Map()

/** What an object says, by slot; undefined where it says nothing. */
export type Said = readonly (AttributeValue | undefined)[]

/** A {@link Shape} as readers look it up. */
export interface Node extends Predecessor {
  readonly self: number
  /** Behind {@link self} and the slots of members that are values: those of objects are their own. */
  readonly end: number
  readonly members: readonly Member[]
  readonly nodes: readonly Node[]
  readonly byName: ReadonlyMap<string, Member>
  readonly other: Member | undefined
  readonly first: Member | undefined
  /** 1 where a name may begin with that unit, by its lowest six bits: most names of others do not. */
  readonly starts: Uint8Array
  /** The members by the hash of their names. */
  readonly table: readonly (readonly Member[])[]
}

export interface Member extends Predecessor {
  /** Its name in quotes. */
  readonly units: readonly number[]
  readonly slot: number
  /** Of an object of which members are read. */
  readonly node: Node | undefined
  /** Of each object in a list. */
  readonly row: Node | undefined
}

/** Emitters write members in the same order each time: which was next, after a member or at an object's beginning. */
export interface Predecessor {
  next: Member | undefined
}

/** A {@link Shape} made ready, with a slot for each of its members. */
export interface CompiledShape<S extends Shape> {
  readonly node: Node
  readonly at: Slots<S>
  readonly slots: number
  /** What every JSON text has in it that says any of it, unless a name is written with escapes; '' if there is nothing. */
  readonly trace: string
}

/** Makes a shape ready for readers. */
export function compileShape<S extends Shape>(shape: S): CompiledShape<S> {
  let slots = 0
  const { node, at } = compileNode(shape, () => slots++)
  return { node, at: at as Slots<S>, slots, trace: traceOf(shape) }
}

/** The innermost name that all members are below. Its first quote is left out: texts are full of those, and slower to search for. */
function traceOf(shape: Shape): string {
  const [only, ...others] = Object.entries(shape)
  if (only === undefined || others.length > 0) return ''
  const [name, kind] = only
  const inner = isShape(kind) ? traceOf(kind) : ''
  return inner === '' && PLAIN_NAME.test(name) ? `${name}"` : inner
}

/** What JSON has no escapes for but those by number, and is no `*` or `[0]`. */
const PLAIN_NAME = /^\w+$/

const TABLE_SIZE = 64
const STARTS = 64
const BACKSLASH = 0x5c

/** Whether a name that begins with `unit` may be one of a node's: one that begins with an escape may be any. */
export function mayStart({ starts }: Node, unit: number): boolean {
  return starts[unit & (STARTS - 1)] !== 0
}

/** Where the name within the quotes at `start` and before `end` is in a table, by a few of its units, that tell most apart. */
export function placeOf(name: ArrayLike<number>, start: number, end: number): number {
  const length = end - start
  const middle = name[start + (length >> 1)]!
  return (length + name[start + 1]! * 5 + middle * 11 + name[end - 2]! * 3) & (TABLE_SIZE - 1)
}

function compileNode(shape: Shape, newSlot: () => number): { node: Node; at: Readonly<Record<string, unknown>> } {
  const self = newSlot()
  const kinds = Object.entries(shape)
  const values = new Map(kinds.filter(([, kind]) => !isShape(kind)).map(([name]) => [name, newSlot()]))
  const table: Member[][] = Array.from({ length: TABLE_SIZE }, () => [])
  const starts = new Uint8Array(STARTS)
  starts[BACKSLASH & (STARTS - 1)] = 1
  const entries = kinds.map(([name, kind]) => {
    const below = isShape(kind) ? compileNode(kind, newSlot) : undefined
    const names = isShape(kind) || kind === VALUE ? undefined : kind
    const row = names && compileNode(Object.fromEntries(names.map((one) => [one, VALUE])), newSlot).node
    const slot = below?.node.self ?? values.get(name)!
    const units = Array.from({ length: name.length + 2 }, (_, at) => `"${name}"`.charCodeAt(at))
    const member: Member = { next: undefined, units, slot, node: below?.node, row }
    if (name !== '*' && name !== '[0]') {
      table[placeOf(units, 0, units.length)]!.push(member)
      starts[units[1]! & (STARTS - 1)] = 1
    }
    return { name, member, at: below?.at ?? slot }
  })
  const byName = new Map(entries.map(({ name, member }) => [name, member]))
  const node: Node = {
    next: undefined,
    self,
    end: self + 1 + values.size,
    members: [...byName.values()],
    nodes: entries.flatMap(({ member }) => member.node ?? []),
    byName,
    other: byName.get('*'),
    first: byName.get('[0]'),
    starts,
    table,
  }
  return { node, at: Object.fromEntries([['self', self], ...entries.map((entry) => [entry.name, entry.at])]) }
}

function isShape(kind: Shape[string]): kind is Shape {
  return typeof kind === 'object' && !Array.isArray(kind)
}
