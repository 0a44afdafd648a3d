import { sumCounts } from '../count.ts'
import type { Dialect } from '../dialect.ts'
import { FIELD } from '../fields.ts'

/**
 * Alibaba's Qwen Code: OpenTelemetry's keys, and thoughts under one of its own. Of Google's API they are beside the output,
 * as Google counts them; of the others within.
 */
export const qwenCode: Dialect = {
  name: 'qwen_code',
  scopes: ['qwen-code'],
  mixed: true,
  markers: ['qwen-code.prompt_id'],
  keys: {},
  cache: 'inclusive',
  complete: (reading, { attributes }) => {
    const thoughts = attributes.get('thoughts_token_count')
    if (thoughts === undefined) return
    reading[FIELD.reasoning] ??= thoughts
    if (reading[FIELD.operation] === 'generate_content')
      reading[FIELD.output] = sumCounts([reading[FIELD.output], thoughts])
  },
}
