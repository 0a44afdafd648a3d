import type { AttributeValue } from '../../spans/attributes.ts'
import { sumCounts } from '../count.ts'
import type { Dialect } from '../dialect.ts'
import { FIELD, fill, type Reading } from '../fields.ts'
import { memberReader } from '../member-reader.ts'
import { type Members, members } from '../members.ts'
import { completeFromRawUsage, RAW_USAGE } from '../raw-usage.ts'

const raw = memberReader(RAW_USAGE)

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
    // Of LangChain's models.
    provider: ['langfuse.observation.metadata.ls_provider'],
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
  const said = (first: string, second: string) => (usage[first] === undefined ? usage[second] : usage[first])
  fill(reading, FIELD.cacheRead, said('input_cached_tokens', 'input_cache_read'))
  fill(reading, FIELD.cacheWrite, usage.input_cache_creation)
  fill(reading, FIELD.cacheWrite5m, said('input_cache_creation_5m', 'input_ephemeral_5m_input_tokens'))
  fill(reading, FIELD.cacheWrite1h, said('input_cache_creation_1h', 'input_ephemeral_1h_input_tokens'))
  fill(reading, FIELD.inputAudio, said('input_audio_tokens', 'input_audio'))
  fill(reading, FIELD.reasoning, said('output_reasoning_tokens', 'output_reasoning'))
  fill(reading, FIELD.outputAudio, said('output_audio_tokens', 'output_audio'))
  const total = said('total', 'total_tokens')
  fill(reading, FIELD.total, total)
  // Up to release 4 the wrapper of OpenAI's client left the classes in the two counts; the total tells.
  const inclusive = total !== undefined && total === sumCounts([usage.input, usage.output])
  if (usage.input !== undefined && !inclusive) reading[FIELD.uncachedInput] = sumOf(usage, 'input', CACHED)
  completeFromRawUsage(reading, raw.read(usage), raw.at)
  fill(reading, FIELD.input, usage.input === undefined ? said('prompt_tokens', 'input_tokens') : usage.input)
  if (usage.output !== undefined)
    fill(reading, FIELD.output, inclusive ? usage.output : sumOf(usage, 'output', OUTPUT_TOTALS))
  fill(reading, FIELD.output, said('completion_tokens', 'output_tokens'))
}

/** The sum of the counts of one side, but for some. */
function sumOf(usage: Members, side: string, without: ReadonlySet<string>): AttributeValue {
  const counts: AttributeValue[] = []
  for (const key of Object.keys(usage)) {
    const isOfSide = key.startsWith(side) && (key.length === side.length || key[side.length] === '_')
    if (isOfSide && !without.has(key)) counts.push(usage[key]!)
  }
  return sumCounts(counts)
}

const CACHED: ReadonlySet<string> = new Set([
  'input_cached_tokens',
  'input_cache_read',
  'input_cache_creation',
  'input_cache_creation_5m',
  'input_cache_creation_1h',
  'input_ephemeral_5m_input_tokens',
  'input_ephemeral_1h_input_tokens',
  'input_tokens',
  'input_tokens_details',
])
const OUTPUT_TOTALS: ReadonlySet<string> = new Set(['output_tokens', 'output_tokens_details'])
