import type { MiddlewareHandler } from 'hono'
import type { Authenticate, Principal } from '../../shared/auth/authenticate.ts'
import type { Scope } from '../../shared/auth/key-store.ts'

/** What every route under `/ledger/v1` knows of its caller. */
export interface ReaderEnv {
  Variables: { principal: Principal }
}

/** Lets only callers with `scope` through, and tells the route who they are. */
export function requireScope(authenticate: Authenticate, scope: Scope): MiddlewareHandler<ReaderEnv> {
  return async (c, next) => {
    c.set('principal', await authenticate(c.req.header('authorization') ?? null, scope))
    await next()
  }
}
