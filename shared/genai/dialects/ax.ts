import type { AttributeValue } from '../../spans/attributes.ts'
import { NOT_A_COUNT, readCount, sumCounts } from '../count.ts'
import type { Dialect } from '../dialect.ts'
import { FIELD, fill, text } from '../fields.ts'
import { copiedInclusion, reasonsBeside } from '../inclusion.ts'
import { normaliseProvider } from '../providers.ts'

/**
 * Ax: counts in an event, of a stream in the last of many. Its input leaves out what was cached, which only the total has: of
 * Anthropic's nobody knows how much was read and how much written.
 */
export const ax: Dialect = {
  name: 'ax',
  markers: ['gen_ai.request.llm_is_streaming', 'tool.mode'],
  keys: { toolName: ['tool.name'] },
  cache: 'inclusive',
  complete: (reading, { events, attributes }) => {
    if (attributes.has('tool.mode')) fill(reading, FIELD.operation, 'execute_tool')
    const usage = events.findLast(({ name }) => name === 'gen_ai.usage')?.attributes
    if (usage === undefined) return
    const provider = normaliseProvider(text(reading, FIELD.provider))
    const input = usage.get('gen_ai.usage.input_tokens')
    const total = usage.get('gen_ai.usage.total_tokens')
    const thoughts = usage.get('gen_ai.usage.thoughts_tokens')
    const output = sumCounts([usage.get('gen_ai.usage.output_tokens'), reasonsBeside(provider) ? thoughts : 0])
    fill(reading, FIELD.output, output)
    fill(reading, FIELD.total, total)
    fill(reading, FIELD.reasoning, thoughts)
    const cached = beyond(total, input, output)
    if (cached > 0 && copiedInclusion(provider) === 'inclusive') fill(reading, FIELD.cacheRead, cached)
    else if (cached > 0) fill(reading, FIELD.uncachedInput, input)
    fill(reading, FIELD.input, cached > 0 ? sumCounts([input, cached]) : input)
  },
}

/** What the total has beyond the other counts; 0 where one is none. */
function beyond(total: AttributeValue | undefined, ...parts: readonly (AttributeValue | undefined)[]): number {
  const [all, ...counts] = [total, ...parts].map((value) => (value === undefined ? NOT_A_COUNT : readCount(value)))
  return counts.includes(NOT_A_COUNT) ? 0 : Math.max(0, all! - counts.reduce((sum, count) => sum + count, 0))
}
