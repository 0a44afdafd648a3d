import type { Attributes } from '../../spans/attributes.ts'
import type { Span } from '../../spans/span.ts'
import { attributeAsJson, firstText, isRecord, type Json, type JsonRecord, parseJson } from './json.ts'
import { MAX_MESSAGES, type Message, readMessage } from './message.ts'

/** The two sides of a call. */
export interface Sides {
  readonly input: readonly Message[]
  readonly output: readonly Message[]
}

/** OpenTelemetry's events with one message each, by name. */
const ROLES: ReadonlyMap<string, 'system' | 'user' | 'assistant' | 'tool'> = new Map([
  ['gen_ai.system.message', 'system'],
  ['gen_ai.user.message', 'user'],
  ['gen_ai.assistant.message', 'assistant'],
  ['gen_ai.tool.message', 'tool'],
  ['gen_ai.choice', 'assistant'],
])

/** The messages that a span's events carry, one each. */
export function readEventMessages({ events }: Span): Sides {
  return sidesOf(
    events
      .filter(({ name }) => ROLES.has(name))
      .slice(0, MAX_MESSAGES)
      .map(({ name, attributes }) => ({ name, body: bodyOf(attributes) })),
  )
}

/** The same where they come as a list of objects that name themselves. */
export function readEventList(list: Json | undefined): Sides {
  const items = Array.isArray(list) ? (list as readonly Json[]).slice(0, MAX_MESSAGES) : []
  return sidesOf(items.filter(isRecord).map((body) => ({ name: firstText(body['event.name']) ?? '', body })))
}

function sidesOf(events: readonly { name: string; body: JsonRecord }[]): Sides {
  const input: Message[] = []
  const output: Message[] = []
  for (const { name, body } of events) {
    const role = ROLES.get(name)
    const message = role === undefined ? undefined : readMessage(body, role)
    if (message !== undefined) (name === 'gen_ai.choice' ? output : input).push(message)
  }
  return { input, output }
}

/** Attributes have JSON text where an event's body had objects; Azure has the whole body as one text. */
function bodyOf(attributes: Attributes): JsonRecord {
  const whole = attributes.get('gen_ai.event.content')
  const parsed = typeof whole === 'string' ? parseJson(whole) : undefined
  if (isRecord(parsed as Json | undefined)) return parsed as JsonRecord
  const body: [string, Json][] = []
  for (const key of BODY_KEYS) {
    const value = attributes.get(key)
    const json = typeof value === 'string' && key !== 'content' ? (parseJson(value) ?? value) : undefined
    const member = json ?? (value === undefined ? undefined : attributeAsJson(value))
    if (member !== undefined) body.push([key, member as Json])
  }
  return Object.fromEntries(body)
}

const BODY_KEYS = ['role', 'content', 'message', 'tool_calls', 'tool_call_id', 'id', 'finish_reason']
