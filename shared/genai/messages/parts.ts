import { firstOf, firstText, isRecord, type Json, type JsonRecord, parseJson } from './json.ts'

/** At most this many parts of a message are read. */
export const MAX_PARTS = 1_000

/**
 * A part of a message, in the form of OpenTelemetry's `gen_ai.input.messages`. A blob leaves its data out, which stay in
 * the attributes. What has a type of its own is kept as it was sent.
 */
export type Part =
  | { readonly type: 'text' | 'reasoning'; readonly content: string }
  | { readonly type: 'tool_call'; readonly id?: string; readonly name: string; readonly arguments?: Json }
  | { readonly type: 'tool_call_response'; readonly id?: string; readonly response?: Json }
  | (Media & { readonly type: 'uri'; readonly uri: string })
  | (Media & { readonly type: 'file'; readonly file_id: string })
  | (Media & { readonly type: 'blob' })
  | (JsonRecord & { readonly type: string })

// A type, not an interface, so that it is a JSON object to the compiler.
type Media = {
  readonly modality?: string
  readonly mime_type?: string
}

/** The parts in a message's content: text, one part or a list of them. */
export function readParts(content: Json | undefined): Part[] {
  const list = Array.isArray(content) ? (content as readonly Json[]) : content === undefined ? [] : [content]
  return list.slice(0, MAX_PARTS).flatMap((item) => readPart(item) ?? [])
}

function readPart(value: Json): Part | undefined {
  if (typeof value === 'string') return textPart('text', value)
  if (!isRecord(value)) return undefined
  // OpenInference wraps each part.
  if (isRecord(value.message_content)) return readPart(value.message_content)
  const type = firstText(value.type, value.block_type)
  if (type === undefined) return readUntyped(value)
  return PARTS.get(type)?.(value, type) ?? (isSaidByType(type) ? undefined : { ...value, type })
}

type PartReader = (part: JsonRecord, type: string) => Part | undefined

const PARTS: ReadonlyMap<string, PartReader> = new Map<string, PartReader>([
  ...['text', 'input_text', 'output_text'].map((type) => [type, readText] as const),
  ...['reasoning', 'thinking'].map((type) => [type, readReasoning] as const),
  ...['tool_call', 'tool-call', 'tool_use', 'toolUse', 'function_call', 'function'].map(
    (type) => [type, readToolCall] as const,
  ),
  ...['tool_call_response', 'tool-result', 'tool_result', 'toolResult', 'function_call_output'].map(
    (type) => [type, readToolResponse] as const,
  ),
  ...[
    'image',
    'image_url',
    'input_image',
    'audio',
    'input_audio',
    'video',
    'file',
    'input_file',
    'document',
    'media',
    'blob',
    'uri',
  ].map((type) => [type, readMedia] as const),
])

/** Media of an unknown form are kept as they are; of the others nothing is left where their reader finds nothing. */
function isSaidByType(type: string): boolean {
  const reader = PARTS.get(type)
  return reader !== undefined && reader !== readMedia
}

/** Gemini's, Bedrock's and Genkit's parts, which are told by their only member. */
function readUntyped(value: JsonRecord): Part | undefined {
  const { text } = value
  if (typeof text === 'string') return textPart(value.thought === true ? 'reasoning' : 'text', text)
  const call = firstOf(value.function_call, value.functionCall, value.toolUse, value.toolRequest)
  if (isRecord(call)) return readToolCall(call)
  const response = firstOf(value.function_response, value.functionResponse, value.toolResult, value.toolResponse)
  if (isRecord(response)) return readToolResponse(response)
  const media = firstOf(value.inline_data, value.inlineData, value.file_data, value.fileData)
  return isRecord(media) ? readMedia(media, 'file') : undefined
}

/** A part of plain text; undefined for none. */
export function textPart(type: 'text' | 'reasoning', content: Json | undefined): Part | undefined {
  return typeof content === 'string' && content !== '' ? { type, content } : undefined
}

function readText({ content, text }: JsonRecord): Part | undefined {
  return textPart('text', firstOf(content, isRecord(text) ? text.value : text))
}

function readReasoning({ content, text, thinking, reasoning, summary }: JsonRecord): Part | undefined {
  const said = firstText(content, text, thinking, reasoning)
  if (said !== undefined) return textPart('reasoning', said)
  const summaries = Array.isArray(summary) ? (summary as readonly Json[]) : []
  const texts = summaries.flatMap((item) => (isRecord(item) && typeof item.text === 'string' ? [item.text] : []))
  return textPart('reasoning', texts.join('\n\n'))
}

/** A tool call by whatever names; undefined without the tool's. */
export function readToolCall(value: JsonRecord): Part | undefined {
  if (isRecord(value.tool_call)) return readToolCall(value.tool_call)
  const target = isRecord(value.function) ? value.function : value
  const name = firstText(target.name, value.toolName, value.tool_name)
  if (name === undefined) return undefined
  const id = firstText(value.call_id, value.toolCallId, value.tool_call_id, value.toolUseId, value.id, value.ref)
  const said = firstOf(target.arguments, target.args, target.input)
  // Providers send arguments as JSON text; what is no JSON is what the model wrote.
  const args = typeof said === 'string' ? (parseJson(said) ?? said) : said
  return { type: 'tool_call', ...(id !== undefined && { id }), name, ...(args !== undefined && { arguments: args }) }
}

function readToolResponse(value: JsonRecord): Part | undefined {
  const id = firstText(
    value.call_id,
    value.tool_use_id,
    value.toolCallId,
    value.tool_call_id,
    value.toolUseId,
    value.id,
    value.ref,
  )
  return toolResponse(id, firstOf(value.response, value.result, value.output, value.content))
}

/** A tool's answer; undefined where there is neither a call's id nor an answer. */
export function toolResponse(id: string | undefined, said: Json | undefined): Part | undefined {
  if (id === undefined && said === undefined) return undefined
  // Vercel's AI SDK says of what type a value is.
  const response = isRecord(said) && typeof said.type === 'string' && said.value !== undefined ? said.value : said
  return {
    type: 'tool_call_response',
    ...(id !== undefined && { id }),
    ...(response !== undefined && { response }),
  }
}

function readMedia(value: JsonRecord, type: string): Part | undefined {
  const nested = [value.source, value.image_url, value.image, value.input_audio, value.audio, value.file, value.url]
  // OpenInference has an image within an image.
  const levels = [value, ...nested.flatMap((item) => (isRecord(item) ? [item, ...[item.image].filter(isRecord)] : []))]
  const members = (...names: readonly string[]) => levels.flatMap((level) => names.map((name) => level[name]))
  const mimeType = firstText(...members('mime_type', 'mimeType', 'mediaType', 'media_type'))
  const uris = members('uri', 'url', 'image_url', 'image', 'file_uri', 'fileUri', 'file_url', 'data', 'file_data')
  const uri = uris.find((item): item is string => typeof item === 'string' && URI.test(item))
  const dataType = uri === undefined ? undefined : /^data:([^;,]{1,100})/i.exec(uri)?.[1]
  const mime = mimeType ?? dataType
  const modality = firstText(value.modality) ?? MODALITIES.exec(mime ?? type)?.[0]
  const media = { ...(modality !== undefined && { modality }), ...(mime !== undefined && { mime_type: mime }) }
  if (uri !== undefined && !/^data:/i.test(uri)) return { type: 'uri', ...media, uri }
  const fileId = firstText(...members('file_id', 'fileId'))
  if (fileId !== undefined) return { type: 'file', ...media, file_id: fileId }
  const data = uri ?? firstText(...members('data', 'content', 'bytes', 'file_data', 'image'))
  return data === undefined ? undefined : { type: 'blob', ...media }
}

const MODALITIES = /image|audio|video/
// Not any scheme: text may begin with a word and a colon.
const URI = /^(data:|[a-z][a-z0-9+.-]*:\/\/)/i
