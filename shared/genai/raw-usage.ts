import { sumCounts } from './count.ts'
import { FIELD, fill, type Reading } from './fields.ts'
import { OBJECT, type Said, type Slots, VALUE } from './member-shape.ts'

const LIFETIMES = { ephemeral_5m_input_tokens: VALUE, ephemeral_1h_input_tokens: VALUE } as const
const INPUT = {
  cached_tokens: VALUE,
  cache_write_tokens: VALUE,
  cache_creation_tokens: VALUE,
  cache_creation_token_details: LIFETIMES,
  audio_tokens: VALUE,
  image_tokens: VALUE,
} as const
const OUTPUT = { reasoning_tokens: VALUE, thinking_tokens: VALUE, audio_tokens: VALUE, image_tokens: VALUE } as const

/** What {@link completeFromRawUsage} reads. */
export const RAW_USAGE = {
  input_tokens: VALUE,
  inputTokens: VALUE,
  prompt_tokens_details: INPUT,
  input_tokens_details: INPUT,
  completion_tokens_details: OUTPUT,
  output_tokens_details: OUTPUT,
  cache_read_input_tokens: VALUE,
  cacheReadInputTokens: VALUE,
  prompt_cache_hit_tokens: VALUE,
  cached_tokens: VALUE,
  cache_creation_input_tokens: VALUE,
  cacheWriteInputTokens: VALUE,
  cache_creation: LIFETIMES,
  cacheDetails: ['ttl', 'inputTokens'],
  server_tool_use: { web_search_requests: VALUE },
  cost: { total_cost: VALUE },
  service_tier: VALUE,
  speed: VALUE,
  inference_geo: VALUE,
} as const

/**
 * Completes a reading from a usage object as OpenAI (or who speaks its protocol), Anthropic or Bedrock sends it, which some
 * emitters attach beside the two counts that they bring into attributes. Anthropic's and Bedrock's own input counts leave
 * out what was cached.
 */
export function completeFromRawUsage(reading: Reading, said: Said, usage: Slots<typeof RAW_USAGE>): void {
  if (said[usage.self] !== OBJECT) return
  const has = ({ self }: { readonly self: number }) => said[self] === OBJECT
  const input = has(usage.prompt_tokens_details) ? usage.prompt_tokens_details : usage.input_tokens_details
  const output = has(usage.completion_tokens_details) ? usage.completion_tokens_details : usage.output_tokens_details
  const lifetimes = has(usage.cache_creation) ? usage.cache_creation : input.cache_creation_token_details
  const cacheRead = said[usage.cache_read_input_tokens]
  const cacheReadOfBedrock = said[usage.cacheReadInputTokens]
  const cacheWriteOfBedrock = said[usage.cacheWriteInputTokens]
  if (cacheRead !== undefined) fill(reading, FIELD.uncachedInput, said[usage.input_tokens])
  if ((cacheReadOfBedrock ?? cacheWriteOfBedrock) !== undefined)
    fill(reading, FIELD.uncachedInput, said[usage.inputTokens])
  fill(reading, FIELD.cacheRead, cacheRead ?? cacheReadOfBedrock ?? said[input.cached_tokens])
  fill(reading, FIELD.cacheRead, said[usage.prompt_cache_hit_tokens] ?? said[usage.cached_tokens])
  fill(reading, FIELD.cacheWrite, said[usage.cache_creation_input_tokens] ?? cacheWriteOfBedrock)
  fill(reading, FIELD.cacheWrite, said[input.cache_write_tokens] ?? said[input.cache_creation_tokens])
  const details = said[usage.cacheDetails]
  fill(reading, FIELD.cacheWrite5m, said[lifetimes.ephemeral_5m_input_tokens] ?? written('5m', details))
  fill(reading, FIELD.cacheWrite1h, said[lifetimes.ephemeral_1h_input_tokens] ?? written('1h', details))
  fill(reading, FIELD.inputAudio, said[input.audio_tokens])
  fill(reading, FIELD.inputImage, said[input.image_tokens])
  fill(reading, FIELD.reasoning, said[output.reasoning_tokens] ?? said[output.thinking_tokens])
  fill(reading, FIELD.outputAudio, said[output.audio_tokens])
  fill(reading, FIELD.outputImage, said[output.image_tokens])
  fill(reading, FIELD.webSearches, said[usage.server_tool_use.web_search_requests])
  fill(reading, FIELD.reportedCost, said[usage.cost.total_cost] ?? said[usage.cost.self])
  // Anthropic says apart, beside a tier that is then the standard one, what changes the price as a tier does.
  const tier = said[usage.service_tier]
  if (said[usage.speed] === 'fast') reading[FIELD.serviceTier] = 'fast'
  else if (said[usage.inference_geo] === 'us') reading[FIELD.serviceTier] = tier === 'batch' ? 'batch-us' : 'us'
  else fill(reading, FIELD.serviceTier, tier)
}

/** What {@link completeFromResponse} reads. */
export const RESPONSE = {
  usage: RAW_USAGE,
  serviceTier: { type: VALUE },
  performanceConfig: { latency: VALUE },
} as const

/** Completes a reading from a whole response: of Bedrock's Converse API it says the tier and the latency beside the usage. */
export function completeFromResponse(reading: Reading, said: Said, response: Slots<typeof RESPONSE>): void {
  completeFromRawUsage(reading, said, response.usage)
  const latency = said[response.performanceConfig.latency]
  if (latency === 'optimized') reading[FIELD.serviceTier] = latency
  else fill(reading, FIELD.serviceTier, said[response.serviceTier.type])
}

/** What Bedrock wrote to its cache for such a time, of a list of times each with its count behind. */
function written(time: string, details: Said[number]): Said[number] {
  if (!Array.isArray(details)) return undefined
  const counts = details.filter((_, at) => at % 2 === 1 && details[at - 1] === time)
  return counts.length === 0 ? undefined : sumCounts(counts)
}
