import type { Dialect } from '../dialect.ts'
import { COUNT_FIELDS, FIELD, fill, name, type Reading, text } from '../fields.ts'
import { memberReader } from '../member-reader.ts'
import { pythonLiteral } from '../python-literal.ts'
import { completeFromRawUsage, RAW_USAGE } from '../raw-usage.ts'

const usage = memberReader(RAW_USAGE)

/**
 * LiteLLM's OpenTelemetry callback: counts in OpenAI's form, which it brings every provider into, and its own cost. What
 * was cached or reasoned is in its metadata alone, as Python writes it; its second release only says that something was, by what
 * that cost.
 */
export const litellm: Dialect = {
  name: 'litellm',
  scopes: ['litellm*'],
  markers: ['gen_ai.cost.total_cost', 'litellm.cost.total', 'hidden_params', 'litellm.call_id'],
  keys: {
    input: ['llm.usage.prompt_tokens'],
    output: ['llm.usage.completion_tokens'],
    reportedCost: ['gen_ai.cost.total_cost', 'litellm.cost.total'],
    user: [
      'metadata.user_api_key_end_user_id',
      'litellm.end_user.id',
      'litellm.metadata.user_api_key_end_user_id',
      'llm.user',
      'metadata.user_api_key_user_id',
      'litellm.metadata.user_api_key_user_id',
    ],
    session: ['metadata.session_id', 'metadata.litellm_session_id'],
    usageJson: ['metadata.usage_object'],
  },
  cache: 'inclusive',
  complete: (reading, { attributes }) => {
    // All of its spans carry the model of what was asked for.
    if (text(reading, FIELD.operation) === '' && reading[FIELD.input] === undefined) {
      reading[FIELD.requestModel] = undefined
      if (attributes.has('litellm.guardrail.name')) fill(reading, FIELD.operation, 'guardrail')
      return
    }
    const model = name(attributes.get('litellm.provider.model'))
    if (model !== '') fill(reading, FIELD.responseModel, model.slice(model.indexOf('/') + 1))
    const said = reading[FIELD.usageJson]
    if (said !== undefined) completeFromRawUsage(reading, usage.read(pythonLiteral(said)), usage.at)
    else if (text(reading, FIELD.operation) === 'litellm.responses_management') forgetUsage(reading)
    else if (reading[FIELD.cacheRead] === undefined && CACHE_COSTS.some((key) => Number(attributes.get(key)) > 0))
      fill(reading, FIELD.uncachedInput, 0)
  },
}

const CACHE_COSTS = ['litellm.cost.cache_read', 'litellm.cost.cache_creation']

/** Who asks for an answer again is told what it once took. */
function forgetUsage(reading: Reading): void {
  reading.fill(undefined, 0, COUNT_FIELDS)
  reading[FIELD.reportedCost] = undefined
}
