import type { HttpBindings } from '@hono/node-server'
import type { MiddlewareHandler } from 'hono'
import { problem } from './problem.ts'

const DOTS = /^(?:\.|%2e){1,2}$/i

/**
 * Refuses (400) paths with a segment `.` or `..`. A URL resolves them before any route is asked, so that what was meant for an id would be
 * answered by another path, or by none.
 */
export const refuseDotSegments: MiddlewareHandler = async (c, next) => {
  const { incoming }: Partial<HttpBindings> = c.env ?? {}
  const [path = ''] = incoming?.url?.split('?', 1) ?? []
  if (!path.split(/[/\\]/).some((segment) => DOTS.test(segment))) return next()
  return problem(400, 'http: no part of a path is "." or ".."; an id begins with a letter or digit', {
    code: 'query/invalid',
  })
}
