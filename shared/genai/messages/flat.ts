import type { Attributes } from '../../spans/attributes.ts'
import { attributeAsJson, type Json, parseJson } from './json.ts'

const MAX_SEGMENTS = 12

type Node = Map<string, Node | Json>

/** The list that attributes `<prefix>0.a.b`, `<prefix>1.c` and so on spell out; empty if there are none. */
export function unflatten(attributes: Attributes, prefix: string): readonly Json[] {
  const root: Node = new Map()
  for (const [key, value] of attributes) {
    if (!key.startsWith(prefix)) continue
    const segments = key.slice(prefix.length).split('.')
    if (segments.length > MAX_SEGMENTS || !/^\d{1,6}$/.test(segments[0] ?? '')) continue
    const json = attributeAsJson(value)
    if (json !== undefined) insert(root, segments, json)
  }
  const list = assemble(root)
  return Array.isArray(list) ? list : []
}

/** Where one key is another's beginning the first one holds. */
function insert(root: Node, segments: readonly string[], value: Json): void {
  let node = root
  for (const segment of segments.slice(0, -1)) {
    const next = node.get(segment) ?? new Map()
    if (!(next instanceof Map)) return
    node.set(segment, next)
    node = next
  }
  const last = segments.at(-1) ?? ''
  if (!node.has(last)) node.set(last, last === 'content' ? contentOf(value) : value)
}

/** Content that is a list of parts comes as JSON text. */
function contentOf(value: Json): Json {
  const parsed = typeof value === 'string' && value.startsWith('[{') ? parseJson(value) : undefined
  return Array.isArray(parsed) ? (parsed as readonly Json[]) : value
}

function assemble(node: Node | Json): Json {
  if (!(node instanceof Map)) return node
  const entries = Array.from(node, ([key, member]): [string, Json] => [key, assemble(member)])
  if (!entries.every(([key]) => /^\d{1,6}$/.test(key))) return Object.fromEntries(entries)
  return entries.toSorted(([a], [b]) => Number(a) - Number(b)).map(([, member]) => member)
}
