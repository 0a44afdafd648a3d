import type { Dialect } from '../dialect.ts'
import { FIELD, text } from '../fields.ts'
import { readEventList } from '../messages/events.ts'
import { valueAsJson } from '../messages/json.ts'

/**
 * Strands Agents: counts as the provider's, so that only a total tells whether cached tokens are within. An agent's are the
 * sum of all its calls since it was made, those of earlier runs included.
 */
export const strands: Dialect = {
  name: 'strands',
  scopes: ['strands.telemetry.tracer', 'strands-agents'],
  keys: { cacheWrite: ['gen_ai.usage.cache_write_input_tokens'] },
  cache: 'unknown',
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
