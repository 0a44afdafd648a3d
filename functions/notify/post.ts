import { type LookupAddress, lookup } from 'node:dns'
import { request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import type { LookupFunction } from 'node:net'
import { SpanledgerError } from '../../shared/errors.ts'
import { addressOf, mayReach, type Reach } from '../../shared/http/reach.ts'

/** All addresses of a host name. */
export type Resolve = (hostname: string) => Promise<readonly LookupAddress[]>

export interface PostOptions {
  readonly reach: Reach
  /** For connecting, sending and the answer together, in milliseconds. */
  readonly timeoutMs: number
  /** @defaultValue as the system does */
  readonly resolve?: Resolve
}

/**
 * Posts to a URL that somebody chose, and returns the status; of what is answered nothing else is read, and no redirect is followed.
 * Connects to the very address that was checked, so that a name cannot point elsewhere a moment later. Rejects with `budget/invalid`
 * where the URL leads beyond `reach`.
 */
export async function post(
  url: URL,
  { body, headers }: { readonly body: string; readonly headers: Readonly<Record<string, string>> },
  { reach, timeoutMs, resolve = resolveAll }: PostOptions,
): Promise<number> {
  const refused = new SpanledgerError('budget/invalid', `${url.host} is at an address that alerts may not go to`)
  const address = addressOf(url)
  if (address !== undefined && !mayReach(address, reach)) throw refused
  const lookup: LookupFunction = (hostname, { all }, done) => {
    resolve(hostname).then(
      (found) => {
        const [first] = found
        if (first === undefined || !found.every((each) => mayReach(each.address, reach))) return done(refused, '')
        if (all) done(null, [...found])
        else done(null, first.address, first.family)
      },
      (error) => done(error, ''),
    )
  }
  const send = url.protocol === 'https:' ? requestHttps : requestHttp
  return new Promise((done, fail) => {
    const signal = AbortSignal.timeout(timeoutMs)
    const length = { 'content-length': String(Buffer.byteLength(body)) }
    const request = send(url, { method: 'POST', headers: { ...headers, ...length }, lookup, signal, agent: false })
    request.on('response', (response) => {
      done(response.statusCode ?? 0)
      response.destroy()
    })
    request.on('error', fail)
    request.end(body)
  })
}

function resolveAll(hostname: string): Promise<readonly LookupAddress[]> {
  return new Promise((done, fail) => {
    lookup(hostname, { all: true }, (error, found) => (error === null ? done(found) : fail(error)))
  })
}
