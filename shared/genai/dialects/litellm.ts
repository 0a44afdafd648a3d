import type { Dialect } from '../dialect.ts'
import { FIELD } from '../fields.ts'
import { memberReader } from '../member-reader.ts'
import { pythonLiteral } from '../python-literal.ts'
import { completeFromRawUsage, RAW_USAGE } from '../raw-usage.ts'

const usage = memberReader(RAW_USAGE)

/**
 * LiteLLM's OpenTelemetry callback: counts in OpenAI's form, which it brings every provider into, and its own cost. What
 * was cached or reasoned is in its metadata alone, as Python writes it.
 */
export const litellm: Dialect = {
  name: 'litellm',
  scopes: ['litellm*'],
  markers: ['gen_ai.cost.total_cost', 'litellm.cost.total', 'hidden_params'],
  keys: {
    input: ['llm.usage.prompt_tokens'],
    output: ['llm.usage.completion_tokens'],
    reportedCost: ['gen_ai.cost.total_cost', 'litellm.cost.total'],
    user: ['metadata.user_api_key_end_user_id', 'llm.user', 'metadata.user_api_key_user_id'],
    session: ['metadata.session_id', 'metadata.litellm_session_id'],
    usageJson: ['metadata.usage_object'],
  },
  cache: 'inclusive',
  complete: (reading) => {
    const said = reading[FIELD.usageJson]
    if (said !== undefined) completeFromRawUsage(reading, usage.read(pythonLiteral(said)), usage.at)
  },
}
