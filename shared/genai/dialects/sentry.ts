import type { Dialect } from '../dialect.ts'
import { type Json, parseJson } from '../messages/json.ts'
import { readMessage } from '../messages/message.ts'

/**
 * Sentry's SDK: OpenTelemetry's keys, and the answer under two of its own. Before 10.70 or so what Anthropic had cached is in the
 * total alone.
 */
export const sentry: Dialect = {
  name: 'sentry',
  scopes: ['@sentry/*'],
  mixed: true,
  keys: {},
  cache: 'inclusive',
  conversation: {
    read: ({ attributes }) => {
      const text = attributes.get('gen_ai.response.text')
      const calls = attributes.get('gen_ai.response.tool_calls')
      const list = typeof calls === 'string' ? parseJson(calls) : undefined
      const answer = readMessage(
        { content: typeof text === 'string' ? contentOf(text) : '', tool_calls: list ?? [] },
        'assistant',
      )
      return answer === undefined ? {} : { output: [answer] }
    },
  },
}

/** One text or, of several choices, a list of them. */
function contentOf(text: string): Json {
  const list = parseJson(text)
  return Array.isArray(list) && list.every((item) => typeof item === 'string') ? list : text
}
