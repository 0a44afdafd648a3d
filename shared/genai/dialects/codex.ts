import type { Dialect } from '../dialect.ts'
import { COUNT_FIELDS, FIELD, fill } from '../fields.ts'

/**
 * OpenAI's Codex: the span of a response counts its tokens but does not say the model, that of the turn says both. So a
 * turn is taken for the call. It leaves out the turns of agents that it starts, which are below a tool's span.
 */
export const codex: Dialect = {
  name: 'codex',
  markers: ['codex.turn.token_usage.total_tokens', 'codex.usage.total_tokens', 'codex.tool.phase'],
  keys: {
    input: ['codex.turn.token_usage.input_tokens'],
    output: ['codex.turn.token_usage.output_tokens'],
    total: ['codex.turn.token_usage.total_tokens'],
    cacheRead: ['codex.turn.token_usage.cached_input_tokens'],
    cacheWrite: ['codex.turn.token_usage.cache_write_input_tokens'],
    reasoning: ['codex.turn.token_usage.reasoning_output_tokens'],
  },
  cache: 'inclusive',
  complete: (reading, { attributes }) => {
    if (!attributes.has('codex.turn.token_usage.total_tokens')) {
      reading.fill(undefined, 0, COUNT_FIELDS)
      if (attributes.has('codex.tool.phase')) {
        reading[FIELD.operation] ??= 'execute_tool'
        fill(reading, FIELD.toolName, attributes.get('tool_name'))
      }
      return
    }
    reading[FIELD.operation] ??= 'chat'
    fill(reading, FIELD.requestModel, attributes.get('model'))
    fill(reading, FIELD.session, attributes.get('thread.id'))
  },
  conversation: { ids: ['thread.id'] },
}
