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
        const written = new Map<Attributes, Entries>()
        for (const { priced, context } of rows) {
          const attributes = column.value(priced, context)
          if (attributes === priced.span.resource.attributes) appendShared(first, second, attributes, written)
          else appendMap(first, second, attributes)
        }
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

/** Where the ids of a map's keys and values begin, among those that were appended before, and how many they are. */
interface Entries {
  readonly keys: number
  readonly values: number
  readonly count: number
}

// Definition levels: 0 the map is NULL, 1 it is empty, 2 an entry whose value is NULL, 3 an entry with a value.
/** Spans of one resource share one object, whose texts are looked up once. */
function appendShared(key: Leaf, value: Leaf, attributes: Attributes, written: Map<Attributes, Entries>): void {
  const entries = written.get(attributes)
  if (entries === undefined) {
    written.set(attributes, { keys: key.values.count, values: value.values.count, count: attributes.size })
    appendMap(key, value, attributes)
    return
  }
  if (entries.count === 0) appendEmptyMap(key, value)
  for (let index = 0; index < entries.count; index++) {
    const repetition = index === 0 ? 0 : 1
    addLevels(key, repetition, 2)
    addLevels(value, repetition, 3)
    addId(key.values, key.values.ids[entries.keys + index] as number)
    addId(value.values, value.values.ids[entries.values + index] as number)
  }
}

function appendMap(key: Leaf, value: Leaf, attributes: Attributes): void {
  if (attributes.size === 0) appendEmptyMap(key, value)
  let repetition = 0
  for (const [name, item] of attributes) {
    const text = attributeText(item)
    addLevels(key, repetition, 2)
    addLevels(value, repetition, 3)
    addText(key.values, lakeKey(name, text))
    addText(value.values, text)
    repetition = 1
  }
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
