import type { Dialect } from '../dialect.ts'
import { FIELD } from '../fields.ts'
import { isRecord, parseJson } from '../messages/json.ts'
import { readMessage } from '../messages/message.ts'

/** OpenRouter's broadcast: counts in OpenAI's form, its own cost, and the provider that served, who is not who bills. */
export const openrouter: Dialect = {
  name: 'openrouter',
  scopes: ['openrouter*'],
  markers: ['trace.metadata.openrouter.source', 'trace.metadata.openrouter.provider_name'],
  keys: {
    cacheRead: ['gen_ai.usage.input_tokens.cached'],
    cacheWrite: ['gen_ai.usage.input_tokens.cache_write', 'gen_ai.usage.input_tokens.cache_creation'],
    reasoning: ['gen_ai.usage.output_tokens.reasoning'],
    reportedCost: ['gen_ai.usage.total_cost'],
    user: ['trace.metadata.openrouter.user_id'],
  },
  cache: 'inclusive',
  complete: (reading) => {
    reading[FIELD.provider] = 'openrouter'
  },
  conversation: {
    read: ({ attributes }) => {
      const said = attributes.get('gen_ai.completion')
      const parsed = typeof said === 'string' ? parseJson(said) : undefined
      if (!isRecord(parsed)) return {}
      const { completion = null, reasoning = null, toolCalls = null } = parsed
      const answer = readMessage({ content: completion, reasoning, tool_calls: toolCalls }, 'assistant')
      return answer === undefined ? {} : { output: [answer] }
    },
  },
}
