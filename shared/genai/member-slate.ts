import type { AttributeValue } from '../spans/attributes.ts'
import { type Member, type Node, OBJECT } from './member-shape.ts'
import { asMembers } from './members.ts'

/** What was said so far, by slot. */
export type Slate = (AttributeValue | undefined)[]

/** Takes back what an object said. */
export function clear({ self, end, nodes }: Node, said: Slate): void {
  if (said[self] === undefined) return
  for (let slot = self; slot < end; slot++) said[slot] = undefined
  for (const node of nodes) clear(node, said)
}

/** Takes back what a member said. */
export function forget({ slot, node }: Member, said: Slate): void {
  if (node === undefined) said[slot] = undefined
  else clear(node, said)
}

/** Reads an object that is no text. */
export function readMembers(value: unknown, { self, byName, other, first }: Node, said: Slate): void {
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

function setMember(value: AttributeValue | undefined, { slot, node, row }: Member, said: Slate): void {
  said[slot] = row === undefined ? value : undefined
  if (node !== undefined) readMembers(value, node, said)
  if (row === undefined || !Array.isArray(value)) return
  const rows: AttributeValue[] = []
  for (const element of value as readonly AttributeValue[]) {
    readMembers(element, row, said)
    takeRow(row, said, rows)
  }
  said[slot] = rows
}

/** Takes what an object in a list said, if it was one. */
export function takeRow(row: Node, said: Slate, rows: AttributeValue[]): void {
  if (said[row.self] !== OBJECT) return
  for (const { slot } of row.members) rows.push(said[slot] ?? null)
  clear(row, said)
}
