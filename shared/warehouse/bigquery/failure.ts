import { SpanledgerError } from '../../errors.ts'
import type { RowError } from './insert-all.ts'

/** What a row is called that may not be stored now; everything else is wrong with the row itself. */
const TRANSIENT_ROW = /^(stopped|timeout|backendError|internalError|rateLimitExceeded|quotaExceeded|tableUnavailable)$/

/** What is wrong with a row, without its contents; undefined when it may be stored if it is sent again. */
export function refusalOf({ errors }: RowError): string | undefined {
  const own = errors.filter(({ reason }) => !TRANSIENT_ROW.test(reason ?? ''))
  if (errors.length > 0 && own.length === 0) return undefined
  const said = own.map(({ message, reason }) => message || reason || 'invalid')
  return [...new Set(said)].slice(0, 3).join('; ').slice(0, 300)
}

/** Whether a request was larger than BigQuery takes. */
export function isTooLarge(error: unknown): boolean {
  return codeOf(error) === 413
}

/** Whether to ask again. */
export function isTransient(error: unknown): boolean {
  const code = codeOf(error)
  // Without a status there was no answer; it may have been lost on its way back.
  if (code === undefined) return error instanceof Error
  const says = error instanceof Error ? error.message : ''
  return code === 408 || code === 429 || code >= 500 || /rateLimitExceeded|backendError/.test(says)
}

/** The error of the port for a client's error. */
export function toStoreError(what: string, cause: unknown): SpanledgerError {
  const code = codeOf(cause)
  const beyond = /exceeded limit for bytes billed: (\d+)\. (\d+)/.exec(cause instanceof Error ? cause.message : '')
  if (beyond !== null) {
    const advice = `${beyond[2]} bytes or more, and ${beyond[1]} are allowed: narrow the time range, or raise SPANLEDGER_GCP_MAX_QUERY_BYTES`
    return new SpanledgerError('query/invalid', `this would read ${advice}`, { cause })
  }
  const hint =
    code === 404 ? 'it is missing: deploy infra' : code === 403 ? 'grant the function access to it' : 'try again later'
  return new SpanledgerError('store/unavailable', `cannot ${what} in BigQuery (${code ?? 'no answer'}): ${hint}`, {
    cause,
  })
}

/** The HTTP status of an error; undefined when there was no answer, whatever else its code says. */
function codeOf(error: unknown): number | undefined {
  const code = error instanceof Error && 'code' in error ? Number(error.code) : Number.NaN
  return code >= 100 && code < 600 ? code : undefined
}
