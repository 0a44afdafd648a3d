import { sumCounts } from '../count.ts'
import type { Dialect } from '../dialect.ts'
import { FIELD, text } from '../fields.ts'
import { copiedInclusion, reasonsBeside } from '../inclusion.ts'
import { normaliseProvider } from '../providers.ts'

/**
 * Rig of mid-2026, which wrote all of its counts, zeros too, as providers count: Anthropic's input leaves out what was cached,
 * Google's output thoughts, and its input what tools were told. Since then it adds them up, and says of tools no more than Google.
 */
export const rig: Dialect = {
  name: 'rig',
  markers: ['gen_ai.usage.tool_use_prompt_tokens'],
  keys: {},
  cache: (_reading, _span, provider) =>
    provider === 'anthropic' || provider === 'aws.bedrock' ? 'exclusive' : copiedInclusion(provider),
  complete: (reading, { attributes }) => {
    const isGoogles = reasonsBeside(normaliseProvider(text(reading, FIELD.provider)))
    if (!isGoogles || reading[FIELD.cacheWrite] === undefined) return
    const { input, output, reasoning } = FIELD
    reading[input] = sumCounts([reading[input], attributes.get('gen_ai.usage.tool_use_prompt_tokens')])
    reading[output] = sumCounts([reading[output], reading[reasoning]])
  },
}
