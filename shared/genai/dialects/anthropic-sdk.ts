import type { AttributeValue } from '../../spans/attributes.ts'
import { readCount, sumCounts } from '../count.ts'
import type { Dialect } from '../dialect.ts'
import { FIELD, fill, type Reading, text } from '../fields.ts'

/**
 * Anthropic's own SDKs, and its API for itself: both emit OpenTelemetry's attributes and add the lifetimes of cache writes. What
 * compacting the context took is in no count of theirs but its own, which do not say what of it was read from the cache.
 */
export const anthropicSdk: Dialect = {
  name: 'anthropic_sdk',
  scopes: ['com.anthropic.sdk.*', 'com.anthropic.claude-platform'],
  keys: {
    cacheWrite5m: ['anthropic.usage.cache_creation.ephemeral_5m_input_tokens'],
    cacheWrite1h: ['anthropic.usage.cache_creation.ephemeral_1h_input_tokens'],
    webSearches: ['anthropic.usage.server_tool_use.web_search_requests'],
    serviceTier: ['anthropic.response.service_tier'],
    session: ['anthropic.session.id'],
  },
  cache: 'inclusive',
  complete: (reading, { name, attributes }) => {
    const compacted = attributes.get('anthropic.usage.compaction.input_tokens')
    if (compacted !== undefined && readCount(compacted) !== 0)
      addCompaction(reading, compacted, attributes.get('anthropic.usage.compaction.output_tokens'))
    if (text(reading, FIELD.operation) !== '') return
    if (name === 'anthropic.messages.count_tokens') fill(reading, FIELD.operation, 'count_tokens')
    // Who opens a session is told its agent's model, and asks it nothing.
    else if (reading[FIELD.input] === undefined) reading[FIELD.requestModel] = undefined
  },
  conversation: {
    finishReasons: ['anthropic.message.stop_reason'],
    tool: { arguments: ['gen_ai.tool.call.arguments'], result: ['anthropic.tool_result.content'] },
  },
}

function addCompaction(reading: Reading, input: AttributeValue, output: AttributeValue | undefined): void {
  reading[FIELD.uncachedInput] ??= 0
  reading[FIELD.input] = sumCounts([reading[FIELD.input], input])
  reading[FIELD.output] = sumCounts([reading[FIELD.output], output])
  for (const field of CACHE) reading[field] = undefined
}

const CACHE = [FIELD.cacheRead, FIELD.cacheWrite, FIELD.cacheWrite5m, FIELD.cacheWrite1h]
