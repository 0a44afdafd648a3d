import type { AttributeValue } from '../spans/attributes.ts'
import { sumCounts } from './count.ts'
import { FIELD, fill, type Reading } from './fields.ts'
import { elements, type Members, member } from './members.ts'

/**
 * Completes a reading from a usage object as OpenAI (or who speaks its protocol), Anthropic or Bedrock sends it, which some
 * emitters attach beside the two counts that they bring into attributes. Anthropic's and Bedrock's own input counts leave
 * out what was cached.
 */
export function completeFromRawUsage(reading: Reading, usage: Members | undefined): void {
  if (usage === undefined) return
  const input = member(usage, 'prompt_tokens_details') ?? member(usage, 'input_tokens_details')
  const output = member(usage, 'completion_tokens_details') ?? member(usage, 'output_tokens_details')
  const lifetimes = member(usage, 'cache_creation') ?? member(input, 'cache_creation_token_details')
  if (usage.cache_read_input_tokens !== undefined) fill(reading, FIELD.uncachedInput, usage.input_tokens)
  if ((usage.cacheReadInputTokens ?? usage.cacheWriteInputTokens) !== undefined)
    fill(reading, FIELD.uncachedInput, usage.inputTokens)
  fill(reading, FIELD.cacheRead, usage.cache_read_input_tokens ?? usage.cacheReadInputTokens ?? input?.cached_tokens)
  fill(reading, FIELD.cacheRead, usage.prompt_cache_hit_tokens ?? usage.cached_tokens)
  fill(reading, FIELD.cacheWrite, usage.cache_creation_input_tokens ?? usage.cacheWriteInputTokens)
  fill(reading, FIELD.cacheWrite, input?.cache_write_tokens ?? input?.cache_creation_tokens)
  fill(reading, FIELD.cacheWrite5m, lifetimes?.ephemeral_5m_input_tokens ?? written('5m', usage.cacheDetails))
  fill(reading, FIELD.cacheWrite1h, lifetimes?.ephemeral_1h_input_tokens ?? written('1h', usage.cacheDetails))
  fill(reading, FIELD.inputAudio, input?.audio_tokens)
  fill(reading, FIELD.inputImage, input?.image_tokens)
  fill(reading, FIELD.reasoning, output?.reasoning_tokens ?? output?.thinking_tokens)
  fill(reading, FIELD.outputAudio, output?.audio_tokens)
  fill(reading, FIELD.outputImage, output?.image_tokens)
  fill(reading, FIELD.webSearches, member(usage, 'server_tool_use')?.web_search_requests)
  fill(reading, FIELD.reportedCost, member(usage, 'cost')?.total_cost ?? usage.cost)
  // Anthropic says apart, beside a tier that is then the standard one, what changes the price as a tier does.
  const { service_tier: tier, speed, inference_geo: place } = usage
  if (speed === 'fast') reading[FIELD.serviceTier] = 'fast'
  else if (place === 'us') reading[FIELD.serviceTier] = tier === 'batch' ? 'batch-us' : 'us'
  else fill(reading, FIELD.serviceTier, tier)
}

/** Members of a response that {@link completeFromResponse} reads. */
export const RESPONSE_MEMBERS = ['usage', 'serviceTier', 'performanceConfig']

/** Completes a reading from a whole response: of Bedrock's Converse API it says the tier and the latency beside the usage. */
export function completeFromResponse(reading: Reading, response: Members | undefined): void {
  completeFromRawUsage(reading, member(response, 'usage'))
  const { latency } = member(response, 'performanceConfig') ?? {}
  if (latency === 'optimized') reading[FIELD.serviceTier] = latency
  else fill(reading, FIELD.serviceTier, member(response, 'serviceTier')?.type)
}

/** What Bedrock wrote to its cache for such a time. */
function written(ttl: string, details: AttributeValue | undefined): AttributeValue | undefined {
  const fitting = elements(details).filter((detail) => detail.ttl === ttl)
  return fitting.length === 0 ? undefined : sumCounts(fitting.map((detail) => detail.inputTokens))
}
