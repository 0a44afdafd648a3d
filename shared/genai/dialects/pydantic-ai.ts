import type { AttributeValue } from '../../spans/attributes.ts'
import type { Dialect } from '../dialect.ts'
import { FIELD, text } from '../fields.ts'
import { memberReader } from '../member-reader.ts'
import { readEventList, type Sides } from '../messages/events.ts'
import { attributeAsJson, type Json, parseJson } from '../messages/json.ts'
import { readMessages } from '../messages/message.ts'
import { completeFromRawUsage, RAW_USAGE } from '../raw-usage.ts'

const response = memberReader({ usage: RAW_USAGE })

/**
 * Pydantic AI and Logfire's own integrations: OpenTelemetry's keys and some more. Agent runs repeat the sum of their
 * requests, since instrumentation version 5 under `aggregated_usage` (pydantic-ai#3995).
 */
export const pydanticAi: Dialect = {
  name: 'pydantic_ai',
  scopes: ['pydantic-ai', 'logfire*'],
  markers: ['logfire.msg', 'gen_ai.aggregated_usage.input_tokens'],
  keys: {
    input: ['gen_ai.aggregated_usage.input_tokens'],
    output: ['gen_ai.aggregated_usage.output_tokens'],
    cacheRead: [
      'gen_ai.usage.details.cache_read_tokens',
      'gen_ai.usage.details.cache_read_input_tokens',
      'gen_ai.aggregated_usage.cache_read.input_tokens',
      'gen_ai.aggregated_usage.details.cache_read_tokens',
    ],
    cacheWrite: [
      'gen_ai.usage.details.cache_write_tokens',
      'gen_ai.usage.details.cache_creation_input_tokens',
      'gen_ai.aggregated_usage.cache_creation.input_tokens',
      'gen_ai.aggregated_usage.details.cache_write_tokens',
    ],
    cacheWrite5m: ['gen_ai.usage.details.cache_write_5m_tokens'],
    cacheWrite1h: ['gen_ai.usage.details.cache_write_1h_tokens'],
    webSearches: ['gen_ai.usage.details.web_search_requests'],
    reasoning: [
      'gen_ai.usage.details.reasoning_tokens',
      'gen_ai.usage.details.thoughts_tokens',
      'gen_ai.aggregated_usage.details.reasoning_tokens',
    ],
    inputAudio: ['gen_ai.usage.details.input_audio_tokens'],
    cacheReadAudio: ['gen_ai.usage.details.cache_audio_read_tokens'],
    outputAudio: ['gen_ai.usage.details.output_audio_tokens'],
    inputImage: ['gen_ai.usage.details.input_image_tokens'],
    cacheReadImage: ['gen_ai.usage.details.cache_image_read_tokens'],
    outputImage: ['gen_ai.usage.details.output_image_tokens'],
    requestModel: ['model_name'],
    agentName: ['agent_name'],
    usageJson: ['response_data'],
    reportedCost: ['operation.cost'],
  },
  cache: 'inclusive',
  complete: (reading, { attributes }) => {
    if (attributes.has('gen_ai.aggregated_usage.input_tokens')) reading[FIELD.summary] = true
    // Up to instrumentation version 2, runs of agents and tools do not say what they are.
    if (text(reading, FIELD.toolName) !== '') reading[FIELD.operation] ??= 'execute_tool'
    else if (attributes.has('agent_name')) reading[FIELD.operation] ??= 'invoke_agent'
    const json = reading[FIELD.usageJson]
    if (json !== undefined) completeFromRawUsage(reading, response.read(json), response.at.usage)
  },
  conversation: {
    input: ['request_data'],
    output: ['response_data'],
    tool: { arguments: ['tool_arguments'], result: ['tool_response'] },
    read: ({ attributes }) => {
      const events = attributes.get('events') ?? attributes.get('all_messages_events')
      if (events !== undefined) return endedByAnswer(readEventList(jsonList(events)))
      const input = readMessages(jsonList(attributes.get('pydantic_ai.all_messages')), 'user')
      return endedByAnswer({ input, output: [] })
    },
  },
}

function jsonList(value: AttributeValue | undefined): Json | undefined {
  if (typeof value === 'string') return parseJson(value)
  return value === undefined ? undefined : attributeAsJson(value)
}

/** A run's history is one list: the answer at its end is what came out. */
function endedByAnswer({ input, output }: Sides): Sides {
  const last = input.at(-1)
  if (output.length > 0 || last?.role !== 'assistant') return { input, output }
  return { input: input.slice(0, -1), output: [last] }
}
