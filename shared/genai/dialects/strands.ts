import type { Dialect } from '../dialect.ts'
import { FIELD, text } from '../fields.ts'
import { readEventList } from '../messages/events.ts'
import { valueAsJson } from '../messages/json.ts'

/**
 * Strands Agents: counts as the provider's. Bedrock's total has what was cached beside the input, which settles it; where
 * the total is just the two counts, only Claude called at Anthropic itself has cached tokens beside them. An agent's are
 * the sum of all its calls since it was made, those of earlier runs included.
 */
export const strands: Dialect = {
  name: 'strands',
  scopes: ['strands.telemetry.tracer', 'strands-agents'],
  keys: { cacheWrite: ['gen_ai.usage.cache_write_input_tokens'] },
  cache: (reading) => {
    if (reading[FIELD.total] === undefined) return 'unknown'
    return text(reading, FIELD.requestModel).startsWith('claude') ? 'exclusive' : 'inclusive'
  },
  complete: (reading) => {
    if (text(reading, FIELD.operation) === 'invoke_agent') reading[FIELD.summary] = true
  },
  conversation: {
    // Events, as OpenTelemetry had them, but with the blocks of a message as JSON.
    read: ({ events }) =>
      readEventList(
        events.map(({ name, attributes }) => ({
          'event.name': name,
          content: valueAsJson(attributes.get('content') ?? attributes.get('message') ?? '') ?? '',
          finish_reason: valueAsJson(attributes.get('finish_reason') ?? '') ?? '',
        })),
      ),
  },
}
