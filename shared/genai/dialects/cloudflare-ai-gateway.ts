import type { Dialect } from '../dialect.ts'
import { FIELD } from '../fields.ts'
import { copiedInclusion } from '../inclusion.ts'
import { memberReader } from '../member-reader.ts'
import { completeFromResponse, RESPONSE } from '../raw-usage.ts'

const response = memberReader(RESPONSE)

/**
 * Cloudflare's AI Gateway: input and output, the provider under a key of its own, and its estimate of the cost. Where it is
 * let to keep the response, that says the rest.
 */
export const cloudflareAiGateway: Dialect = {
  name: 'cloudflare_ai_gateway',
  markers: ['gen_ai.model.provider'],
  keys: { provider: ['gen_ai.model.provider'] },
  cache: (_reading, _span, provider) => copiedInclusion(provider),
  complete: (reading, { attributes }) => {
    reading[FIELD.operation] ??= 'chat'
    completeFromResponse(reading, response.read(attributes.get('gen_ai.completion_json')), response.at)
  },
  conversation: { input: ['gen_ai.prompt_json'], output: ['gen_ai.completion_json'] },
}
