import type { AttributeValue } from '../../spans/attributes.ts'
import { normaliseFinishReason } from './finish-reasons.ts'
import { firstOf, firstText, isRecord, type Json, type JsonRecord, looksLikeJson, parseJson } from './json.ts'
import { MAX_PARTS, type Part, readParts, readToolCall, textPart, toolResponse } from './parts.ts'

/** At most this many messages are read from one source. */
export const MAX_MESSAGES = 1_000

/** A message of a conversation, in the form of OpenTelemetry's `gen_ai.input.messages` and `gen_ai.output.messages`. */
export interface Message {
  /** `system`, `user`, `assistant`, `tool`, or as sent. */
  readonly role: string
  readonly parts: readonly Part[]
  /** Of an answer, where it says so itself. */
  readonly finish_reason?: string
}

/** Whose a message is if it does not say: a prompt is the user's, a completion the assistant's. */
export type DefaultRole = 'user' | 'assistant'

const ROLES: ReadonlyMap<string, string> = new Map([
  ...['system', 'user', 'assistant', 'tool', 'developer'].map((role) => [role, role] as const),
  ['human', 'user'],
  ['humanmessage', 'user'],
  ['ai', 'assistant'],
  ['aimessage', 'assistant'],
  ['aimessagechunk', 'assistant'],
  ['model', 'assistant'],
  ['chatbot', 'assistant'],
  ['systemmessage', 'system'],
  ['toolmessage', 'tool'],
  ['function', 'tool'],
])

/**
 * The messages in a JSON value, told by its form: a list of messages, a provider's request or response around one, a
 * single message, or text, which is of `role`. Empty for any other.
 */
export function readMessages(value: Json | undefined, role: DefaultRole): Message[] {
  if (Array.isArray(value)) return readList(value as readonly Json[])
  if (!isRecord(value)) return listOf(readMessage(value, role))
  const [name, list] = listIn(value)
  const bare = typeof value.model === 'string' ? firstText(value.prompt, value.input) : firstText(value.prompt)
  if (list === undefined && bare === undefined) return listOf(readMessage(value))
  const messages = list === undefined ? listOf(readMessage(bare, role)) : readList(list, LISTS.get(name))
  return role === 'user' ? [...readSystem(systemOf(value)), ...messages] : messages
}

/** The same of JSON text alone: emitters put the input and output of anything there. */
export function readJsonMessages(value: AttributeValue | undefined, role: DefaultRole): Message[] {
  return readMessages(typeof value === 'string' ? parseJson(value) : undefined, role)
}

/** The same, where text that is no JSON is what was said; JSON that was cut off is not. */
export function readTextMessages(value: AttributeValue | undefined, role: DefaultRole): Message[] {
  if (typeof value !== 'string') return []
  return looksLikeJson(value) ? readJsonMessages(value, role) : readMessages(value, role)
}

/** Where requests and responses have their messages, and whose those are that do not say. */
const LISTS: ReadonlyMap<string, DefaultRole | undefined> = new Map([
  ['messages', undefined],
  ['prompts', 'user'],
  ['contents', 'user'],
  ['choices', 'assistant'],
  ['candidates', 'assistant'],
  ['generations', 'assistant'],
  ['input', undefined],
  ['output', undefined],
  ['prompt', undefined],
])

function listIn(value: JsonRecord): readonly [string, readonly Json[] | undefined] {
  for (const name of LISTS.keys()) if (Array.isArray(value[name])) return [name, value[name] as readonly Json[]]
  return ['', undefined]
}

function systemOf(request: JsonRecord): Json | undefined {
  const config = isRecord(request.config) ? request.config : {}
  const { system, instructions, system_instruction: snake, systemInstruction: camel } = request
  return firstOf(system, instructions, snake, camel, config.system_instruction, config.systemInstruction)
}

/** What the model was told before the conversation, as its first message. */
export function readSystem(instructions: Json | undefined): Message[] {
  const content = isRecord(instructions) && Array.isArray(instructions.parts) ? instructions.parts : instructions
  const parts = readParts(content as Json | undefined)
  return parts.length > 0 ? [{ role: 'system', parts }] : []
}

/** Messages of a list; those that do not say whose they are only where `role` is given. */
export function readList(list: readonly Json[], role?: DefaultRole): Message[] {
  // LangChain has a list for each prompt of a batch.
  const flat = list.slice(0, MAX_MESSAGES).flatMap((item) => (Array.isArray(item) ? (item as readonly Json[]) : [item]))
  return flat.slice(0, MAX_MESSAGES).flatMap((item) => {
    const parsed = typeof item === 'string' ? (parseJson(item) ?? item) : item
    return readMessage(parsed as Json, role) ?? []
  })
}

/** One message in any of the known forms; undefined if it is none, says nothing, or is nobody's and `role` not given. */
export function readMessage(value: Json | undefined, role?: DefaultRole | 'system' | 'tool'): Message | undefined {
  if (typeof value === 'string') return messageOf(role, [textPart('text', value)])
  if (!isRecord(value)) return undefined
  const inner = unwrapped(value)
  const reason = finishReason(value) ?? (inner === value ? undefined : finishReason(inner))
  const type = firstText(inner.type)?.toLowerCase() ?? ''
  const item = ITEM_ROLES.get(type)
  if (item !== undefined && inner.role === undefined) return messageOf(item, readParts(inner), reason)
  const said = firstText(inner.role)
  const speaker = said === undefined ? (ROLES.get(type) ?? role) : (ROLES.get(said.toLowerCase()) ?? said)
  const content = firstOf(inner.parts, inner.content, inner.contents, inner.blocks, inner.text)
  const parts = readParts(content)
  if (speaker === 'tool' && !parts.some((part) => part.type === 'tool_call_response')) {
    const id = firstText(inner.tool_call_id, inner.toolCallId, inner.id)
    return messageOf(speaker, [toolResponse(id, content)], reason)
  }
  const thoughts = textPart('reasoning', firstText(inner.reasoning_content, inner.reasoning))
  const apart = parts.some((part) => part.type === 'reasoning') ? undefined : thoughts
  return messageOf(speaker, [apart, ...parts, ...readToolCalls(inner, parts)], reason)
}

/** OpenAI's Responses API has items beside messages. */
const ITEM_ROLES: ReadonlyMap<string, string> = new Map([
  ['function_call', 'assistant'],
  ['reasoning', 'assistant'],
  ['function_call_output', 'tool'],
])

/** The message within a choice, a candidate, a generation, or a serialised LangChain message. */
function unwrapped(value: JsonRecord): JsonRecord {
  const { message, content, kwargs, data, id, type } = value
  if (isRecord(message)) return unwrapped(message)
  if (isRecord(content) && Array.isArray(content.parts)) return content
  if (isRecord(kwargs) && Array.isArray(id)) return { type: id.at(-1) ?? '', ...kwargs }
  if (isRecord(data) && typeof type === 'string' && ROLES.has(type)) return { ...data, type }
  return value
}

function readToolCalls(message: JsonRecord, parts: readonly Part[]): Part[] {
  // Some list a call among the parts as well.
  if (parts.some((part) => part.type === 'tool_call')) return []
  const more = isRecord(message.additional_kwargs) ? message.additional_kwargs.tool_calls : undefined
  const calls = [message.tool_calls, more].find((list) => Array.isArray(list) && list.length > 0)
  const list = (calls as readonly Json[] | undefined) ?? [firstOf(message.function_call) ?? null]
  return list.slice(0, MAX_PARTS).flatMap((call) => (isRecord(call) ? (readToolCall(call) ?? []) : []))
}

function finishReason(value: JsonRecord): string | undefined {
  const metadata = isRecord(value.response_metadata) ? value.response_metadata : {}
  const { finish_reason: snake, finishReason: camel, stop_reason: stop, done_reason: done } = value
  const said = firstText(snake, camel, stop, done, metadata.finish_reason, metadata.stop_reason)
  return said === undefined ? undefined : normaliseFinishReason(said)
}

function messageOf(
  role: string | undefined,
  parts: readonly (Part | undefined)[],
  reason?: string,
): Message | undefined {
  if (role === undefined) return undefined
  const said = parts.filter((part) => part !== undefined)
  if (said.length === 0 && reason === undefined) return undefined
  return { role, parts: said, ...(reason !== undefined && { finish_reason: reason }) }
}

function listOf(message: Message | undefined): Message[] {
  return message === undefined ? [] : [message]
}
