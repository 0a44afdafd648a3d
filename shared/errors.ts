/** What went wrong, by domain; stable, for programs. */
export type ErrorCode =
  | 'config/invalid'
  | 'command/invalid'
  | 'otlp/malformed'
  | 'otlp/too-large'
  | 'otlp/unsupported-media-type'
  | 'otlp/unsupported-encoding'
  | 'pricing/invalid'
  | 'pricing/changed'
  | 'budget/invalid'
  | 'budget/not-found'
  | 'budget/denied'
  | 'budget/changed'
  | 'budget/busy'
  | 'bus/closed'
  | 'bus/full'
  | 'bus/unavailable'
  | 'store/unavailable'
  | 'store/rejected'
  | 'lake/exists'
  | 'lake/not-found'
  | 'lake/corrupt'
  | 'lake/unavailable'
  | 'query/invalid'
  | 'query/not-found'
  | 'query/busy'
  | 'auth/missing'
  | 'auth/invalid'
  | 'auth/forbidden'
  | 'http/malformed'
  | 'http/too-large'
  | 'http/timeout'
  | 'http/not-found'
  | 'http/method-not-allowed'
  | 'http/unsupported-media-type'

/**
 * The one error class of the project. `message` is lower-case, prefixed by the domain of its code
 * (`otlp: truncated varint at byte 17`) and safe to show to the caller; `cause` holds what must not be shown.
 */
export class SpanledgerError extends Error {
  override readonly name = 'SpanledgerError'
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(`${code.slice(0, code.indexOf('/'))}: ${message}`, options)
    this.code = code
  }
}

/** Whether `error` is a {@link SpanledgerError}, of the given code if one is given. */
export function isSpanledgerError(error: unknown, code?: ErrorCode): error is SpanledgerError {
  return error instanceof SpanledgerError && (code === undefined || error.code === code)
}

/** One line that says what `error` is, for a dead letter's reason or a log. */
export function describeError(error: unknown): string {
  return error instanceof Error ? error.message || error.name : String(error)
}
