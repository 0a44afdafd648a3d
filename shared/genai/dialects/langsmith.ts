import type { Attributes } from '../../spans/attributes.ts'
import { sumCounts } from '../count.ts'
import type { Dialect } from '../dialect.ts'
import { FIELD, fill, type Reading } from '../fields.ts'
import { type Members, member, members } from '../members.ts'

/**
 * LangSmith's exporter, also of what LangChain and LangGraph trace through it. LangChain's usage metadata adds cached
 * tokens to the input for every provider; their classes come as JSON.
 */
export const langsmith: Dialect = {
  name: 'langsmith',
  scopes: ['langsmith*'],
  markers: ['langsmith.span.kind', 'langsmith.span.id', 'langsmith.trace.name'],
  keys: {
    kind: ['langsmith.span.kind'],
    provider: ['langsmith.metadata.ls_provider'],
    requestModel: ['langsmith.metadata.ls_model_name'],
    user: ['langsmith.metadata.user_id'],
    session: ['langsmith.metadata.session_id', 'langsmith.metadata.thread_id', 'langsmith.metadata.conversation_id'],
    usageJson: ['gen_ai.usage.input_token_details'],
    metadataJson: ['gen_ai.usage.output_token_details'],
  },
  cache: 'inclusive',
  complete: (reading, { attributes }) => {
    // Python's exporter calls a retriever an embedding and a prompt template a chat.
    if (reading[FIELD.kind] !== undefined) reading[FIELD.operation] = undefined
    const usage = usageOf(reading, attributes)
    const input = members(reading[FIELD.usageJson]) ?? member(usage, 'input_token_details')
    const output = members(reading[FIELD.metadataJson]) ?? member(usage, 'output_token_details')
    // LangChain counts under the tier's name what is neither cached nor reasoning, and puts it before the others' names.
    const tier = TIERS.find((name) => input?.[name] !== undefined || output?.[name] !== undefined)
    fill(reading, FIELD.serviceTier, tier)
    const reads = [input?.cache_read ?? input?.[`${tier}_cache_read`], input?.cache_read_over_200k]
    if (reads.some((count) => count !== undefined)) fill(reading, FIELD.cacheRead, sumCounts(reads))
    fill(reading, FIELD.cacheWrite, input?.cache_creation)
    fill(reading, FIELD.cacheWrite5m, input?.ephemeral_5m_input_tokens)
    fill(reading, FIELD.cacheWrite1h, input?.ephemeral_1h_input_tokens ?? input?.ephemeral_1hr_input_tokens)
    fill(reading, FIELD.inputAudio, input?.audio)
    fill(reading, FIELD.inputImage, input?.image)
    fill(reading, FIELD.reasoning, output?.reasoning ?? output?.[`${tier}_reasoning`])
    fill(reading, FIELD.outputAudio, output?.audio)
    fill(reading, FIELD.outputImage, output?.image)
  },
  conversation: {
    ids: ['langsmith.metadata.conversation_id', 'langsmith.metadata.thread_id'],
    tool: { arguments: ['gen_ai.prompt'], result: ['gen_ai.completion'] },
  },
}

/**
 * The run's usage, from which the exporter makes its counts: of LangChain's models in JavaScript it makes none. Its total is
 * the provider's, not the exporter's sum, which leaves out the thoughts of Gemini.
 */
function usageOf(reading: Reading, attributes: Attributes): Members | undefined {
  const usage = members(attributes.get('langsmith.usage_metadata'))
  if (usage?.total_tokens !== undefined) reading[FIELD.total] = usage.total_tokens
  if (reading[FIELD.input] !== undefined || reading[FIELD.output] !== undefined) return undefined
  fill(reading, FIELD.input, usage?.input_tokens)
  fill(reading, FIELD.output, usage?.output_tokens)
  return usage
}

const TIERS = ['flex', 'priority']
