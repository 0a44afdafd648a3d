import type { MiddlewareHandler } from 'hono'
import { SpanledgerError } from '../errors.ts'

/**
 * Throws `http/malformed` for a query whose escapes are no UTF-8. They would be read as they stand, and `%F6` asked for by that very name,
 * which nobody has.
 */
export const refuseBrokenEscapes: MiddlewareHandler = async (c, next) => {
  const at = c.req.url.indexOf('?')
  try {
    if (at >= 0) decodeURIComponent(c.req.url.slice(at))
  } catch (cause) {
    const why = 'what follows a % in the query is not valid UTF-8; write a % itself as %25'
    throw new SpanledgerError('http/malformed', why, { cause })
  }
  await next()
}
