import { readConfig } from '../shared/config.ts'
import { SpanledgerError } from '../shared/errors.ts'

/** A server that a command asks. */
export interface ServerOptions {
  readonly url: string
  readonly key?: string | undefined
}

/** The server that a command asks unless told otherwise: of this machine at the port of `npm start`, with the environment's key if there is one. */
export function defaultServer(): ServerOptions {
  return { url: `http://localhost:${readConfig().PORT}`, key: process.env.SPANLEDGER_KEY || undefined }
}

/**
 * POSTs JSON to `path` of a server and resolves with the answer's. Throws `query/invalid` with what the server says, or that there is
 * none.
 */
export async function post(
  { url, key }: ServerOptions,
  path: string,
  body: unknown,
  request: typeof fetch = fetch,
): Promise<unknown> {
  if (!/^https?:$/.test(URL.parse(url)?.protocol ?? ''))
    throw new SpanledgerError('query/invalid', `--url must be an http or https URL, not ${url}`)
  const headers = { 'content-type': 'application/json', ...(key && { authorization: `Bearer ${key}` }) }
  const response = await request(new URL(path, url), { method: 'POST', headers, body: JSON.stringify(body) }).catch(
    (cause) => {
      throw new SpanledgerError('query/invalid', `no server answers at ${url}; start one, or name it with --url`, {
        cause,
      })
    },
  )
  const answer = (await response.json().catch(() => ({}))) as { detail?: string }
  if (response.ok) return answer
  const hint =
    response.status === 401 || response.status === 403 ? '; give a key that may with --key or SPANLEDGER_KEY' : ''
  throw new SpanledgerError('query/invalid', `the server answered ${response.status} ${answer.detail ?? ''}${hint}`)
}
