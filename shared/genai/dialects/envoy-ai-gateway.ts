import type { Span } from '../../spans/span.ts'
import type { Dialect } from '../dialect.ts'
import { openinference } from './openinference.ts'

const { markers: _others, ...speech } = openinference

/**
 * Envoy's AI Gateway: OpenInference, or OpenTelemetry's keys, as it is told. In the latter, counts of Anthropic's Messages are as
 * they come, without what was cached; nothing says which API was called, but the words in which it tells why it ended.
 */
export const envoyAiGateway: Dialect = {
  ...speech,
  name: 'envoy_ai_gateway',
  scopes: ['envoyproxy/ai-gateway'],
  cache: (_reading, span) => (endsAsMessage(span) ? 'exclusive' : 'inclusive'),
  complete: (reading, span) => {
    if (span.attributes.has('openinference.span.kind')) openinference.complete?.(reading, span)
  },
}

const STOP_REASONS: ReadonlySet<unknown> = new Set([
  'end_turn',
  'max_tokens',
  'stop_sequence',
  'tool_use',
  'pause_turn',
  'refusal',
  'model_context_window_exceeded',
])

function endsAsMessage({ attributes }: Span): boolean {
  const reasons = attributes.get('gen_ai.response.finish_reasons')
  return Array.isArray(reasons) && STOP_REASONS.has(reasons[0])
}
