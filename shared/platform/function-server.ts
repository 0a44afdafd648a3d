import http, { type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import { http as registerFunction } from '@google-cloud/functions-framework'
import { getRequestListener } from '@hono/node-server'
import type { Hono } from 'hono'
import { dropUnreadBody } from '../http/unread-body.ts'
import type { FunctionName } from './functions.ts'

/**
 * Serves `app` as a Cloud Function. The framework parses bodies before it calls a function: it would decompress up to 1 GiB, and
 * answer what it cannot parse by itself, in HTML. So the app is given to the HTTP server that the framework makes, in place
 * of its own listener, and answers as it does on every other server.
 *
 * The framework loads a function before it makes its server. Should it ever not, the function says so instead of serving
 * without bounds.
 */
export function serveFunction(name: FunctionName, app: Pick<Hono, 'fetch'>): void {
  registerFunction(name, (_request: IncomingMessage, response: ServerResponse) => {
    response
      .writeHead(500, { 'content-type': 'text/plain' })
      .end('spanledger: the functions framework is not supported')
  })
  const listener = getRequestListener(app.fetch)
  const { createServer } = http
  const replaced = http as { createServer: (given?: RequestListener) => http.Server }
  replaced.createServer = () => {
    replaced.createServer = createServer
    return createServer(listener).on('request', dropUnreadBody)
  }
}
