import fc from 'fast-check'
import { expect, test } from 'vitest'
import { buildSpan } from '../../test/support/span.ts'
import type { AttributeValue } from '../spans/attributes.ts'
import type { Span } from '../spans/span.ts'
import { readConversation } from './conversation.ts'
import type { Dialect } from './dialect.ts'
import { DIALECTS } from './dialects/index.ts'
import { opentelemetry } from './dialects/opentelemetry.ts'
import { MAX_DEPTH, MAX_VALUES } from './messages/json.ts'
import { MAX_MESSAGES } from './messages/message.ts'
import { MAX_PARTS } from './messages/parts.ts'
import { structured } from './test-conversation.ts'

/** A message is within a list, its parts within it, and an argument within a part. */
const OWN_DEPTH = 5

function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  return 1 + Math.max(0, ...Object.values(value).map(depthOf))
}

/** Returns how many messages there were. */
function expectBounded(span: Span): number {
  const said = readConversation(span)
  if (said === undefined) return 0
  for (const messages of [said.inputMessages, said.outputMessages]) {
    // One more for the system's instructions.
    expect(messages.length).toBeLessThanOrEqual(MAX_MESSAGES + 1)
    for (const { role, parts } of messages) {
      expect(role).toBeTypeOf('string')
      // One more for reasoning.
      expect(parts.length).toBeLessThanOrEqual(2 * MAX_PARTS + 1)
      for (const part of parts) expect(part.type).toBeTypeOf('string')
    }
  }
  for (const reason of said.finishReasons) expect(reason).toBeTypeOf('string')
  expect(depthOf(said)).toBeLessThanOrEqual(MAX_DEPTH + OWN_DEPTH)
  expect(JSON.parse(JSON.stringify(said))).toEqual(said)
  return said.inputMessages.length + said.outputMessages.length
}

const ALL_KEYS = ['ids', 'finishReasons', 'system', 'input', 'output'] as const
const keysOf = ({ conversation: { tool, ...keys } = {} }: Dialect) => [
  ...ALL_KEYS.flatMap((name) => keys[name] ?? []),
  ...(tool === undefined ? [] : [...(tool.ids ?? []), ...tool.arguments, ...tool.result]),
]
/** What the dialects' own functions read. */
const READ = [
  ...['events', 'all_messages_events', 'pydantic_ai.all_messages', 'input.value', 'output.value', 'metadata'],
  ...['mlflow.spanInputs', 'mlflow.spanOutputs', 'ai.response.text', 'ai.response.toolCalls', 'ai.response.object'],
]
const EVENTS = [
  ...['system', 'user', 'assistant', 'tool'].map((role) => `gen_ai.${role}.message`),
  ...['gen_ai.choice', 'gen_ai.client.inference.operation.details', 'gen_ai.content.prompt', 'other'],
]

/** Words that the readers look for, where they do not expect them. */
const words = fc.constantFrom(
  ...['role', 'parts', 'content', 'contents', 'type', 'text', 'message', 'messages', 'choices', 'candidates', 'id'],
  ...['tool_calls', 'function', 'name', 'arguments', 'input', 'output', 'prompt', 'model', 'kwargs', 'lc', 'data'],
  ...['user', 'tool', 'assistant', 'ai', 'tool_call', 'tool_call_response', 'image', 'image_url', 'source', 'uri'],
  ...['finish_reason', 'system', 'config', 'event.name', 'gen_ai.choice', 'function_call', 'reasoning', 'summary'],
  ...['response', 'value', 'inline_data', 'message_content', 'response_metadata', '__proto__', 'toString', '', '0'],
)
const { tree } = fc.letrec((tie) => ({
  tree: fc.oneof({ maxDepth: 6 }, words, fc.string(), fc.double(), fc.constant(null), tie('list'), tie('record')),
  list: fc.array(tie('tree'), { maxLength: 4 }),
  record: fc.array(fc.tuple(words, tie('tree')), { maxLength: 5 }).map((entries) => Object.fromEntries(entries)),
}))

/** Messages as they should be, but for what is in them. */
const types = fc.constantFrom(
  'text',
  'tool_call',
  'tool-result',
  'tool_use',
  'reasoning',
  'image',
  'file',
  'own',
  'function',
)
const parts = fc.record(
  { type: types, content: tree, text: tree, name: words, arguments: tree, id: words, source: tree, result: tree },
  { requiredKeys: ['type'] },
)
const messages = fc.array(
  fc.record(
    { role: words, content: fc.oneof(tree, fc.array(parts)), parts: fc.array(parts), finish_reason: words },
    { requiredKeys: ['role'] },
  ),
)
const likely = fc.oneof(
  tree,
  messages,
  messages.map((list) => ({ messages: list })),
  messages.map((list) => ({ choices: list.map((message) => ({ message })) })),
)

const values = fc.oneof(
  likely.map((value) => JSON.stringify(value)),
  likely.map((value) => JSON.stringify(value).slice(0, -1)),
  likely.map(structured),
  words,
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.double(),
  fc.boolean(),
  fc.uint8Array(),
)
const rest = fc.array(fc.oneof(words, fc.nat({ max: 1e7 }).map(String)), { maxLength: 14 })
const spanOf = (dialect: Dialect) => {
  const key = fc.constantFrom(...keysOf(dialect), ...keysOf(opentelemetry), ...READ)
  const flat = fc.tuple(key, rest).map(([prefix, segments]) => [prefix.replace(/\.$/, ''), ...segments].join('.'))
  const attributes = fc.array(fc.tuple(fc.oneof({ weight: 4, arbitrary: key }, flat), values), { maxLength: 6 })
  return fc.record({
    scope: fc.constantFrom(...(dialect.scopes ?? []).map((scope) => scope.replace('*', 'x')), 'unknown'),
    marker: fc.constantFrom(...(dialect.markers ?? ['none'])),
    operation: fc.constantFrom('', 'chat', 'execute_tool'),
    attributes,
    events: fc.array(fc.tuple(fc.constantFrom(...EVENTS), attributes), { maxLength: 2 }),
  })
}

test('whatever a span says, reading it never throws, is bounded and gives plain JSON', () => {
  let heard = 0
  const spans = fc.constantFrom(...DIALECTS).chain(spanOf)
  fc.assert(
    fc.property(spans, ({ scope, marker, operation, attributes, events }) => {
      heard += expectBounded({
        ...buildSpan({ scope }),
        attributes: new Map([[marker, 'x'], ['gen_ai.operation.name', operation], ...attributes]),
        events: events.map(([name, entries]) => ({
          timeUnixNano: 0n,
          name,
          attributes: new Map(entries),
          droppedAttributesCount: 0,
        })),
      })
    }),
    { numRuns: 600 },
  )
  // Or else it proves nothing.
  expect(heard).toBeGreaterThan(100)
})

const nested = (open: string, close: string, depth: number) => open.repeat(depth) + close.repeat(depth)
const input = (value: AttributeValue) =>
  buildSpan({ attributes: { 'gen_ai.operation.name': 'chat', 'gen_ai.input.messages': value } })
const read = (value: AttributeValue) => readConversation(input(value))?.inputMessages ?? []

test('what is too deep or has too many values is left out, what is just within the bounds is read', () => {
  const argument = (depth: number) =>
    `[{"role":"assistant","parts":[{"type":"tool_call","name":"t","arguments":${nested('[', ']', depth)}}]}]`
  expect(read(argument(MAX_DEPTH - 4))).toHaveLength(1)
  expect(read(argument(MAX_DEPTH))).toStrictEqual([])
  expect(read(argument(1_000_000))).toStrictEqual([])
  expect(read(nested('{"parts":[', ']}', 100_000))).toStrictEqual([])
  let deep: AttributeValue = 'x'
  for (let depth = 0; depth < 100_000; depth++) deep = [deep]
  expect(read(deep)).toStrictEqual([])
  const wide = (count: number) => JSON.stringify([{ role: 'user', content: Array(count).fill('x') }])
  expect(read(wide(MAX_VALUES))).toStrictEqual([])
  expect(read(wide(MAX_VALUES / 2))[0]?.parts).toHaveLength(MAX_PARTS)
})

test('more messages and parts than are read are cut', () => {
  const many = JSON.stringify(Array(MAX_MESSAGES + 5).fill({ role: 'user', content: 'Hi' }))
  expect(read(many)).toHaveLength(MAX_MESSAGES)
  const parts = Array(MAX_PARTS + 5).fill({ type: 'text', content: 'Hi' })
  expect(read(JSON.stringify([{ role: 'user', parts }]))[0]?.parts).toHaveLength(MAX_PARTS)
  const spelt = Array.from(
    { length: MAX_MESSAGES + 5 },
    (_, index) => [`gen_ai.prompt.${index}.content`, 'Hi'] as const,
  )
  const flatSpan = { ...input(''), attributes: new Map<string, AttributeValue>([['gen_ai.system', 'x'], ...spelt]) }
  expect(readConversation(flatSpan)?.inputMessages).toHaveLength(MAX_MESSAGES)
})
