import { sumCounts } from '../count.ts'
import type { Dialect } from '../dialect.ts'
import { FIELD, fill } from '../fields.ts'
import { memberReader } from '../member-reader.ts'
import { OBJECT, VALUE } from '../member-shape.ts'

const INPUT = {
  flex: VALUE,
  priority: VALUE,
  cache_read: VALUE,
  flex_cache_read: VALUE,
  priority_cache_read: VALUE,
  cache_read_over_200k: VALUE,
  cache_creation: VALUE,
  ephemeral_5m_input_tokens: VALUE,
  ephemeral_1h_input_tokens: VALUE,
  ephemeral_1hr_input_tokens: VALUE,
  audio: VALUE,
  image: VALUE,
} as const
const OUTPUT = {
  flex: VALUE,
  priority: VALUE,
  reasoning: VALUE,
  flex_reasoning: VALUE,
  priority_reasoning: VALUE,
  audio: VALUE,
  image: VALUE,
} as const
const inputDetails = memberReader(INPUT)
const outputDetails = memberReader(OUTPUT)
/** The run's usage, from which the exporter makes its counts: of LangChain's models in JavaScript it makes none. */
const runUsage = memberReader({
  input_tokens: VALUE,
  output_tokens: VALUE,
  total_tokens: VALUE,
  input_token_details: INPUT,
  output_token_details: OUTPUT,
})

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
    const run = runUsage.read(attributes.get('langsmith.usage_metadata'))
    const { at } = runUsage
    // Its total is the provider's, not the exporter's sum, which leaves out the thoughts of Gemini.
    if (run[at.total_tokens] !== undefined) reading[FIELD.total] = run[at.total_tokens]
    const isCounted = reading[FIELD.input] !== undefined || reading[FIELD.output] !== undefined
    if (!isCounted) {
      fill(reading, FIELD.input, run[at.input_tokens])
      fill(reading, FIELD.output, run[at.output_tokens])
    }
    const inputs = inputDetails.read(reading[FIELD.usageJson])
    const isOwnInput = isCounted || inputs[inputDetails.at.self] === OBJECT
    const [said, input] = isOwnInput ? [inputs, inputDetails.at] : [run, at.input_token_details]
    const outputs = outputDetails.read(reading[FIELD.metadataJson])
    const isOwnOutput = isCounted || outputs[outputDetails.at.self] === OBJECT
    const [answered, output] = isOwnOutput ? [outputs, outputDetails.at] : [run, at.output_token_details]
    // LangChain counts under the tier's name what is neither cached nor reasoning, and puts it before the others' names.
    const tier = TIERS.find((name) => said[input[name]] !== undefined || answered[output[name]] !== undefined)
    fill(reading, FIELD.serviceTier, tier)
    const read = said[input.cache_read] ?? (tier && said[input[`${tier}_cache_read`]])
    const readBeyond = said[input.cache_read_over_200k]
    if (read !== undefined || readBeyond !== undefined) fill(reading, FIELD.cacheRead, sumCounts([read, readBeyond]))
    fill(reading, FIELD.cacheWrite, said[input.cache_creation])
    fill(reading, FIELD.cacheWrite5m, said[input.ephemeral_5m_input_tokens])
    const hour = said[input.ephemeral_1h_input_tokens] ?? said[input.ephemeral_1hr_input_tokens]
    fill(reading, FIELD.cacheWrite1h, hour)
    fill(reading, FIELD.inputAudio, said[input.audio])
    fill(reading, FIELD.inputImage, said[input.image])
    const reasoning = answered[output.reasoning] ?? (tier && answered[output[`${tier}_reasoning`]])
    fill(reading, FIELD.reasoning, reasoning)
    fill(reading, FIELD.outputAudio, answered[output.audio])
    fill(reading, FIELD.outputImage, answered[output.image])
  },
  conversation: {
    ids: ['langsmith.metadata.conversation_id', 'langsmith.metadata.thread_id'],
    tool: { arguments: ['gen_ai.prompt'], result: ['gen_ai.completion'] },
  },
}

const TIERS = ['flex', 'priority'] as const
