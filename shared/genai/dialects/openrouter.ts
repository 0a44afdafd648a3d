import type { Dialect } from '../dialect.ts'
import { FIELD } from '../fields.ts'

/** OpenRouter's broadcast: counts in OpenAI's form, its own cost, and the provider that served, who is not who bills. */
export const openrouter: Dialect = {
  name: 'openrouter',
  scopes: ['openrouter*'],
  markers: ['trace.metadata.openrouter.source', 'trace.metadata.openrouter.provider_name'],
  keys: {
    cacheRead: ['gen_ai.usage.input_tokens.cached'],
    cacheWrite: ['gen_ai.usage.input_tokens.cache_creation'],
    reasoning: ['gen_ai.usage.output_tokens.reasoning'],
    reportedCost: ['gen_ai.usage.total_cost'],
    user: ['trace.metadata.openrouter.user_id'],
  },
  cache: 'inclusive',
  complete: (reading) => {
    reading[FIELD.provider] = 'openrouter'
  },
}
