import type { Dialect, Inclusion } from '../dialect.ts'
import { FIELD } from '../fields.ts'

/**
 * TanStack AI's middleware: OpenTelemetry's keys, with counts as its adapters found them, of which Anthropic's leave out
 * what was cached. What a call to it sums up, and a tool that it runs, do not say what they are.
 */
export const tanstackAi: Dialect = {
  name: 'tanstack_ai',
  markers: ['tanstack.ai.iterations', 'tanstack.ai.iteration', 'tanstack.ai.tool.outcome'],
  keys: {},
  cache: (_reading, _span, provider) => CACHE.get(provider) ?? 'inclusive',
  complete: (reading, { attributes }) => {
    if (attributes.has('tanstack.ai.tool.outcome')) reading[FIELD.operation] ??= 'execute_tool'
    else if (attributes.has('tanstack.ai.iterations')) reading[FIELD.operation] ??= 'invoke_agent'
  },
}

/** Of Bedrock there is no adapter yet. */
const CACHE: ReadonlyMap<string, Inclusion> = new Map([
  ['anthropic', 'exclusive'],
  ['aws.bedrock', 'unknown'],
])
