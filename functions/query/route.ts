import { type OpenAPIHonoOptions, type RouteConfig, z } from '@hono/zod-openapi'
import type { MiddlewareHandler } from 'hono'
import type { Authenticate } from '../../shared/auth/authenticate.ts'
import type { ErrorCode } from '../../shared/errors.ts'
import { problem, problemSchema } from '../../shared/http/problem.ts'
import { describeIssues } from '../../shared/issues.ts'
import { type ReaderEnv, requireScope } from './principal.ts'

/** The name of the API key in the OpenAPI document. */
export const API_KEY_SCHEME = 'apiKey'

const ERRORS: Readonly<Record<number, string>> = {
  400: 'a parameter is wrong or unknown; `errors` names each',
  401: 'no key, or none that is known',
  403: 'the key lacks the scope',
  404: 'there is no such thing in this project',
  409: 'it is not in a state for that',
  412: 'it has been changed since',
  413: 'the body is too large',
  415: 'the body is no JSON',
  503: 'the store does not answer: try again',
}

/** The parameters of a route that has none: one that is given is refused, since what it was to do would not be done. */
export const noParameters = z.strictObject({})

/** What every route that reads has in common: `GET`, an API key with the scope `read`, then `further` middleware. */
export function readRoute(authenticate: Authenticate, tag: string, ...further: MiddlewareHandler<ReaderEnv>[]) {
  return {
    method: 'get' as const,
    tags: [tag],
    security: [{ [API_KEY_SCHEME]: [] }],
    middleware: [requireScope(authenticate, 'read'), ...further],
  }
}

/** What any request that needs a key may be answered with besides. */
const ANY = [400, 401, 403, 503]
/** What one with a body may be, too. */
export const WITH_BODY = [413, 415]

/** The responses of a route that needs a key and answers `schema`, for its OpenAPI description; `further` are errors of its own. */
export function responses<T extends z.ZodType>(description: string, schema: T, further: readonly number[] = []) {
  return { 200: { description, content: { 'application/json': { schema } } }, ...errorsWithKey(further) }
}

/** {@link responses} with errors alone. */
export function errorsWithKey(further: readonly number[] = []) {
  return describeErrors([...ANY, ...further])
}

/** The description of just these errors. */
export function describeErrors(statuses: readonly number[]) {
  return Object.fromEntries(
    statuses.map((status) => [
      status,
      { description: ERRORS[status] ?? '', content: { 'application/problem+json': { schema: problemSchema } } },
    ]),
  ) as unknown as Record<never, RouteConfig['responses'][string]>
}

type Hook = NonNullable<OpenAPIHonoOptions<ReaderEnv>['defaultHook']>

/** Answers input that its schema refuses: 400 with `code`, that names every parameter or member that is wrong. */
export function refuse(code: ErrorCode): (...given: Parameters<Hook>) => Response | undefined {
  return (result) => {
    if (result.success) return undefined
    const errors = describeIssues(result.error as z.ZodError)
    const detail = errors.map((error) => [error.parameter, error.detail].filter(Boolean).join(': ')).join('; ')
    return problem(400, `${code.slice(0, code.indexOf('/'))}: ${detail}`, { code, members: { errors } })
  }
}

/** {@link refuse} for what is read. */
export const refuseInvalid = refuse('query/invalid')
