import type { Dialect } from '../dialect.ts'
import { FIELD, fill, text } from '../fields.ts'
import { lastMember, members, namedMembers } from '../members.ts'
import { readJsonMessages, readTextMessages } from '../messages/message.ts'
import { completeFromResponse, RESPONSE_MEMBERS } from '../raw-usage.ts'

/** JavaScript's Bedrock instrumentation copies the provider's count, which leaves cached tokens out. */
const BEDROCK = '@arizeai/openinference-instrumentation-bedrock'

/**
 * Arize's OpenInference: prompt counts include cached tokens, for Anthropic too (openinference#1429), but for one package.
 * LangChain's instrumentation leaves user and provider in the run's metadata, others the service tier in the response.
 */
export const openinference: Dialect = {
  name: 'openinference',
  scopes: ['openinference.*', '@arizeai/openinference*'],
  markers: ['openinference.span.kind'],
  keys: {
    input: ['llm.token_count.prompt'],
    output: ['llm.token_count.completion'],
    total: ['llm.token_count.total'],
    cacheRead: ['llm.token_count.prompt_details.cache_read', 'llm.token_count.prompt_details.cache_input'],
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
  cache: (_reading, { scope }) => (scope.name === BEDROCK ? 'exclusive' : 'inclusive'),
  complete: (reading, { attributes }) => {
    const kind = text(reading, FIELD.kind)
    if (kind === 'AGENT') fill(reading, FIELD.agentName, attributes.get('graph.node.id'))
    const answer = attributes.get('output.value')
    // In the response alone are the Converse API's cache and tier, lifetimes of cache writes, and OpenAI's writes.
    if (kind === 'LLM' || kind === '') completeFromResponse(reading, namedMembers(answer, RESPONSE_MEMBERS))
    if (reading[FIELD.serviceTier] === undefined) reading[FIELD.serviceTier] = lastMember(answer, 'service_tier')
    fill(reading, FIELD.requestedTier, lastMember(attributes.get('llm.invocation_parameters'), 'service_tier'))
    if (reading[FIELD.metadataJson] === undefined) return
    if (reading[FIELD.user] !== undefined && reading[FIELD.provider] !== undefined) return
    const metadata = members(reading[FIELD.metadataJson])
    fill(reading, FIELD.user, metadata?.user_id)
    fill(reading, FIELD.provider, metadata?.ls_provider)
  },
  conversation: {
    id: ({ attributes }) => {
      const metadata = members(attributes.get('metadata'))
      return metadata?.conversation_id ?? metadata?.thread_id
    },
    finishReasons: ['llm.finish_reason'],
    input: ['llm.input_messages.'],
    output: ['llm.output_messages.'],
    tool: { ids: ['tool.id', 'tool_call.id'], arguments: ['input.value'], result: ['output.value'] },
    read: ({ attributes }) => {
      // Plain text is what was said only of an agent or a model; a chain's may be anything.
      const speaks = SPEAKERS.has(String(attributes.get('openinference.span.kind')))
      const messages = speaks ? readTextMessages : readJsonMessages
      return {
        input: messages(attributes.get('input.value'), 'user'),
        output: messages(attributes.get('output.value'), 'assistant'),
      }
    },
  },
}

const SPEAKERS: ReadonlySet<string> = new Set(['LLM', 'AGENT'])
