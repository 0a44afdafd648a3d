import type { Span } from '../spans/span.ts'
import type { ConversationKeys } from './dialect.ts'
import { FIELD, name, type Reading, text } from './fields.ts'
import type { Sides } from './messages/events.ts'
import { firstText, type Json, valueAsJson } from './messages/json.ts'
import { readToolCall, toolResponse } from './messages/parts.ts'

const EXECUTE_TOOL = 'execute_tool '

/** The tool that a span runs: many a span is named after it. */
export function toolName(reading: Reading, { name: said }: Span): string {
  const fallback = said.startsWith(EXECUTE_TOOL) ? said.slice(EXECUTE_TOOL.length) : said
  return text(reading, FIELD.toolName) || name(fallback)
}

/** What a tool was asked and what it answered, as the messages that its call would be. */
export function readToolRun(span: Span, reading: Reading, sources: readonly ConversationKeys[]): Sides {
  const tools = sources.flatMap(({ tool }) => tool ?? [])
  const first = (keys: readonly string[]): Json | undefined => {
    for (const key of keys) {
      const value = span.attributes.get(key)
      const json = value === undefined ? undefined : valueAsJson(value)
      if (json !== undefined && json !== '') return json
    }
    return undefined
  }
  const id = firstText(first(tools.flatMap(({ ids = [] }) => ids)))
  const args = first(tools.flatMap((tool) => tool.arguments))
  const result = first(tools.flatMap((tool) => tool.result))
  const call = readToolCall({ id: id ?? '', name: toolName(reading, span), arguments: args ?? null })
  const response = result === undefined ? undefined : toolResponse(id, result)
  return {
    input: args === undefined || call === undefined ? [] : [{ role: 'assistant', parts: [call] }],
    output: response === undefined ? [] : [{ role: 'tool', parts: [response] }],
  }
}
