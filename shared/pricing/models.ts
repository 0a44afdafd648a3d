import { isNameOf } from './model-names.ts'

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

type Piece = Extract<
  Match,
  { readonly starts_with: string } | { readonly ends_with: string } | { readonly contains: string }
>

/** Asked of a name that a pattern fits from `start` to `end`, whatever is around that. */
type Accept = (start: number, end: number) => boolean

/** Whether `name` (lower-case) fits; letters' case does not matter but in a regex. */
export function matches(match: Match, name: string, accept: Accept = () => true): boolean {
  if ('or' in match) return match.or.some((part) => matches(part, name, accept))
  if ('and' in match) return match.and.every((part) => matches(part, name, accept))
  if ('equals' in match) return name === match.equals.toLowerCase()
  if ('regex' in match) {
    const found = new RegExp(match.regex).exec(name)
    // One that matches no letters only looks around.
    return found !== null && (found[0] === '' || accept(found.index, found.index + found[0].length))
  }
  const [start, length] = placeOf(match, name)
  return start >= 0 && accept(start, start + length)
}

/** Whether `name` (lower-case) is one of the model `id`, which fits `match`: patterns are in the names of others too. */
export function denotes(match: Match, id: string, name: string): boolean {
  return matches(match, name, (start, end) => isNameOf(id, name, start, end))
}

/** An index over matches in order: exact names by hash, only true patterns one by one. The first that fits wins. */
export interface MatchIndex {
  find(name: string): number
}

/** Indexes `list`; `find` gives the position of the first match that fits a lower-case name, or -1. */
export function indexMatches(
  list: readonly Match[],
  fits: (match: Match, name: string, position: number) => boolean = (match, name) => matches(match, name),
): MatchIndex {
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
      const pattern = patterns.find(({ match, position }) => position < equal && fits(match, name, position))
      return pattern?.position ?? (equal < list.length ? equal : -1)
    },
  }
}

/** Where in the name a pattern begins, or -1, and how long it is. */
function placeOf(pattern: Piece, name: string): [start: number, length: number] {
  const text = Object.values(pattern)[0]!.toLowerCase()
  const start = 'ends_with' in pattern ? name.length - text.length : 'contains' in pattern ? name.indexOf(text) : 0
  return [name.startsWith(text, start) ? start : -1, text.length]
}
