import type { Dialect } from '../dialect.ts'
import { COUNT_FIELDS, FIELD, text } from '../fields.ts'

/** What its spans are, by type: all others just contain spans. */
const OPERATIONS: ReadonlyMap<string, string> = new Map([
  ['LLM', 'chat'],
  ['TOOL', 'execute_tool'],
  ['EVALUATOR', 'evaluate'],
])

/**
 * Laminar's own spans, with OpenTelemetry's keys; of many SDKs it lets OpenLLMetry report. An answer that it replays when
 * debugging cost nothing again.
 */
export const laminar: Dialect = {
  name: 'laminar',
  markers: ['lmnr.span.type'],
  keys: {
    kind: ['lmnr.span.type'],
    user: ['lmnr.association.properties.user_id'],
    session: ['lmnr.association.properties.session_id'],
  },
  cache: 'inclusive',
  complete: (reading) => {
    const kind = text(reading, FIELD.kind)
    reading[FIELD.kind] = OPERATIONS.get(kind)
    if (kind === 'CACHED') reading.fill(undefined, 0, COUNT_FIELDS)
  },
  conversation: {
    tool: { arguments: ['lmnr.span.input'], result: ['lmnr.span.output'] },
  },
}
