import type { Dialect } from '../dialect.ts'
import { FIELD, fill } from '../fields.ts'
import { member, members } from '../members.ts'

/**
 * Google's Agent Development Kit. Its output count leaves thoughts out, and some releases do not report them at all;
 * the response that it attaches as JSON has every class, and a total that shows what is in what.
 */
export const googleAdk: Dialect = {
  name: 'google_adk',
  scopes: ['gcp.vertex.agent'],
  markers: ['gcp.vertex.agent.llm_response', 'gcp.vertex.agent.session_id', 'gcp.vertex.agent.invocation_id'],
  keys: {
    reasoning: ['gen_ai.usage.experimental.reasoning_tokens'],
    session: ['gcp.vertex.agent.session_id'],
    usageJson: ['gcp.vertex.agent.llm_response'],
  },
  cache: 'inclusive',
  complete: (reading) => {
    const usage = member(members(reading[FIELD.usageJson]), 'usage_metadata')
    fill(reading, FIELD.input, usage?.get('prompt_token_count'))
    fill(reading, FIELD.output, usage?.get('candidates_token_count'))
    fill(reading, FIELD.total, usage?.get('total_token_count'))
    fill(reading, FIELD.cacheRead, usage?.get('cached_content_token_count'))
    fill(reading, FIELD.reasoning, usage?.get('thoughts_token_count'))
  },
  conversation: {
    ids: ['gcp.vertex.agent.session_id'],
    input: ['gcp.vertex.agent.llm_request'],
    output: ['gcp.vertex.agent.llm_response'],
  },
}
