import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { buildSpan, type SpanSketch } from '../../test/support/span.ts'
import { decodeTracesJson } from '../otlp/decode-json.ts'
import type { AttributeValue } from '../spans/attributes.ts'
import { type Conversation, readConversation } from './conversation.ts'
import type { Message } from './messages/message.ts'

/** An event's name and attributes. */
export type EventSketch = readonly [string, Readonly<Record<string, AttributeValue>>]

/** What is read from a GenAI span. */
export function read(sketch: SpanSketch, events: readonly EventSketch[] = []): Conversation {
  const conversation = readConversation({
    ...buildSpan(sketch),
    events: events.map(([name, attributes]) => ({
      timeUnixNano: 0n,
      name,
      attributes: new Map(Object.entries(attributes)),
      droppedAttributesCount: 0,
    })),
  })
  if (conversation === undefined) throw new Error('no GenAI span')
  return conversation
}

/** A message of one text. */
export function text(role: string, content: string, reason?: string): Message {
  return { role, parts: [{ type: 'text', content }], ...(reason !== undefined && { finish_reason: reason }) }
}

/** A JSON value as structured attributes have it. */
export function structured(value: unknown): AttributeValue {
  if (Array.isArray(value)) return value.map(structured)
  if (typeof value !== 'object' || value === null) return value as AttributeValue
  return new Map(Object.entries(value).map(([key, member]) => [key, structured(member)]))
}

/** A call of a tool as OpenTelemetry has it, and as OpenAI sends it. */
export const CALL = { type: 'tool_call', id: 'c1', name: 'weather', arguments: { city: 'Bern' } }
export const OPENAI_CALL = { id: 'c1', type: 'function', function: { name: 'weather', arguments: '{"city":"Bern"}' } }

/** Where recorded emitters are; those written from their conventions are in a folder of it. */
export const FIXTURES = join(import.meta.dirname, '../../test/fixtures/emitters')
export const CONVENTIONS = join(FIXTURES, 'conventions')

/** What a span of a fixture says; what is left out is empty. */
export interface Row {
  readonly span: string
  readonly id?: string
  readonly reasons?: readonly string[]
  readonly input?: readonly Message[]
  readonly output?: readonly Message[]
}

/** What the GenAI spans of a file say, in rows. */
export function fixtureRows(path: string) {
  const { spans } = decodeTracesJson(readFileSync(path))
  const rows = spans.map((span) => ({ span: span.name, conversation: readConversation(span) }))
  return rows.flatMap(({ span, conversation }) => (conversation === undefined ? [] : { span, ...conversation }))
}

/** Rows as {@link fixtureRows} gives them. */
export function expectedRows(rows: readonly Row[]) {
  return rows.map(({ span, id = '', reasons = [], input = [], output = [] }) => ({
    span,
    conversationId: id,
    finishReasons: reasons,
    inputMessages: input,
    outputMessages: output,
  }))
}

/*
 * What test/fixtures/emitters/emitters.mjs has every emitter ask and test/fixtures/emitters/provider.mjs answer: "Hello?",
 * "Hello."; where there is a tool, first a call of it, whose result is then sent back.
 */
export const asked = text('user', 'Hello?')
export const answered = text('assistant', 'Hello.')
export const answeredAndSaid = text('assistant', 'Hello.', 'stop')
export const instructed = text('system', 'Be brief.')
export const TOOL_CALL = { type: 'tool_call', id: 'call_1', name: 'weather', arguments: { city: 'Bern' } }
export const TOOL_RESPONSE = { type: 'tool_call_response', id: 'call_1', response: { degrees: 21 } }
export const called: Message = { role: 'assistant', parts: [TOOL_CALL] }
export const calledAndSaid: Message = { ...called, finish_reason: 'tool_call' }
export const returned: Message = { role: 'tool', parts: [TOOL_RESPONSE] }
export const plain = { input: [asked], output: [answered], reasons: ['stop'] }
export const plainAndSaid = { input: [asked], output: [answeredAndSaid], reasons: ['stop'] }
/** Of a span that runs the tool, with its call's id or without. */
export const ran = { input: [called], output: [returned] }
export const ranUnnamed = {
  input: [{ role: 'assistant', parts: [{ type: 'tool_call', name: 'weather', arguments: { city: 'Bern' } }] }],
  output: [{ role: 'tool', parts: [{ type: 'tool_call_response', response: { degrees: 21 } }] }],
}
