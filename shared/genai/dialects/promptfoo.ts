import type { Dialect } from '../dialect.ts'

/** Promptfoo's evaluations: OpenTelemetry's keys; what was said is under keys of its own, what it had kept has no counts. */
export const promptfoo: Dialect = {
  name: 'promptfoo',
  scopes: ['promptfoo.*'],
  mixed: true,
  keys: {},
  cache: 'inclusive',
  conversation: { input: ['promptfoo.request.body'], output: ['promptfoo.response.body'] },
}
