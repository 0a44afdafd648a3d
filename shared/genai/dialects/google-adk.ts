import type { Dialect } from '../dialect.ts'
import { FIELD } from '../fields.ts'
import { completeFromGoogleUsage, GOOGLE_USAGE } from '../google-usage.ts'
import { memberReader } from '../member-reader.ts'
import { OBJECT } from '../member-shape.ts'

const response = memberReader({ usage_metadata: GOOGLE_USAGE, usageMetadata: GOOGLE_USAGE })

/**
 * Google's Agent Development Kit. Its output count leaves thoughts out, its input count what built-in tools read, and most
 * releases report neither; the response that it attaches as JSON (in snake case from Python, in camel case from
 * JavaScript) has every class, and a total that shows what is in what.
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
  complete: (reading, span) => {
    if (span.name === 'call_llm') reading[FIELD.operation] ??= 'chat'
    const said = response.read(reading[FIELD.usageJson])
    const { usage_metadata: snake, usageMetadata: camel } = response.at
    completeFromGoogleUsage(reading, said, said[snake.self] === OBJECT ? snake : camel)
  },
  conversation: {
    ids: ['gcp.vertex.agent.session_id'],
    input: ['gcp.vertex.agent.llm_request'],
    output: ['gcp.vertex.agent.llm_response'],
    tool: { arguments: ['gcp.vertex.agent.tool_call_args'], result: ['gcp.vertex.agent.tool_response'] },
  },
}
