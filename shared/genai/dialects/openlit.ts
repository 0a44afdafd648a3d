import { sumCounts } from '../count.ts'
import type { Dialect } from '../dialect.ts'
import { FIELD, text } from '../fields.ts'
import { copiedInclusion, reasonsBeside } from '../inclusion.ts'
import { normaliseProvider } from '../providers.ts'

/** What of it calls providers itself, in JavaScript by package, in Python all under one name. */
const COPYING: ReadonlySet<string> = new Set([
  '@openlit/instrumentation-anthropic',
  '@openlit/instrumentation-bedrock',
  'openlit.otel.tracing',
])

/**
 * OpenLIT: OpenTelemetry's keys with the provider's own counts, of which Anthropic's and Bedrock's leave out what was cached,
 * and Google's output what was thought; there is no total to tell.
 */
export const openlit: Dialect = {
  name: 'openlit',
  scopes: ['@openlit/*', 'openlit.*'],
  markers: ['openlit.agent.version_hash'],
  keys: {},
  cache: (_reading, { scope }, provider) => {
    const inclusion = copiedInclusion(provider)
    const isOwn = provider === 'anthropic' || provider === 'aws.bedrock'
    return isOwn && COPYING.has(scope.name) ? 'exclusive' : inclusion
  },
  complete: (reading) => {
    const thoughts = reading[FIELD.reasoning]
    if (thoughts === undefined || reading[FIELD.total] !== undefined) return
    if (reasonsBeside(normaliseProvider(text(reading, FIELD.provider))))
      reading[FIELD.output] = sumCounts([reading[FIELD.output], thoughts])
  },
}
