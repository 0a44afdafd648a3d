import { SpanledgerError } from '../errors.ts'

/** `store/unavailable` for a file that cannot be opened as a trace store, with what to do. */
export function openError(path: string, cause: unknown): SpanledgerError {
  const advice = 'if it is damaged, move it away and fill a new one: npm run rebuild -- --from lake'
  return new SpanledgerError('store/unavailable', `cannot open the trace store at ${path}; ${advice}`, { cause })
}
