/** How the catalogue recognises a model or provider by name. */
export type Match =
  | { readonly or: readonly Match[] }
  | { readonly and: readonly Match[] }
  | { readonly equals: string }
  | { readonly starts_with: string }
  | { readonly ends_with: string }
  | { readonly contains: string }
  | { readonly regex: string }

/** Names longer than this are nobody's: they are not looked up. */
export const MAX_NAME_LENGTH = 256

/** Whether `name` (lower-case) fits; letters' case does not matter but in a regex. */
export function matches(match: Match, name: string): boolean {
  if ('or' in match) return match.or.some((part) => matches(part, name))
  if ('and' in match) return match.and.every((part) => matches(part, name))
  if ('equals' in match) return name === match.equals.toLowerCase()
  if ('starts_with' in match) return name.startsWith(match.starts_with.toLowerCase())
  if ('ends_with' in match) return name.endsWith(match.ends_with.toLowerCase())
  if ('contains' in match) return name.includes(match.contains.toLowerCase())
  return new RegExp(match.regex).test(name)
}

/** An index over matches in order: exact names by hash, only true patterns one by one. The first that fits wins. */
export interface MatchIndex {
  find(name: string): number
}

/** Indexes `list`; `find` gives the position of the first match that fits a lower-case name, or -1. */
export function indexMatches(list: readonly Match[]): MatchIndex {
  const exact = new Map<string, number>()
  const patterns: { readonly match: Match; readonly position: number }[] = []
  for (const [position, match] of list.entries())
    for (const part of 'or' in match ? match.or : [match]) {
      if (!('equals' in part)) patterns.push({ match: part, position })
      else if (!exact.has(part.equals.toLowerCase())) exact.set(part.equals.toLowerCase(), position)
    }
  return {
    find: (name) => {
      const equal = exact.get(name) ?? list.length
      const pattern = patterns.find(({ match, position }) => position < equal && matches(match, name))
      return pattern?.position ?? (equal < list.length ? equal : -1)
    },
  }
}
const COMPACT_DATE = /-(20\d\d)(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?=-|:|$)/

/**
 * The names under which a model may be listed, the given one first: without resource path (`models/…`, Vertex
 * publishers, Bedrock ARNs), with Vertex's `@` as `-`, with the date written out.
 */
export function modelNames(model: string): string[] {
  const name = model.trim().toLowerCase()
  const names = new Set([name])
  const path = /^(?:models|tunedmodels|publishers\/[^/]+\/models|projects\/.+\/models|arn:aws[^/]*\/)\/?/.exec(name)
  const bare = path === null ? name : name.slice(path[0].length)
  names.add(bare)
  names.add(bare.replace('@', '-'))
  for (const known of [...names]) names.add(known.replace(COMPACT_DATE, '-$1-$2-$3'))
  return [...names]
}
