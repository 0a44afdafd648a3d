import { sumCounts } from '../count.ts'
import type { Dialect } from '../dialect.ts'
import { FIELD, fill, type Reading } from '../fields.ts'
import { type Members, members } from '../members.ts'
import { completeFromRawUsage } from '../raw-usage.ts'

/**
 * Langfuse's SDKs: usage is one JSON object, in which every token has one key. What is neither cached nor audio is `input`,
 * what is neither reasoning nor audio `output`; the others' keys start with those words, or are Anthropic's own.
 */
export const langfuse: Dialect = {
  name: 'langfuse',
  scopes: ['langfuse-sdk*'],
  markers: ['langfuse.observation.type'],
  keys: {
    kind: ['langfuse.observation.type'],
    requestModel: ['langfuse.observation.model.name'],
    usageJson: ['langfuse.observation.usage_details'],
    metadataJson: ['langfuse.observation.cost_details'],
  },
  cache: 'inclusive',
  complete: (reading, { name }) => {
    const kind = reading[FIELD.kind]
    if (kind === 'agent') reading[FIELD.agentName] ??= name
    fill(reading, FIELD.reportedCost, members(reading[FIELD.metadataJson])?.total)
    const usage = members(reading[FIELD.usageJson])
    if (usage !== undefined) completeFromUsage(reading, usage)
  },
  conversation: {
    input: ['langfuse.observation.input'],
    output: ['langfuse.observation.output'],
    tool: { arguments: ['langfuse.observation.input'], result: ['langfuse.observation.output'] },
  },
}

function completeFromUsage(reading: Reading, usage: Members): void {
  const said = (...keys: readonly string[]) => keys.map((key) => usage[key]).find((count) => count !== undefined)
  fill(reading, FIELD.cacheRead, said('input_cached_tokens', 'input_cache_read'))
  fill(reading, FIELD.cacheWrite, usage.input_cache_creation)
  fill(reading, FIELD.inputAudio, said('input_audio_tokens', 'input_audio'))
  fill(reading, FIELD.reasoning, said('output_reasoning_tokens', 'output_reasoning'))
  fill(reading, FIELD.outputAudio, said('output_audio_tokens', 'output_audio'))
  const total = said('total', 'total_tokens')
  fill(reading, FIELD.total, total)
  // Up to release 4 the wrapper of OpenAI's client left the classes in the two counts; the total tells.
  const inclusive = total !== undefined && total === sumCounts([usage.input, usage.output])
  if (usage.input !== undefined && !inclusive)
    reading[FIELD.uncachedInput] = sumCounts([usage.input, reading[FIELD.inputAudio]])
  completeFromRawUsage(reading, usage)
  fill(reading, FIELD.input, said('input', 'prompt_tokens', 'input_tokens'))
  const outputs = Object.entries(usage).flatMap(([key, count]) =>
    key === 'output' || key.startsWith('output_') ? [count] : [],
  )
  if (usage.output !== undefined) fill(reading, FIELD.output, inclusive ? usage.output : sumCounts(outputs))
  fill(reading, FIELD.output, said('completion_tokens', 'output_tokens'))
}
