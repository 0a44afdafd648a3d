import type { Dialect } from '../dialect.ts'
import { parseJson } from '../messages/json.ts'
import { readJsonMessages, readMessage } from '../messages/message.ts'

/**
 * Mastra's exporter: OpenTelemetry's attributes, lifetimes of cache writes and audio of its own, messages by kind of span. The one
 * for Arize has OpenInference's instead, and counts of all steps of an answer on one span.
 */
export const mastra: Dialect = {
  name: 'mastra',
  scopes: ['@mastra/*'],
  markers: ['mastra.span.type'],
  keys: {
    cacheWrite5m: ['gen_ai.usage.cache_creation.5m_input_tokens'],
    cacheWrite1h: ['gen_ai.usage.cache_creation.1h_input_tokens'],
    inputAudio: ['gen_ai.usage.audio_input_tokens'],
    outputAudio: ['gen_ai.usage.audio_output_tokens'],
    kind: ['mastra.span.type'],
    user: ['mastra.metadata.userId', 'mastra.metadata.resourceId'],
    session: ['mastra.metadata.sessionId', 'mastra.metadata.threadId'],
  },
  cache: 'inclusive',
  conversation: {
    ids: ['mastra.metadata.threadId'],
    input: [
      'mastra.model_generation.input',
      'mastra.model_step.input',
      'mastra.agent_run.input',
      'llm.input_messages.',
    ],
    output: ['llm.output_messages.'],
    tool: { ids: ['tool_call.id'], arguments: ['input.value'], result: ['output.value'] },
    read: ({ attributes }) => {
      for (const kind of ['model_generation', 'model_step', 'agent_run']) {
        const said = attributes.get(`mastra.${kind}.output`)
        const parsed = typeof said === 'string' ? parseJson(said) : undefined
        if (parsed === undefined || Array.isArray(parsed)) continue
        const { text = null, toolCalls = null } = parsed as Readonly<Record<string, never>>
        const answer = readMessage({ content: text, tool_calls: toolCalls }, 'assistant')
        return { output: answer === undefined ? readJsonMessages(said, 'assistant') : [answer] }
      }
      return {}
    },
  },
}
