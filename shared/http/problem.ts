import { STATUS_CODES } from 'node:http'
import type { ErrorHandler, Hono, NotFoundHandler } from 'hono'
import { HTTPException } from 'hono/http-exception'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { z } from 'zod'
import { describeError, type ErrorCode, isSpanledgerError } from '../errors.ts'
import type { Log } from '../log.ts'

/** The HTTP status of each error code. */
export const PROBLEM_STATUS: Readonly<Record<ErrorCode, ContentfulStatusCode>> = {
  'config/invalid': 500,
  'command/invalid': 500,
  'otlp/malformed': 400,
  'otlp/too-large': 413,
  'otlp/unsupported-media-type': 415,
  'otlp/unsupported-encoding': 415,
  'pricing/invalid': 400,
  'pricing/changed': 412,
  'budget/invalid': 400,
  'budget/not-found': 404,
  'budget/denied': 402,
  'budget/changed': 412,
  'budget/busy': 503,
  'bus/closed': 503,
  'bus/full': 503,
  'bus/unavailable': 503,
  'store/unavailable': 503,
  'store/rejected': 409,
  'lake/exists': 409,
  'lake/not-found': 404,
  'lake/corrupt': 500,
  'lake/unavailable': 503,
  'query/invalid': 400,
  'query/not-found': 404,
  'query/busy': 503,
  'auth/missing': 401,
  'auth/invalid': 401,
  'auth/forbidden': 403,
  'http/malformed': 400,
  'http/too-large': 431,
  'http/timeout': 408,
  'http/not-found': 404,
  'http/method-not-allowed': 405,
  'http/unsupported-media-type': 415,
}

/** As RFC 9110 has them; Node has the name that 413 had before. */
const TITLES: Readonly<Record<number, string | undefined>> = { ...STATUS_CODES, 413: 'Content Too Large' }

/** Seconds that a caller of a store that does not answer should wait. */
const RETRY_AFTER_SECONDS = 1

/** The body of every error (RFC 9457). `code` is stable and for programs; `detail` is for people and may change. */
export const problemSchema = z
  .looseObject({
    type: z.string(),
    title: z.string(),
    status: z.number().int(),
    detail: z.string(),
    code: z.string().optional(),
  })
  .meta({ id: 'Problem' })
export type Problem = z.infer<typeof problemSchema>

export interface ProblemOptions {
  /** An {@link ErrorCode}; absent where the status says all. */
  readonly code?: ErrorCode
  /** Further members of the body, as RFC 9457 allows: what was denied, which parameters are wrong. */
  readonly members?: Readonly<Record<string, unknown>>
  readonly headers?: Readonly<Record<string, string>>
}

/**
 * An `application/problem+json` response. 401 carries `WWW-Authenticate`, 503 `Retry-After`. `detail` is shown
 * to the caller: never put a cause, a path or a statement there.
 */
export function problem(status: number, detail: string, options: ProblemOptions = {}): Response {
  const { code, headers } = options
  return new Response(JSON.stringify(problemBody(status, detail, options)), {
    status,
    headers: {
      'content-type': 'application/problem+json',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      ...(status === 401 && { 'www-authenticate': challenge(code) }),
      ...(status === 503 && { 'retry-after': String(RETRY_AFTER_SECONDS) }),
      ...headers,
    },
  })
}

/** The body of {@link problem}. */
export function problemBody(
  status: number,
  detail: string,
  { code, members }: Pick<ProblemOptions, 'code' | 'members'> = {},
): Problem {
  const title = TITLES[status] ?? 'Error'
  return { ...members, type: 'about:blank', title, status, detail, ...(code !== undefined && { code }) }
}

/**
 * The response to anything thrown. What is not a `SpanledgerError` or a refusal of the framework is a defect of ours:
 * the caller learns nothing of it, the log everything.
 */
export function problemFrom(error: unknown, log?: Log): Response {
  if (isSpanledgerError(error)) {
    const { code, cause, message } = error
    const status = PROBLEM_STATUS[code]
    if (status < 500) return problem(status, message, { code })
    if (status === 503) log?.warn({ code, ...(cause !== undefined && { err: cause }) }, message)
    else log?.error({ err: error, code }, 'request failed')
    return problem(status, status === 503 ? message : INTERNAL, { code })
  }
  if (error instanceof HTTPException && error.status < 500) {
    const { code, detail = error.message.toLowerCase() } = REFUSALS[error.status] ?? {}
    return problem(error.status, detail, code === undefined ? {} : { code })
  }
  log?.error({ err: error }, `request failed: ${describeError(error)}`)
  return problem(500, INTERNAL)
}

/** What the framework refuses by itself, said so that the caller knows what to send. */
const REFUSALS: Readonly<Record<number, { readonly code: ErrorCode; readonly detail: string }>> = {
  400: { code: 'http/malformed', detail: 'http: the body is not valid JSON' },
  415: { code: 'http/unsupported-media-type', detail: 'http: send the body as application/json' },
}

const INTERNAL = 'something went wrong here; the log says what'

function challenge(code: ErrorCode | undefined): string {
  return code === 'auth/invalid' ? 'Bearer realm="spanledger", error="invalid_token"' : 'Bearer realm="spanledger"'
}

/** What a Hono app of any kind can do that {@link handleProblems} needs. */
interface ProblemApp {
  onError(handler: ErrorHandler): unknown
  notFound(handler: NotFoundHandler): unknown
  readonly router: Hono['router']
}

const NOT_FOUND = 'http: there is nothing at this path; /ledger/v1/openapi.json says what there is'

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']

/**
 * Makes `app` answer errors, unknown paths (404) and known paths with another method (405 with `Allow`) in problem+json.
 * An app that mounts others by `route` needs it itself: Hono keeps a mounted app's errors, not its unknown paths.
 */
export function handleProblems(app: ProblemApp, log?: Log): void {
  const onError: ErrorHandler = (error) => problemFrom(error, log)
  const onNotFound: NotFoundHandler = (c) => {
    const allowed = METHODS.filter((method) => {
      const routed = method === 'HEAD' ? 'GET' : method
      return app.router.match(routed, c.req.path)[0].some(([[, route]]) => route.method === routed)
    })
    if (allowed.length === 0 || allowed.includes(c.req.method))
      return problem(404, NOT_FOUND, { code: 'http/not-found' })
    const list = allowed.join(', ')
    return problem(405, `http: this path takes ${list}`, { code: 'http/method-not-allowed', headers: { allow: list } })
  }
  app.onError(onError)
  app.notFound(onNotFound)
}
