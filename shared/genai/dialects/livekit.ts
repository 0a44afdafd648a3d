import type { Dialect } from '../dialect.ts'
import { COUNT_FIELDS, FIELD, fill } from '../fields.ts'
import { member, members } from '../members.ts'

/**
 * LiveKit's agents: OpenTelemetry's keys. What its metrics say beside them, in Python's or JavaScript's spelling: the total that
 * tells of Google's thoughts, how much of the audio was cached, and until 2026 anything of the cache.
 */
export const livekit: Dialect = {
  name: 'livekit',
  scopes: ['livekit-agents'],
  mixed: true,
  markers: ['lk.llm_metrics', 'lk.realtime_model_metrics', 'lk.function_tool.name'],
  keys: { toolName: ['lk.function_tool.name'] },
  cache: 'inclusive',
  complete: (reading, { name, attributes }) => {
    // Around requests: it names their model.
    if (name === 'llm_node') fill(reading, FIELD.operation, 'agent_step')
    if (name === 'function_tool') fill(reading, FIELD.operation, 'execute_tool')
    const metrics = members(attributes.get('lk.llm_metrics') ?? attributes.get('lk.realtime_model_metrics'))
    if (metrics === undefined) return
    fill(reading, FIELD.operation, 'chat')
    // Of what was interrupted or failed it knows nothing, and calls it zero.
    if ([FIELD.input, FIELD.output].every((field) => Number(reading[field]) === 0))
      return void reading.fill(undefined, 0, COUNT_FIELDS)
    fill(reading, FIELD.total, metrics.total_tokens || metrics.totalTokens || undefined)
    fill(reading, FIELD.cacheRead, metrics.prompt_cached_tokens ?? metrics.promptCachedTokens)
    const input = member(metrics, 'input_token_details') ?? member(metrics, 'inputTokenDetails')
    const cached = member(input, 'cached_tokens_details') ?? member(input, 'cachedTokensDetails')
    fill(reading, FIELD.cacheReadAudio, cached?.audio_tokens ?? cached?.audioTokens)
    fill(reading, FIELD.cacheReadImage, cached?.image_tokens ?? cached?.imageTokens)
  },
  conversation: {
    input: ['lk.pii.user_input', 'lk.user_input'],
    output: ['lk.pii.response.text', 'lk.response.text'],
    tool: {
      arguments: ['lk.pii.function_tool.arguments', 'lk.function_tool.arguments'],
      result: ['lk.pii.function_tool.output', 'lk.function_tool.output'],
    },
  },
}
