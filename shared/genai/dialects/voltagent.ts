import type { Dialect } from '../dialect.ts'
import { FIELD, fill } from '../fields.ts'

/**
 * VoltAgent: the span of a model counts its last step alone, that of the agent all steps, but not what agents count that it
 * hands over to, which are below a tool's span. So an agent is taken for the call.
 */
export const voltagent: Dialect = {
  name: 'voltagent',
  scopes: ['@voltagent/*'],
  markers: ['voltagent.operation_id'],
  keys: {
    input: ['usage.prompt_tokens'],
    output: ['usage.completion_tokens'],
    total: ['usage.total_tokens'],
    cacheRead: ['llm.usage.cached_tokens', 'usage.cached_tokens'],
    reasoning: ['llm.usage.reasoning_tokens', 'usage.reasoning_tokens'],
    requestModel: ['llm.model', 'ai.model.name'],
    toolName: ['tool.name'],
    reportedCost: ['usage.cost'],
    conversation: ['conversation.id'],
  },
  // The AI SDK, which it runs on, brings all providers' counts into one form first.
  cache: 'inclusive',
  complete: (reading, { attributes }) => {
    const entity = attributes.get('entity.type')
    fill(reading, FIELD.operation, attributes.get('span.type') ?? (entity === 'agent' ? 'chat' : entity))
    if (entity === 'agent')
      fill(reading, FIELD.agentName, attributes.get('subagent.name') ?? attributes.get('entity.name'))
  },
  conversation: {
    ids: ['conversation.id'],
    finishReasons: ['llm.finish_reason', 'ai.response.finish_reason'],
    input: ['llm.messages', 'agent.messages'],
    output: ['output'],
    tool: { ids: ['tool.call.id'], arguments: ['input'], result: ['output'] },
  },
}
