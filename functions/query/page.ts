import { createHash } from 'node:crypto'
import { z } from '@hono/zod-openapi'
import { type ErrorCode, SpanledgerError } from '../../shared/errors.ts'
import { type Cursor, MAX_READ_BYTES, type SpanFilter } from '../../shared/warehouse/trace-store.ts'
import { type FilterParameters, toFilter } from './filter.ts'
import { integer, parameter, text } from './parameters.ts'

export const DEFAULT_PAGE_SIZE = 50
const MAX_PAGE_SIZE = 1_000
/** What the spans of one answer may be together, for people; the first is shown whatever it is. */
export const READ_BOUND = `${MAX_READ_BYTES / 1024 ** 2} MiB`

/** Which cursors a list has: the ids of its items, and a bound that every sort value is below. */
export interface CursorShape {
  readonly id: RegExp
  readonly limit: bigint
}

/** The parameters of every list, besides its filter. */
export const pageParameters = {
  pageSize: parameter(
    `most items of a page, 1 to ${MAX_PAGE_SIZE}; ${DEFAULT_PAGE_SIZE} unless given`,
    integer(1, MAX_PAGE_SIZE),
  ),
  pageToken: parameter('nextPageToken of the page before, with the same other parameters', text),
}

/** `sort=field` or `sort=-field` for descending. */
export function sortParameter<const T extends string>(fields: readonly T[]) {
  const words = fields.flatMap((field) => [field, `-${field}`])
  return parameter(
    `order, descending with a dash; -startTime unless given: any of ${words.join(', ')}`,
    (value): { sort: T; order: 'asc' | 'desc' } => {
      const sort = fields.find((field) => field === value.replace(/^-/, ''))
      if (sort === undefined) throw new SpanledgerError('query/invalid', `must be any of ${words.join(', ')}`)
      return { sort, order: value.startsWith('-') ? 'desc' : 'asc' }
    },
    '-cost',
  )
}

/** How a list ends. */
export const nextPageSchema = {
  nextPageToken: z.string().optional().meta({ description: 'absent on the last page' }),
}

/** A page of a list as its store is asked for it. */
interface ListQuery<S extends string> {
  readonly filter: SpanFilter
  readonly sort: S | 'startTime'
  readonly order: 'asc' | 'desc'
  readonly pageSize: number
  readonly after?: Cursor
}

/** What a request gives to a list, read. */
type ListParameters<S extends string> = FilterParameters & {
  readonly sort?: { readonly sort: S; readonly order: 'asc' | 'desc' } | undefined
  readonly pageSize?: number | undefined
  readonly pageToken?: string | undefined
}

/**
 * The query that `given` asks `list` for, within `project`, and `next`, which makes the token of the page after it.
 * Throws `query/invalid` for an empty range or the token of another query.
 */
export function toListQuery<S extends string>(
  list: string,
  project: string,
  given: ListParameters<S>,
  shape: CursorShape,
): { query: ListQuery<S>; next: (cursor: Cursor | null) => { nextPageToken?: string } } {
  const { sort, pageSize = DEFAULT_PAGE_SIZE, pageToken, ...rest } = given
  const asked = { filter: toFilter(project, rest), ...(sort ?? { sort: 'startTime', order: 'desc' }) } as const
  const identity = [list, asked]
  const after = pageToken === undefined ? {} : { after: fromPageToken(pageToken, identity, shape) }
  return { query: { ...asked, pageSize, ...after }, next: (cursor) => nextPage(cursor, identity) }
}

/** The cursor of the next page as a token of `query`, where there is one. */
export function nextPage(cursor: Cursor | null, query: unknown): { nextPageToken?: string } {
  return cursor === null ? {} : { nextPageToken: toToken(`${cursor.value}/${cursor.id}`, query) }
}

/** The inverse of {@link nextPage}. Throws `query/invalid` for a token of another query or of nobody's making. */
export function fromPageToken(token: string, query: unknown, shape: CursorShape): Cursor {
  const [value = '', id = ''] = fromToken(token, query, /^-?\d{1,30}\/[^/]+$/).split('/')
  if (BigInt(value) >= shape.limit || BigInt(value) < -1n || !shape.id.test(id)) throw noToken('query/invalid')
  return { value: BigInt(value), id }
}

/**
 * Where the next page starts, as an opaque token that holds only for `query` (list, project, filter and order). Its checksum is not a
 * secret and need not be one: a forged token asks for nothing that the query without it would not, since the project comes from the
 * key. It keeps a token from silently answering another question than the one it came from.
 */
export function toToken(place: string, query: unknown): string {
  return Buffer.from(`${checksum(place, query)}/${place}`).toString('base64url')
}

/** The inverse of {@link toToken}, for places of a `shape`. Throws `code` for a token of another query or of nobody's making. */
export function fromToken(token: string, query: unknown, shape: RegExp, code: ErrorCode = 'query/invalid'): string {
  const [, sum, place = ''] = /^([0-9a-f]{32})\/(.+)$/.exec(Buffer.from(token, 'base64url').toString()) ?? []
  if (sum !== checksum(place, query) || !shape.test(place)) throw noToken(code)
  return place
}

function noToken(code: ErrorCode): SpanledgerError {
  return new SpanledgerError(code, 'pageToken is not one of this query; start again without it')
}

function checksum(place: string, query: unknown): string {
  const canonical = JSON.stringify([place, query], (_key, value) => (typeof value === 'bigint' ? `${value}n` : value))
  return createHash('sha256').update(canonical).digest('hex').slice(0, 32)
}
