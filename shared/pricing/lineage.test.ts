import { expect, test } from 'vitest'
import { read } from '../genai/test-call.ts'
import { findParents, type Link, MAX_ANCESTORS, reachesRoot, repeatedSums, type UsageSpan } from './lineage.ts'

interface Sketch {
  readonly parent?: string
  readonly operation?: string
  readonly response?: string
  readonly scope?: string
}

/** Which usage is the nearest that each explains, by span id; tools and plain spans have none. */
function explained(spans: Readonly<Record<string, Sketch>>) {
  const { usages, links } = sketched(spans)
  const parents = findParents(usages, links)
  return Object.fromEntries(usages.map(({ spanId }, position) => [spanId, usages[parents[position]!]?.spanId]))
}

/** Which sums others beside them repeat. */
function repeated(spans: Readonly<Record<string, Sketch>>) {
  const { usages } = sketched(spans)
  return [...repeatedSums(usages)].map((position) => usages[position]!.spanId)
}

function sketched(spans: Readonly<Record<string, Sketch>>) {
  const links = new Map<string, Link>()
  const usages: UsageSpan[] = []
  for (const [spanId, { parent = '', operation = 'chat', response = '', scope = '' }] of Object.entries(spans)) {
    links.set(spanId, { parent, tool: operation === 'execute_tool' })
    if (operation === 'execute_tool' || operation === 'plain') continue
    const attributes = {
      'gen_ai.operation.name': operation,
      'gen_ai.response.id': response,
      'gen_ai.request.model': 'm',
      'gen_ai.usage.input_tokens': 1,
    }
    usages.push({ spanId, call: read({ spanId: '1', attributes, scope }) })
  }
  return { usages, links }
}

test.each([
  ['', '', 'a'],
  ['r1', '', 'a'],
  ['', 'r1', 'a'],
  ['r1', 'r1', 'a'],
  ['r1', 'r2', undefined],
])('a call with response %j that has one with %j below it', (above, below, parent) => {
  expect(explained({ a: { response: above }, b: { parent: 'a', response: below } }).b).toBe(parent)
})

test('a call with a response of its own explains what is above the call above it', () => {
  const spans = {
    a: { operation: 'invoke_agent', response: 'r1' },
    b: { parent: 'a', response: 'r1' },
    c: { parent: 'b', response: 'r2' },
  }
  expect(explained(spans)).toStrictEqual({ a: undefined, b: 'a', c: 'a' })
})

test('a tool is between a call and what it starts, not between that and an agent', () => {
  const tool = { b: { parent: 'a', operation: 'execute_tool' }, c: { parent: 'b', operation: 'plain' } }
  expect(explained({ a: {}, ...tool, d: { parent: 'c' } }).d).toBeUndefined()
  expect(explained({ a: { operation: 'invoke_agent' }, ...tool, d: { parent: 'c' } }).d).toBe('a')
})

test.each(['embeddings', 'rerank', 'image_generation', 'speech', 'transcription'])(
  '%s are no part of a chat',
  (apart) => {
    expect(explained({ a: {}, b: { parent: 'a', operation: apart } }).b).toBeUndefined()
    expect(explained({ a: { operation: apart }, b: { parent: 'a' } }).b).toBeUndefined()
    expect(explained({ a: { operation: apart }, b: { parent: 'a', operation: apart } }).b).toBe('a')
    expect(explained({ a: { operation: 'invoke_agent' }, b: { parent: 'a', operation: apart } }).b).toBe('a')
  },
)

test('an ancestor is found through as many spans as there may be, and no further; a circle ends', () => {
  const chain = (between: number) => {
    const plain = Array.from({ length: between }, (_, n): [string, Sketch] => [
      `p${n}`,
      { parent: n === 0 ? 'a' : `p${n - 1}`, operation: 'plain' },
    ])
    const last = { parent: between === 0 ? 'a' : `p${between - 1}` }
    return explained({ a: { operation: 'invoke_agent' }, ...Object.fromEntries(plain), b: last }).b
  }
  expect([0, 1, MAX_ANCESTORS - 1, MAX_ANCESTORS].map(chain)).toStrictEqual(['a', 'a', 'a', undefined])
  const circle = { a: { parent: 'c', operation: 'plain' }, b: { parent: 'a' }, c: { parent: 'b', operation: 'plain' } }
  expect(explained(circle)).toStrictEqual({ b: undefined })
  expect(explained({ a: { parent: 'a' }, b: { parent: 'a' } })).toStrictEqual({ a: undefined, b: 'a' })
})

test('a trace reaches its root when no parent is missing', () => {
  const links = (...parents: string[]) =>
    new Map(parents.map((parent, n): [string, Link] => [`${n}`, { parent, tool: false }]))
  expect(reachesRoot(links('', '0', '1'))).toBe(true)
  expect(reachesRoot(links('', '0', '7'))).toBe(false)
  expect(reachesRoot(links())).toBe(true)
})

test('a sum beside calls was billed again where the spans between came in a message that was forgotten', () => {
  const sum = { parent: 'r', operation: 'usage_summary' }
  expect(repeated({ r: { operation: 'plain' }, s: sum, t: sum })).toStrictEqual([])
  expect(repeated({ s: sum, t: sum, a: { parent: 'forgotten' } })).toStrictEqual(['s', 't'])
  const others = { ...sum, scope: 'openclaw' }
  expect(repeated({ s: others, a: {} })).toStrictEqual([])
  expect(repeated({ s: others, a: { scope: 'openclaw' } })).toStrictEqual(['s'])
})
