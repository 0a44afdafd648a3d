import { SpanledgerError } from '../../errors.ts'
import type { InsertRow } from './rows.ts'

/** What an insert did not store: rows that never will be, and those that may be when they are sent again. */
export interface FailedRows {
  readonly refused: readonly { readonly row: InsertRow; readonly reason: string }[]
  readonly transient: readonly InsertRow[]
}

/** The client's error when some rows were stored and some were not. */
interface PartialFailure extends Error {
  readonly errors: readonly {
    readonly row: InsertRow
    readonly errors: readonly { readonly reason?: string; readonly message?: string }[]
  }[]
}

/** What a row is called that may not be stored now; everything else is wrong with the row itself. */
const TRANSIENT_ROW = /^(stopped|timeout|backendError|internalError|rateLimitExceeded|quotaExceeded|tableUnavailable)$/
const TOO_LARGE = 'it is larger than BigQuery takes'

/** What became of `rows`, sent in one request; undefined when the request failed as a whole. */
export function failedRows(error: unknown, rows: readonly InsertRow[]): FailedRows | undefined {
  // A chunk of several rows is within the bound of a request, so this one is the row's fault.
  if (rows.length === 1 && codeOf(error) === 413)
    return { refused: rows.map((row) => ({ row, reason: TOO_LARGE })), transient: [] }
  if (!isPartial(error)) return undefined
  const refused: { row: InsertRow; reason: string }[] = []
  const transient: InsertRow[] = []
  for (const { row, errors } of error.errors) {
    if (errors.length > 0 && errors.every(({ reason }) => TRANSIENT_ROW.test(reason ?? ''))) transient.push(row)
    else refused.push({ row, reason: describe(errors) })
  }
  return { refused, transient }
}

/** What BigQuery says of a row, without its contents. */
function describe(errors: PartialFailure['errors'][number]['errors']): string {
  const said = errors
    .filter(({ reason }) => !TRANSIENT_ROW.test(reason ?? ''))
    .map(({ message, reason }) => message || reason || 'invalid')
  return [...new Set(said)].slice(0, 3).join('; ').slice(0, 300)
}

function isPartial(error: unknown): error is PartialFailure {
  return error instanceof Error && error.name === 'PartialFailureError'
}

/** Whether to ask again. Of rows, those that may not be stored now are the only ones for which an insert rejects. */
export function isTransient(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const code = Number(codeOf(error) ?? Number.NaN)
  // Without a status there was no answer; it may have been lost on its way back.
  if (Number.isNaN(code) || code === 0) return true
  return code === 408 || code === 429 || code >= 500 || /rateLimitExceeded|backendError/.test(error.message)
}

/** The error of the port for a client's error. */
export function toStoreError(what: string, cause: unknown): SpanledgerError {
  const code = isPartial(cause) ? 'some rows' : codeOf(cause)
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

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}
