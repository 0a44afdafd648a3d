import type { Dialect } from '../dialect.ts'
import { FIELD, fill, text } from '../fields.ts'

/**
 * Goose: OpenTelemetry's keys. Its newer loop adds what Anthropic had cached, as it always asks for, to the input, and keeps to
 * itself how much that was.
 */
export const goose: Dialect = {
  name: 'goose',
  markers: ['goose.chat.purpose'],
  keys: {},
  cache: 'inclusive',
  complete: (reading) => {
    const isCached = text(reading, FIELD.requestModel).includes('claude') && reading[FIELD.cacheRead] === undefined
    if (isCached && reading[FIELD.input] !== undefined) fill(reading, FIELD.uncachedInput, 0)
  },
}
