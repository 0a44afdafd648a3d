import type { Cursor, Page, SortOrder } from '../trace-store.ts'
import { join, type Sql, sql } from './statement.ts'

/** What a list is sorted by, and what a cursor holds of it. */
export interface SortKey {
  /** Absent where the ids alone decide. */
  readonly by?: {
    readonly value: Sql
    /** A cursor's value as comparable with `value`. */
    readonly bind: (value: bigint) => Sql
  }
  /** The ids that break ties, in order. */
  readonly ids: readonly Sql[]
}

/** The condition that a row comes after `cursor`. */
export function afterCursor({ by, ids }: SortKey, order: SortOrder, cursor: Cursor): Sql {
  const than = order === 'asc' ? sql`>` : sql`<`
  const texts = cursor.id.split(':')
  let tail = sql`1 = 0`
  for (const [index, id] of [...ids.entries()].reverse()) {
    const text = texts[index] ?? ''
    tail = sql`(${id} ${than} ${text} OR (${id} = ${text} AND ${tail}))`
  }
  if (by === undefined) return tail
  const bound = by.bind(cursor.value)
  return sql`(${by.value} ${than} ${bound} OR (${by.value} = ${bound} AND ${tail}))`
}

/** `ORDER BY … LIMIT …` with one row more than the page has, which says whether there is a next one. */
export function pageOrder(key: SortKey, order: SortOrder, pageSize: number): Sql {
  return listOrder(key, order, pageSize + 1)
}

/** `ORDER BY … LIMIT …`. */
export function listOrder({ by, ids }: SortKey, order: SortOrder, limit: number): Sql {
  const direction = order === 'asc' ? sql`ASC` : sql`DESC`
  const keys = by === undefined ? ids : [by.value, ...ids]
  return sql`ORDER BY ${join(keys.map((key) => sql`${key} ${direction}`))} LIMIT ${BigInt(limit)}`
}

/** Cuts the extra row off and makes the cursor of the last item. */
export function toPage<T>(items: readonly T[], pageSize: number, cursorOf: (item: T) => Cursor): Page<T> {
  if (items.length <= pageSize) return { items, next: null }
  const page = items.slice(0, pageSize)
  return { items: page, next: cursorOf(page[pageSize - 1] as T) }
}
