import type { MiddlewareHandler } from 'hono'
import { problem } from './problem.ts'

// `.localhost` and `.internal` (containers' name for their host) are reserved: nobody elsewhere can own a name there.
const LOOPBACK = /^(?:(?:.+\.)?localhost|.+\.internal|127(?:\.\d{1,3}){3}|\[::1\])$/i

/**
 * While `keyNeeded` says no: refuses (403) requests that a web page elsewhere could have made. Such a page reaches loopback
 * under a name of its own that it lets point there, or by posting across origins; a browser tells either by `Host` and
 * `Origin`, which the page cannot forge, as it can an `Authorization`.
 */
export function refuseForeignPages(keyNeeded: () => Promise<boolean>): MiddlewareHandler {
  return async (c, next) => {
    const { origin, host = 'localhost' } = c.req.header()
    if (!(isLoopback(`http://${host}`) && isLoopback(origin)) && !(await keyNeeded())) {
      return problem(403, 'http: without a key, only localhost is answered; make one with npm run keys', {
        code: 'auth/forbidden',
      })
    }
    return next()
  }
}

function isLoopback(url: string | undefined): boolean {
  return url === undefined || (URL.canParse(url) && LOOPBACK.test(new URL(url).hostname))
}
