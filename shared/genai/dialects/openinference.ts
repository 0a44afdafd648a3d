import type { Dialect } from '../dialect.ts'
import { FIELD, fill, text } from '../fields.ts'
import { memberReader } from '../member-reader.ts'
import { VALUE } from '../member-shape.ts'
import { lastMember, members } from '../members.ts'
import { readJsonMessages, readTextMessages } from '../messages/message.ts'
import { completeFromRawUsage, completeFromResponse, RAW_USAGE, RESPONSE } from '../raw-usage.ts'

const response = memberReader(RESPONSE)
const metadata = memberReader({ user_id: VALUE, ls_provider: VALUE, ls_model_name: VALUE })
const lastTier = lastMember('service_tier')
/** What the provider itself counted is in the message that LangChain made of its answer. */
const MESSAGE = { kwargs: { response_metadata: { usage: RAW_USAGE } } } as const
const chain = memberReader({ generations: { '[0]': { '[0]': { message: MESSAGE } } } })
const chainUsage = chain.at.generations['[0]']['[0]'].message.kwargs.response_metadata.usage

/** JavaScript's Bedrock instrumentation copies the provider's count, which leaves cached tokens out. */
const BEDROCK = '@arizeai/openinference-instrumentation-bedrock'

/**
 * Arize's OpenInference: prompt counts include cached tokens, for Anthropic too (openinference#1429), but for one package.
 * LangChain's instrumentation leaves user, provider and at times the model in the run's metadata, others the service tier in the
 * response.
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
  complete: (reading, { attributes, scope }) => {
    const kind = text(reading, FIELD.kind)
    if (kind === 'AGENT') fill(reading, FIELD.agentName, attributes.get('graph.node.id'))
    const answer = attributes.get('output.value')
    // In the response alone are the Converse API's cache and tier, lifetimes of cache writes, and OpenAI's writes.
    if (kind === 'LLM' && scope.name.endsWith('langchain'))
      completeFromRawUsage(reading, chain.read(answer), chainUsage)
    else if (kind === 'LLM' || kind === '') completeFromResponse(reading, response.read(answer), response.at)
    if (reading[FIELD.serviceTier] === undefined) reading[FIELD.serviceTier] = lastTier(answer)
    fill(reading, FIELD.requestedTier, lastTier(attributes.get('llm.invocation_parameters')))
    if (reading[FIELD.metadataJson] === undefined) return
    if (IN_METADATA.every((field) => reading[field] !== undefined)) return
    const run = metadata.read(reading[FIELD.metadataJson])
    fill(reading, FIELD.user, run[metadata.at.user_id])
    fill(reading, FIELD.provider, run[metadata.at.ls_provider])
    if (kind === 'LLM') fill(reading, FIELD.requestModel, run[metadata.at.ls_model_name])
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

const IN_METADATA = [FIELD.user, FIELD.provider, FIELD.requestModel]
const SPEAKERS: ReadonlySet<string> = new Set(['LLM', 'AGENT'])
