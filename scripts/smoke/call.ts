import { setTimeout as sleep } from 'node:timers/promises'
import { describeError, type ErrorCode } from '../../shared/errors.ts'

/** A server to ask, and how it is named to the person who asked. */
export interface Target {
  /** Base URL, without a slash at its end. */
  readonly url: string
  /** The option that gave it. */
  readonly option: '--url' | '--query-url'
  readonly key?: string
}

/** What is asked of a server. */
export interface Call {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE'
  readonly body?: unknown
  /** The scope that the key needs. */
  readonly scope: 'ingest' | 'read' | 'admin'
  /** Milliseconds since 1970 at which no answer is waited for any more. */
  readonly deadline: number
}

/** An answer in JSON. `isProblem`: it is an error that Spanledger itself has worded. */
export interface Answer {
  readonly status: number
  readonly json: unknown
  readonly isProblem: boolean
}

/** Why a stage failed, in words that say what to do. */
export class SmokeFailure extends Error {
  override readonly name = 'SmokeFailure'
  /** The HTTP status behind it; undefined where there was no answer. */
  readonly status: number | undefined

  constructor(message: string, options: { status?: number; cause?: unknown } = {}) {
    super(message, { cause: options.cause })
    this.status = options.status
  }
}

const PAUSE_MS = 250
/** Statuses of a server that is overloaded or just starting. */
const TRANSIENT = new Set([429, 502, 503, 504])

/** Asks once. Resolves with 2xx, and with a 404 that Spanledger has worded; else throws a {@link SmokeFailure}. */
export async function ask(target: Target, path: string, call: Call): Promise<Answer> {
  const { method = 'GET', body, deadline } = call
  const started = Date.now()
  let response: Response
  let text: string
  try {
    response = await fetch(target.url + path, {
      method,
      redirect: 'manual',
      signal: AbortSignal.timeout(Math.max(1, deadline - started)),
      headers: {
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...(target.key !== undefined && { authorization: `Bearer ${target.key}` }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    text = await response.text()
  } catch (error) {
    throw unreachable(target, error, Date.now() - started)
  }
  const answer = readAnswer(response, text)
  const isAbsence = answer.status === 404 && answer.isProblem && !isUnknownPath(answer)
  if ((response.ok && answer.json !== undefined) || response.status === 204 || isAbsence) return answer
  throw refusal(target, call, answer)
}

/** Asks until an answer comes that is not about the load of the server. */
export async function askPatiently(target: Target, path: string, call: Call): Promise<Answer> {
  for (;;) {
    try {
      return await ask(target, path, call)
    } catch (error) {
      const isTransient = error instanceof SmokeFailure && TRANSIENT.has(error.status ?? 0)
      if (!isTransient || Date.now() + PAUSE_MS > call.deadline) throw error
      await sleep(PAUSE_MS)
    }
  }
}

/** Asks until `check` finds what it looks for; throws `timeout` when it does not come in time. */
export async function askUntil<T>(
  target: Target,
  path: string,
  call: Call,
  check: (answer: Answer) => T | undefined,
  timeout: string,
): Promise<T> {
  for (;;) {
    const found = check(await askPatiently(target, path, call))
    if (found !== undefined) return found
    if (Date.now() + PAUSE_MS > call.deadline) throw new SmokeFailure(timeout)
    await sleep(PAUSE_MS)
  }
}

function readAnswer({ status, headers }: Response, text: string): Answer {
  const isProblem = headers.get('content-type')?.startsWith('application/problem+json') === true
  try {
    return { status, json: JSON.parse(text), isProblem }
  } catch {
    return { status, json: undefined, isProblem: false }
  }
}

/** The answer to a path that the server does not have, be it Spanledger or another. */
function isUnknownPath({ json }: Answer): boolean {
  const { code } = (json ?? {}) as { readonly code?: unknown }
  return code === undefined || code === ('http/not-found' satisfies ErrorCode)
}

function refusal({ url, option, key }: Target, { scope }: Call, answer: Answer): SmokeFailure {
  const { status, json } = answer
  const fail = (message: string) => new SmokeFailure(message, { status })
  const said = detailOf(json)
  const detail = said === '' ? '' : ` (${said})`
  if (status === 401 && key === undefined)
    return fail(
      `${url} wants an API key: give --key; npm run keys -- create --project NAME --scopes ingest,read makes one`,
    )
  if (status === 401)
    return fail(`the key was refused${detail}: it is unknown, revoked or of another deployment; check --key`)
  if (status === 403 && said === '')
    return fail(
      `something in front of Spanledger refused the request: ${url} may not be called from here; look at its ingress setting and invoker role`,
    )
  if (status === 403) return fail(`the key may not do this${detail}: make one with the scope ${scope}`)
  if (status === 404 || (status >= 200 && status < 400))
    return fail(`there is no Spanledger at ${url} (${status}): ${option} is a base URL, such as ${example(option)}`)
  if (status === 429 || status === 503)
    return fail(`the server is overloaded or a store behind it is down (${status})${detail}; try again`)
  if (status >= 500) return fail(`the server failed (${status})${detail}: look at its logs`)
  return fail(`the server refused the request (${status})${detail}`)
}

function example(option: Target['option']): string {
  return option === '--url'
    ? 'http://localhost:4318 or the ingest function’s URL'
    : 'the query function’s URL; give it where the two differ'
}

/** What the body says: `detail` of a problem, `message` of a google.rpc.Status. */
function detailOf(json: unknown): string {
  if (typeof json !== 'object' || json === null) return ''
  const { detail, message } = json as { detail?: unknown; message?: unknown }
  const text = typeof detail === 'string' ? detail : typeof message === 'string' ? message : ''
  return text.slice(0, 300)
}

function unreachable({ url, option }: Target, error: unknown, waitedMs: number): SmokeFailure {
  const fail = (message: string) => new SmokeFailure(message, { cause: error })
  if (error instanceof Error && error.name === 'TimeoutError')
    return fail(`${url} did not answer within ${(waitedMs / 1000).toFixed(1)} s; raise --timeout, or look at its logs`)
  const cause = (error as { cause?: unknown }).cause ?? error
  const code = String((cause as { code?: unknown }).code ?? '')
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return fail(`the host of ${url} has no address (${code}): check ${option}, or the network’s DNS`)
  if (code === 'ECONNREFUSED')
    return fail(`nothing listens at ${url}: start the server, or check the port in ${option}`)
  if (code.includes('CERT') || code.includes('TLS') || code.includes('SSL'))
    return fail(`the certificate of ${url} is not trusted (${code}): check ${option}`)
  return fail(
    `${url} cannot be reached (${code === '' ? describeError(cause) : code}): check ${option} and the network`,
  )
}
