import type { Dialect } from '../dialect.ts'
import { COUNT_FIELDS, FIELD } from '../fields.ts'

/** Datadog's tracer: OpenTelemetry's keys, but for some, on spans among many that tell of no model. */
export const datadog: Dialect = {
  name: 'datadog',
  scopes: ['dd-trace-*'],
  mixed: true,
  markers: ['_dd.llmobs.artificial_gen_ai_tags'],
  keys: {
    cacheWrite: ['gen_ai.usage.cache_write_input_tokens'],
    reasoning: ['gen_ai.usage.reasoning_output_tokens'],
    responseId: ['openai.response.id'],
    user: ['usr.id'],
  },
  cache: 'inclusive',
  complete: (reading) => {
    // What it could not measure it calls zero.
    const { input, output, total } = FIELD
    if ([input, output, total].every((field) => reading[field] !== undefined && Number(reading[field]) === 0))
      reading.fill(undefined, 0, COUNT_FIELDS)
  },
}
