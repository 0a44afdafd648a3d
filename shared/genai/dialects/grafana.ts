import { sumCounts } from '../count.ts'
import type { Dialect } from '../dialect.ts'
import { FIELD, text } from '../fields.ts'
import { copiedInclusion, reasonsBeside } from '../inclusion.ts'
import { normaliseProvider } from '../providers.ts'

/** Grafana's Agent Observability, once Sigil: the provider's own counts, unless it says that they are as OpenTelemetry wants them. */
export const grafana: Dialect = {
  name: 'grafana',
  scopes: ['github.com/grafana/sigil/*', 'github.com/grafana/sigil-sdk/*', 'github.com/grafana/agento11y/*'],
  markers: ['agento11y.generation.id', 'sigil.generation.id', 'agento11y.sdk.name', 'sigil.sdk.name'],
  keys: { cacheWrite: ['gen_ai.usage.cache_write_input_tokens'] },
  cache: (_reading, { attributes }, provider) =>
    attributes.get(SEMANTICS) === 'inclusive' ? 'inclusive' : copiedInclusion(provider),
  complete: (reading, { attributes }) => {
    const thoughts = reading[FIELD.reasoning]
    if (thoughts === undefined || attributes.get(SEMANTICS) === 'inclusive') return
    if (reasonsBeside(normaliseProvider(text(reading, FIELD.provider))))
      reading[FIELD.output] = sumCounts([reading[FIELD.output], thoughts])
  },
}

const SEMANTICS = 'gen_ai.token.semantics'
