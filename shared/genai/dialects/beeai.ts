import type { AttributeValue } from '../../spans/attributes.ts'
import type { Dialect } from '../dialect.ts'
import { FIELD, fill, type Reading, text } from '../fields.ts'
import { memberReader } from '../member-reader.ts'
import { VALUE } from '../member-shape.ts'
import { openinference } from './openinference.ts'

const embedding = memberReader({ value: { usage: { tokens: VALUE } } })
const { markers: _others, ...speech } = openinference

/**
 * IBM's BeeAI under OpenInference: each event of a run is a span, `backend.openai.chat.start` as well as `….success`, and so
 * is the run around them. One of these is the call: that of its answer or its error.
 */
export const beeAi: Dialect = {
  ...speech,
  name: 'beeai',
  scopes: ['@arizeai/openinference-instrumentation-beeai'],
  complete: (reading, span) => {
    const target = span.attributes.get('target')
    if (typeof target === 'string') readEvent(reading, target, span.attributes.get('data'))
    else readRun(reading, span.attributes.get('source'))
    openinference.complete?.(reading, span)
  },
  conversation: {
    ...openinference.conversation,
    tool: { arguments: ['tool.parameters'], result: ['output.value'] },
  },
}

/** An event's path ends with what it is about and what happened: `tool.dynamic.weather.success`. */
function readEvent(reading: Reading, path: string, data: AttributeValue | undefined): void {
  const end = path.lastIndexOf('.')
  const about = path.slice(path.lastIndexOf('.', end - 1) + 1, Math.max(end, 0))
  const event = path.slice(end + 1)
  if (path.startsWith('tool.')) fill(reading, FIELD.toolName, about)
  if (!path.startsWith('backend.')) return
  const ends = (event === 'success' || event === 'error') && about !== 'run'
  fill(reading, FIELD.operation, ends ? about : 'agent_step')
  fill(reading, FIELD.provider, path.split('.', 2)[1])
  if (about === 'embedding' && ends) fill(reading, FIELD.input, embedding.read(data)[embedding.at.value.usage.tokens])
}

function readRun(reading: Reading, source: AttributeValue | undefined): void {
  const kind = text(reading, FIELD.kind)
  if (kind === 'AGENT') fill(reading, FIELD.agentName, source)
  else if (kind !== 'TOOL') fill(reading, FIELD.operation, 'agent_step')
}
