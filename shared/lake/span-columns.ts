import type { ParquetSchema } from 'parquetjs-lite'
import { attributeText } from '../spans/attribute-text.ts'
import type { Attributes } from '../spans/attributes.ts'
import type { LakeColumn, RowContext } from '../spans/columns.ts'
import type { PricedSpan } from '../spans/ledger.ts'
import { addLevels, addOptionalText, createLeaf, type Leaf } from './parquet/leaf.ts'
import { leafFields } from './parquet/schema.ts'
import { addId, addNumber, addText } from './parquet/values.ts'
import { lakeKey } from './token-attributes.ts'

/** A span on its way into a file. */
export interface SpanRow {
  readonly priced: PricedSpan
  readonly context: RowContext
}

/** One column of a file in the making: its leaves, and how rows are appended to them. */
export interface SpanColumn {
  readonly leaves: readonly Leaf[]
  append(rows: readonly SpanRow[]): void
}

/** The column builder for `column`; its leaves may be cleared between row groups. */
export function createSpanColumn(schema: ParquetSchema, column: LakeColumn): SpanColumn {
  const leaves = leafFields(schema, column.lake).map(createLeaf)
  return { leaves, append: appender(column, leaves) }
}

function appender(column: LakeColumn, leaves: readonly Leaf[]): SpanColumn['append'] {
  const [first, second] = leaves as [Leaf, Leaf]
  switch (column.type) {
    case 'string':
    case 'json':
      return (rows) => {
        for (const { priced, context } of rows) addOptionalText(first, column.value(priced, context))
      }
    case 'int64':
    case 'float64':
    case 'timestamp':
      return (rows) => {
        for (const { priced, context } of rows) {
          const value = column.value(priced, context)
          addLevels(first, 0, value === null ? 0 : 1)
          if (value !== null) addNumber(first.values, value)
        }
      }
    case 'attributes':
      return (rows) => {
        const shared = new Map<Attributes, Entries>()
        for (const { priced, context } of rows) appendShared(first, second, column.value(priced, context), shared)
      }
    case 'strings':
      return (rows) => {
        for (const { priced, context } of rows) appendStrings(first, column.value(priced, context))
      }
    case 'attributesList':
      return (rows) => {
        for (const { priced, context } of rows) appendMaps(first, second, column.value(priced, context))
      }
  }
}

/** Ids of the keys and values of attributes that were appended before. */
interface Entries {
  readonly keys: readonly number[]
  readonly values: readonly number[]
}

// Definition levels: 0 the map is NULL, 1 it is empty, 2 an entry whose value is NULL, 3 an entry with a value.
/** Spans of one resource share one object, which is encoded once. */
function appendShared(key: Leaf, value: Leaf, attributes: Attributes, shared: Map<Attributes, Entries>): void {
  const entries = shared.get(attributes)
  if (entries === undefined) {
    shared.set(attributes, appendMap(key, value, attributes))
    return
  }
  if (entries.keys.length === 0) appendEmptyMap(key, value)
  for (let index = 0; index < entries.keys.length; index++) {
    const repetition = index === 0 ? 0 : 1
    addLevels(key, repetition, 2)
    addLevels(value, repetition, 3)
    addId(key.values, entries.keys[index] as number)
    addId(value.values, entries.values[index] as number)
  }
}

function appendMap(key: Leaf, value: Leaf, attributes: Attributes): Entries {
  const entries = { keys: [] as number[], values: [] as number[] }
  if (attributes.size === 0) appendEmptyMap(key, value)
  let repetition = 0
  for (const [name, item] of attributes) {
    const text = attributeText(item)
    addLevels(key, repetition, 2)
    addLevels(value, repetition, 3)
    entries.keys.push(addText(key.values, lakeKey(name, text)))
    entries.values.push(addText(value.values, text))
    repetition = 1
  }
  return entries
}

function appendEmptyMap(key: Leaf, value: Leaf): void {
  addLevels(key, 0, 1)
  addLevels(value, 0, 1)
}

function appendStrings(element: Leaf, texts: readonly string[]): void {
  if (texts.length === 0) addLevels(element, 0, 1)
  for (let index = 0; index < texts.length; index++) {
    addLevels(element, index === 0 ? 0 : 1, 3)
    addText(element.values, texts[index] as string)
  }
}

// A list of maps: 1 the list is empty, 3 an empty map, 4 a key, 5 a value.
function appendMaps(key: Leaf, value: Leaf, maps: readonly Attributes[]): void {
  if (maps.length === 0) appendEmptyMap(key, value)
  for (let index = 0; index < maps.length; index++) {
    const attributes = maps[index] as Attributes
    let repetition = index === 0 ? 0 : 1
    if (attributes.size === 0) {
      addLevels(key, repetition, 3)
      addLevels(value, repetition, 3)
    }
    for (const [name, item] of attributes) {
      addLevels(key, repetition, 4)
      addLevels(value, repetition, 5)
      addText(key.values, name)
      addText(value.values, attributeText(item))
      repetition = 2
    }
  }
}
