import type { Cursor, Page, SortOrder } from '../trace-store.ts'
import { type Sql, sql } from './statement.ts'

/** What a list is sorted by, and what a cursor holds of it. */
export interface SortKey {
  readonly value: Sql
  /** A cursor's value as comparable with `value`. */
  readonly bind: (value: bigint) => Sql
  /** The ids that break ties, in order. */
  readonly ids: readonly Sql[]
}

/** The condition that a row comes after `cursor`. */
export function afterCursor({ value, bind, ids }: SortKey, order: SortOrder, cursor: Cursor): Sql {
  const than = order === 'asc' ? sql`>` : sql`<`
  const texts = cursor.id.split(':')
  let tail = sql`1 = 0`
  for (const [index, id] of [...ids.entries()].reverse()) {
    const text = texts[index] ?? ''
    tail = sql`(${id} ${than} ${text} OR (${id} = ${text} AND ${tail}))`
  }
  return sql`(${value} ${than} ${bind(cursor.value)} OR (${value} = ${bind(cursor.value)} AND ${tail}))`
}

/** `ORDER BY … LIMIT …` with one row more than the page has, which says whether there is a next one. */
export function pageOrder(key: SortKey, order: SortOrder, pageSize: number): Sql {
  return listOrder(key, order, pageSize + 1)
}

/** `ORDER BY … LIMIT …`. */
export function listOrder({ value, ids }: SortKey, order: SortOrder, limit: number): Sql {
  const direction = order === 'asc' ? sql`ASC` : sql`DESC`
  let keys = sql`${value} ${direction}`
  for (const id of ids) keys = sql`${keys}, ${id} ${direction}`
  return sql`ORDER BY ${keys} LIMIT ${BigInt(limit)}`
}

/** Cuts the extra row off and makes the cursor of the last item. */
export function toPage<T>(items: readonly T[], pageSize: number, cursorOf: (item: T) => Cursor): Page<T> {
  if (items.length <= pageSize) return { items, next: null }
  const page = items.slice(0, pageSize)
  return { items: page, next: cursorOf(page[pageSize - 1] as T) }
}
