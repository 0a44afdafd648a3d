import type { Dialect } from '../dialect.ts'
import { FIELD, fill, text } from '../fields.ts'

/** What its spans are, by `span.type`; others, such as hooks and waiting for a permission, are part of these. */
const OPERATIONS: ReadonlyMap<unknown, string> = new Map([
  ['interaction', 'invoke_agent'],
  ['llm_request', 'chat'],
  ['tool', 'execute_tool'],
])

/**
 * Anthropic's Claude Code (traces are a beta of it): Anthropic's own counts, which leave out what was cached, under names
 * so common that they mean this in its scope alone.
 */
export const claudeCode: Dialect = {
  name: 'claude_code',
  scopes: ['com.anthropic.claude_code.*'],
  keys: {},
  cache: 'exclusive',
  complete: (reading, { attributes }) => {
    fill(reading, FIELD.operation, OPERATIONS.get(attributes.get('span.type')))
    fill(reading, FIELD.toolName, attributes.get('tool_name'))
    if (text(reading, FIELD.operation) !== 'chat') return
    // It says of a model that it was given a window of a million tokens.
    reading[FIELD.requestModel] = text(reading, FIELD.requestModel).replace(/\[1m\]$/, '')
    fill(reading, FIELD.input, attributes.get('input_tokens'))
    fill(reading, FIELD.output, attributes.get('output_tokens'))
    fill(reading, FIELD.cacheRead, attributes.get('cache_read_tokens'))
    fill(reading, FIELD.cacheWrite, attributes.get('cache_creation_tokens'))
    if (attributes.get('speed') === 'fast') reading[FIELD.serviceTier] ??= 'fast'
  },
  conversation: {
    finishReasons: ['stop_reason'],
    input: ['user_prompt'],
  },
}
