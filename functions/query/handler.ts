import { createRoute, OpenAPIHono, z } from '@hono/zod-openapi'
import { compress } from 'hono/compress'
import type { Authenticate } from '../../shared/auth/authenticate.ts'
import type { Conservation } from '../../shared/conservation.ts'
import { refuseDotSegments } from '../../shared/http/dot-segments.ts'
import { handleProblems } from '../../shared/http/problem.ts'
import { refuseBrokenEscapes } from '../../shared/http/query-text.ts'
import type { Log } from '../../shared/log.ts'
import type { SpanReader } from '../../shared/warehouse/trace-store.ts'
import { conservationRoutes } from './conservation.ts'
import { createGate, SUMS, WHOLE_SPANS } from './gate.ts'
import { modelRoutes } from './models.ts'
import type { ReaderEnv } from './principal.ts'
import { API_KEY_SCHEME, describeErrors } from './route.ts'
import { spanRoutes } from './spans.ts'
import { traceRoutes } from './traces.ts'
import { usageRoutes } from './usage.ts'

export interface QueryAppOptions {
  readonly reader: SpanReader
  readonly conservation: Conservation
  readonly authenticate: Authenticate
  /** Resolves when requests can be served; rejects with what is missing. */
  readonly ready?: () => Promise<void>
  /** Further resources, by their full paths. */
  readonly routes?: readonly OpenAPIHono<ReaderEnv>[]
  readonly log?: Log
}

/** The reader API: `/ledger/v1/…`, its OpenAPI document, `/healthz` and `/readyz`. */
export function createQueryApp(options: QueryAppOptions): OpenAPIHono<ReaderEnv> {
  const { reader, conservation, authenticate, routes = [], log } = options
  const app = new OpenAPIHono<ReaderEnv>()
  handleProblems(app, log)
  app.use('/ledger/*', refuseDotSegments, refuseBrokenEscapes, compress(), async (c, next) => {
    await next()
    // Traces hold prompts: nothing between us and the caller may keep them, and no browser may take them for a page.
    c.header('cache-control', 'no-store')
    c.header('x-content-type-options', 'nosniff')
    c.header('content-security-policy', "default-src 'none'; frame-ancestors 'none'")
  })
  const [whole, sums] = [createGate(WHOLE_SPANS), createGate(SUMS)]
  const resources = [
    traceRoutes(reader, authenticate, { whole, sums }),
    spanRoutes(reader, authenticate, whole),
    usageRoutes(reader, authenticate, sums),
    modelRoutes(reader, authenticate, sums),
    conservationRoutes(conservation, authenticate),
    healthRoutes(options.ready ?? (async () => {})),
    ...routes,
  ]
  for (const resource of resources) app.route('/', resource)
  app.openAPIRegistry.registerComponent('securitySchemes', API_KEY_SCHEME, {
    type: 'http',
    scheme: 'bearer',
    description: 'an API key: slk_<id>.<secret>',
  })
  app.doc31('/ledger/v1/openapi.json', {
    openapi: '3.1.0',
    info: {
      title: 'Spanledger',
      version: '1',
      description: 'Traces, what they cost, and where every span is. Every answer is of the project of the key.',
    },
  })
  return app
}

function healthRoutes(ready: () => Promise<void>): OpenAPIHono<ReaderEnv> {
  const ok = z.object({ status: z.literal('ok') })
  const answers = (description: string) => ({ 200: { description, content: { 'application/json': { schema: ok } } } })
  const shared = { method: 'get' as const, tags: ['health'] }
  const health = createRoute({
    ...shared,
    path: '/healthz',
    summary: 'Whether the process runs',
    responses: answers('it does'),
  })
  const readiness = createRoute({
    ...shared,
    path: '/readyz',
    summary: 'Whether requests can be served',
    responses: { ...answers('they can'), ...describeErrors([503]) },
  })
  return new OpenAPIHono<ReaderEnv>()
    .openapi(health, (c) => c.json({ status: 'ok' } as const, 200))
    .openapi(readiness, async (c) => {
      await ready()
      return c.json({ status: 'ok' } as const, 200)
    })
}
