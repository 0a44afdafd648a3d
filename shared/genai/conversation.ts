import type { Attributes, AttributeValue } from '../spans/attributes.ts'
import type { Span } from '../spans/span.ts'
import type { ConversationKeys, Dialect } from './dialect.ts'
import { opentelemetry } from './dialects/opentelemetry.ts'
import { FIELD, type Reading, text } from './fields.ts'
import { readEventMessages, type Sides } from './messages/events.ts'
import { readFinishReasons } from './messages/finish-reasons.ts'
import { unflatten } from './messages/flat.ts'
import { type Json, valueAsJson } from './messages/json.ts'
import { type DefaultRole, type Message, readList, readMessages, readSystem } from './messages/message.ts'
import { normaliseOperation } from './operations.ts'
import { newReading, readSpan } from './reading.ts'
import { readToolRun } from './tools.ts'

/** What was said in a model call. */
export interface Conversation {
  /** '' where the span does not say. */
  readonly conversationId: string
  /** One for each choice, in OpenTelemetry's words where it has one. */
  readonly finishReasons: readonly string[]
  /** What the model was told, what its emitter calls system instructions first. */
  readonly inputMessages: readonly Message[]
  readonly outputMessages: readonly Message[]
}

export interface ConversationOptions {
  /** Whether messages are asked for; without them only as much is read as finish reasons need. Default true. */
  readonly messages?: boolean
}

const reading = newReading()

/**
 * Reads who said what in a span, from its attributes and events, in whatever dialect. What cannot be read is left out.
 * The time that it takes is linear in the span's size; it never throws. Undefined for a span that is no
 * GenAI span.
 */
export function readConversation(span: Span, { messages = true }: ConversationOptions = {}): Conversation | undefined {
  readSpan(span, reading)
  const { dialect } = reading
  if (dialect === undefined) return undefined
  const sources = sourcesOf(dialect)
  const stated = firstFilled(sources, ({ finishReasons = [] }) =>
    firstFilled(finishReasons, (key) => readFinishReasons(span.attributes.get(key))),
  )
  const conversationId = readConversationId(span, sources)
  if (isToolRun(reading.values)) {
    const { input, output } = messages ? readToolRun(span, reading.values, sources) : NOTHING
    return { conversationId, finishReasons: stated, inputMessages: input, outputMessages: output }
  }
  const outputMessages = messages || stated.length === 0 ? readSide(span, sources, 'output') : []
  const inferred = outputMessages.flatMap(({ finish_reason }) => finish_reason ?? [])
  return {
    conversationId,
    finishReasons: stated.length > 0 ? stated : inferred,
    inputMessages: messages ? readInput(span, sources) : [],
    outputMessages: messages ? outputMessages : [],
  }
}

const NOTHING: Sides = { input: [], output: [] }

function isToolRun(values: Reading): boolean {
  return normaliseOperation(text(values, FIELD.operation) || text(values, FIELD.kind)) === 'execute_tool'
}

/** OpenTelemetry's keys are understood whoever speaks, and come first. */
function sourcesOf({ conversation }: Dialect): readonly ConversationKeys[] {
  return [opentelemetry.conversation, conversation].filter(
    (keys, index, all) => keys !== undefined && all.indexOf(keys) === index,
  ) as ConversationKeys[]
}

function readConversationId(span: Span, sources: readonly ConversationKeys[]): string {
  for (const { ids = [], id } of sources) {
    const said = [...ids.map((key) => span.attributes.get(key)), id?.(span)]
    const text = said.find((value): value is string => typeof value === 'string' && value !== '')
    if (text !== undefined) return text
  }
  return ''
}

/** Some emitters repeat among the messages the instructions that they also say apart. */
function readInput(span: Span, sources: readonly ConversationKeys[]): readonly Message[] {
  const messages = readSide(span, sources, 'input')
  const system = firstFilled(sources, ({ system: keys = [] }) =>
    firstFilled(keys, (key) => firstFilled(carriers(span), (attributes) => readSystem(said(attributes.get(key))))),
  )
  const instructions = JSON.stringify(system[0]?.parts)
  const repeated = messages.some(({ role, parts }) => role === 'system' && JSON.stringify(parts) === instructions)
  return repeated ? messages : [...system, ...messages]
}

function readSide(span: Span, sources: readonly ConversationKeys[], side: 'input' | 'output'): readonly Message[] {
  const role = side === 'input' ? 'user' : 'assistant'
  const said = firstFilled(sources, (source) => {
    const found = firstFilled(source[side] ?? [], (key) =>
      firstFilled(carriers(span), (attributes) => readKey(attributes, key, role)),
    )
    return found.length > 0 ? found : (source.read?.(span)[side] ?? [])
  })
  return said.length > 0 ? said : readEventMessages(span)[side]
}

/** Events that carry what the span's attributes else would. */
const DETAILS: ReadonlySet<string> = new Set([
  'gen_ai.client.inference.operation.details',
  'gen_ai.content.prompt',
  'gen_ai.content.completion',
])

function carriers({ attributes, events }: Span): readonly Attributes[] {
  const details = events.filter(({ name }) => DETAILS.has(name))
  return details.length === 0 ? [attributes] : [attributes, ...details.map((event) => event.attributes)]
}

/** A key that ends with a dot begins a list which is spelt out over several keys. */
function readKey(attributes: Attributes, key: string, role: DefaultRole): readonly Message[] {
  if (key.endsWith('.')) return readList(unflatten(attributes, key), role)
  return readMessages(said(attributes.get(key)), role)
}

function said(value: AttributeValue | undefined): Json | undefined {
  return value === undefined ? undefined : valueAsJson(value)
}

function firstFilled<S, T>(sources: readonly S[], read: (source: S) => readonly T[]): readonly T[] {
  for (const source of sources) {
    const found = read(source)
    if (found.length > 0) return found
  }
  return []
}
