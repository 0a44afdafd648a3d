import type { Dialect } from '../dialect.ts'
import { FIELD, fill } from '../fields.ts'
import { members } from '../members.ts'
import { readJsonMessages } from '../messages/message.ts'

/**
 * Arize's OpenInference: prompt counts include cached tokens, also for Anthropic and Bedrock (openinference#1429).
 * LangChain's instrumentation leaves user and provider in the run's metadata.
 */
export const openinference: Dialect = {
  name: 'openinference',
  scopes: ['openinference.*', '@arizeai/openinference*'],
  markers: ['openinference.span.kind'],
  keys: {
    input: ['llm.token_count.prompt'],
    output: ['llm.token_count.completion'],
    total: ['llm.token_count.total'],
    cacheRead: ['llm.token_count.prompt_details.cache_read'],
    cacheWrite: ['llm.token_count.prompt_details.cache_write'],
    inputAudio: ['llm.token_count.prompt_details.audio'],
    reasoning: ['llm.token_count.completion_details.reasoning'],
    outputAudio: ['llm.token_count.completion_details.audio'],
    kind: ['openinference.span.kind'],
    provider: ['llm.provider', 'llm.system'],
    requestModel: ['llm.request.model_name', 'llm.model_name', 'embedding.model_name', 'reranker.model_name'],
    responseModel: ['llm.response.model_name'],
    agentName: ['agent.name'],
    toolName: ['tool.name'],
    reportedCost: ['llm.cost.total'],
    user: ['user.id'],
    session: ['session.id'],
    metadataJson: ['metadata'],
  },
  cache: 'inclusive',
  complete: (reading) => {
    if (reading[FIELD.metadataJson] === undefined) return
    if (reading[FIELD.user] !== undefined && reading[FIELD.provider] !== undefined) return
    const metadata = members(reading[FIELD.metadataJson])
    fill(reading, FIELD.user, metadata?.get('user_id'))
    fill(reading, FIELD.provider, metadata?.get('ls_provider'))
  },
  conversation: {
    id: ({ attributes }) => {
      const metadata = members(attributes.get('metadata'))
      return metadata?.get('conversation_id') ?? metadata?.get('thread_id')
    },
    finishReasons: ['llm.finish_reason'],
    input: ['llm.input_messages.'],
    output: ['llm.output_messages.'],
    read: ({ attributes }) => ({
      input: readJsonMessages(attributes.get('input.value'), 'user'),
      output: readJsonMessages(attributes.get('output.value'), 'assistant'),
    }),
  },
}
