import type { AttributeValue } from '../../spans/attributes.ts'
import { sumCounts } from '../count.ts'
import type { Dialect } from '../dialect.ts'
import { FIELD, fill, type Reading } from '../fields.ts'
import { elements, member, members } from '../members.ts'

/**
 * Google's Agent Development Kit. Its output count leaves thoughts out, its input count what built-in tools read, and most
 * releases report neither; the response that it attaches as JSON (in snake case from Python, in camel case from
 * JavaScript) has every class, and a total that shows what is in what.
 */
export const googleAdk: Dialect = {
  name: 'google_adk',
  scopes: ['gcp.vertex.agent'],
  markers: ['gcp.vertex.agent.llm_response', 'gcp.vertex.agent.session_id', 'gcp.vertex.agent.invocation_id'],
  keys: {
    reasoning: ['gen_ai.usage.experimental.reasoning_tokens'],
    session: ['gcp.vertex.agent.session_id'],
    usageJson: ['gcp.vertex.agent.llm_response'],
  },
  cache: 'inclusive',
  complete: (reading, span) => {
    if (span.name === 'call_llm') reading[FIELD.operation] ??= 'chat'
    const response = members(reading[FIELD.usageJson])
    const usage = member(response, 'usage_metadata') ?? member(response, 'usageMetadata')
    if (usage !== undefined) completeFromUsage(reading, (snake, camel) => usage[snake] ?? usage[camel])
  },
  conversation: {
    ids: ['gcp.vertex.agent.session_id'],
    input: ['gcp.vertex.agent.llm_request'],
    output: ['gcp.vertex.agent.llm_response'],
    tool: { arguments: ['gcp.vertex.agent.tool_call_args'], result: ['gcp.vertex.agent.tool_response'] },
  },
}

type Said = (snake: string, camel: string) => AttributeValue | undefined

function completeFromUsage(reading: Reading, said: Said): void {
  fill(reading, FIELD.input, said('prompt_token_count', 'promptTokenCount'))
  fill(reading, FIELD.output, said('candidates_token_count', 'candidatesTokenCount'))
  fill(reading, FIELD.total, said('total_token_count', 'totalTokenCount'))
  fill(reading, FIELD.cacheRead, said('cached_content_token_count', 'cachedContentTokenCount'))
  fill(reading, FIELD.reasoning, said('thoughts_token_count', 'thoughtsTokenCount'))
  const toolUse = said('tool_use_prompt_token_count', 'toolUsePromptTokenCount')
  if (toolUse !== undefined) reading[FIELD.input] = sumCounts([reading[FIELD.input], toolUse])
  const prompt = said('prompt_tokens_details', 'promptTokensDetails')
  fill(reading, FIELD.inputAudio, countOf('AUDIO', prompt))
  fill(reading, FIELD.inputImage, countOf('IMAGE', prompt))
  const cached = said('cache_tokens_details', 'cacheTokensDetails')
  fill(reading, FIELD.cacheReadAudio, countOf('AUDIO', cached))
  fill(reading, FIELD.cacheReadImage, countOf('IMAGE', cached))
  const candidates = said('candidates_tokens_details', 'candidatesTokensDetails')
  fill(reading, FIELD.outputAudio, countOf('AUDIO', candidates))
  fill(reading, FIELD.outputImage, countOf('IMAGE', candidates))
  fill(reading, FIELD.serviceTier, said('traffic_type', 'trafficType'))
}

/** The count of a modality in a list of them. */
function countOf(modality: string, details: AttributeValue | undefined): AttributeValue | undefined {
  const detail = elements(details).find((each) => each.modality === modality)
  return detail?.token_count ?? detail?.tokenCount
}
