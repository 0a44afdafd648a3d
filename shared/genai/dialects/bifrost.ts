import type { Dialect } from '../dialect.ts'
import { copiedInclusion } from '../inclusion.ts'

/**
 * Bifrost, a gateway: OpenTelemetry's keys, and classes of its own, under the names of OpenAI's two APIs. In earlier releases
 * cached tokens are there alone, and whether Anthropic's are in the count is not known.
 */
export const bifrost: Dialect = {
  name: 'bifrost',
  markers: ['bifrost.provider.name', 'bifrost.fallback_index', 'gen_ai.selected_key_id', 'gen_ai.fallback_index'],
  keys: {
    cacheRead: named('input', 'cached_read_tokens'),
    cacheWrite: named('input', 'cached_write_tokens'),
    cacheWrite5m: named('input', 'cached_write_tokens_5m'),
    cacheWrite1h: named('input', 'cached_write_tokens_1h'),
    inputAudio: named('input', 'audio_tokens'),
    inputImage: named('input', 'image_tokens'),
    reasoning: named('output', 'reasoning_tokens'),
    outputAudio: named('output', 'audio_tokens'),
    outputImage: named('output', 'image_tokens'),
    user: ['bifrost.user.id', 'gen_ai.request.user'],
  },
  cache: (_reading, { attributes }, provider) =>
    attributes.has('bifrost.provider.name') ? 'inclusive' : copiedInclusion(provider),
}

function named(side: 'input' | 'output', count: string): string[] {
  const other = side === 'input' ? 'prompt' : 'completion'
  return [`gen_ai.usage.${other}_token_details.${count}`, `gen_ai.usage.${side}_token_details.${count}`]
}
