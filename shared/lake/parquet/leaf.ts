import type { Field } from 'parquetjs-lite'
import { addText, clearValues, createValues, type Values } from './values.ts'

/** The levels of one leaf column, one byte each; see the Dremel encoding of nested data. */
export interface Levels {
  bytes: Uint8Array
  count: number
  readonly max: number
}

/** One leaf column of a row group: its values, and how deep each is defined and where it repeats. */
export interface Leaf {
  readonly field: Field
  readonly values: Values
  readonly repetition: Levels
  readonly definition: Levels
}

export function createLeaf(field: Field): Leaf {
  if (field.primitiveType === undefined) throw new TypeError(`${field.path.join('.')} is a group`)
  return {
    field,
    values: createValues(field.primitiveType),
    repetition: createLevels(field.rLevelMax),
    definition: createLevels(field.dLevelMax),
  }
}

export function clearLeaf(leaf: Leaf): void {
  clearValues(leaf.values)
  leaf.repetition.count = 0
  leaf.definition.count = 0
}

/** Appends one pair of levels: every value has one, and so has each null and empty list in its place. */
export function addLevels(leaf: Leaf, repetition: number, definition: number): void {
  addLevel(leaf.repetition, repetition)
  addLevel(leaf.definition, definition)
}

/** How many entries the leaf has, nulls and empty lists included. */
export function leafEntries(leaf: Leaf): number {
  return leaf.definition.count
}

/** Appends one text or null to a column that is not nested. */
export function addOptionalText(leaf: Leaf, text: string | null): void {
  addLevel(leaf.definition, text === null ? 0 : 1)
  if (text !== null) addText(leaf.values, text)
}

function createLevels(max: number): Levels {
  return { bytes: new Uint8Array(max === 0 ? 0 : 1024), count: 0, max }
}

function addLevel(levels: Levels, level: number): void {
  if (levels.max === 0) return
  if (levels.count === levels.bytes.length) {
    const larger = new Uint8Array(levels.bytes.length * 2)
    larger.set(levels.bytes)
    levels.bytes = larger
  }
  levels.bytes[levels.count++] = level
}
