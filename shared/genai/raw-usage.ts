import type { Attributes } from '../spans/attributes.ts'
import { FIELD, fill, type Reading } from './fields.ts'
import { member } from './members.ts'

/**
 * Completes a reading from a usage object as OpenAI, Anthropic or Bedrock sends it, which some emitters attach beside the
 * two counts that they bring into attributes. Anthropic's own input count leaves out what was cached.
 */
export function completeFromRawUsage(reading: Reading, usage: Attributes | undefined): void {
  if (usage === undefined) return
  const input = member(usage, 'prompt_tokens_details') ?? member(usage, 'input_tokens_details')
  const output = member(usage, 'completion_tokens_details') ?? member(usage, 'output_tokens_details')
  const lifetimes = member(usage, 'cache_creation') ?? member(input, 'cache_creation_token_details')
  if (usage.has('cache_read_input_tokens')) fill(reading, FIELD.uncachedInput, usage.get('input_tokens'))
  fill(
    reading,
    FIELD.cacheRead,
    usage.get('cache_read_input_tokens') ?? usage.get('cacheReadInputTokens') ?? input?.get('cached_tokens'),
  )
  fill(
    reading,
    FIELD.cacheWrite,
    usage.get('cache_creation_input_tokens') ??
      usage.get('cacheWriteInputTokens') ??
      input?.get('cache_creation_tokens'),
  )
  fill(reading, FIELD.cacheWrite5m, lifetimes?.get('ephemeral_5m_input_tokens'))
  fill(reading, FIELD.cacheWrite1h, lifetimes?.get('ephemeral_1h_input_tokens'))
  fill(reading, FIELD.inputAudio, input?.get('audio_tokens'))
  fill(reading, FIELD.inputImage, input?.get('image_tokens'))
  fill(reading, FIELD.reasoning, output?.get('reasoning_tokens'))
  fill(reading, FIELD.outputAudio, output?.get('audio_tokens'))
  fill(reading, FIELD.outputImage, output?.get('image_tokens'))
  fill(reading, FIELD.serviceTier, usage.get('service_tier'))
  fill(reading, FIELD.webSearches, member(usage, 'server_tool_use')?.get('web_search_requests'))
}
