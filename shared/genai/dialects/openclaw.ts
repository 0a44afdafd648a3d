import type { Dialect } from '../dialect.ts'
import { FIELD } from '../fields.ts'
import { USAGE_SUMMARY } from '../operations.ts'

/**
 * OpenClaw: OpenTelemetry's keys on a span for each call, and once more, added up, on one beside them that accounts for the
 * run. Earlier releases count there alone.
 */
export const openClaw: Dialect = {
  name: 'openclaw',
  scopes: ['openclaw'],
  mixed: true,
  markers: ['openclaw.tokens.total', 'openclaw.model_call.observation_unit'],
  keys: {
    reasoning: ['openclaw.model_call.usage.reasoning_output_tokens'],
    agentName: ['openclaw.agent'],
    toolName: ['openclaw.toolName'],
  },
  cache: 'inclusive',
  complete: (reading, { name }) => {
    if (name === 'openclaw.model.usage') reading[FIELD.operation] = USAGE_SUMMARY
  },
  conversation: {
    input: ['openclaw.content.input_messages'],
    output: ['openclaw.content.output_messages'],
    tool: { arguments: ['openclaw.content.tool_input'], result: ['openclaw.content.tool_output'] },
  },
}
