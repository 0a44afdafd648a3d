import { sumCounts } from '../count.ts'
import type { Dialect } from '../dialect.ts'
import { FIELD, text } from '../fields.ts'
import { reasonsBeside } from '../inclusion.ts'
import { normaliseProvider } from '../providers.ts'

/**
 * Pipecat: OpenTelemetry's keys with the provider's own counts, of which Anthropic's and Bedrock's leave out what was cached, and
 * Google's output what was thought; there is no total to tell.
 */
export const pipecat: Dialect = {
  name: 'pipecat',
  scopes: ['pipecat', 'pipecat.*'],
  mixed: true,
  keys: { toolName: ['tool.function_name'], conversation: ['conversation.id'] },
  cache: (_reading, _span, provider) =>
    provider === 'anthropic' || provider === 'aws.bedrock' ? 'exclusive' : 'inclusive',
  complete: (reading) => {
    const thoughts = reading[FIELD.reasoning]
    if (thoughts !== undefined && reasonsBeside(normaliseProvider(text(reading, FIELD.provider))))
      reading[FIELD.output] = sumCounts([reading[FIELD.output], thoughts])
  },
  conversation: {
    ids: ['conversation.id'],
    input: ['input'],
    output: ['output'],
    tool: { ids: ['tool.call_id'], arguments: ['tool.arguments'], result: ['tool.result'] },
  },
}
