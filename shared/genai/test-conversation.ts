import type { SpanSketch } from '../../test/support/span.ts'
import { buildSpan } from '../../test/support/span.ts'
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
