import { createRoute, OpenAPIHono, z } from '@hono/zod-openapi'
import type { MiddlewareHandler } from 'hono'
import type { Authenticate } from '../../shared/auth/authenticate.ts'
import type { SpanReader } from '../../shared/warehouse/trace-store.ts'
import { filterParameters } from './filter.ts'
import { nextPageSchema, pageParameters, READ_BOUND, sortParameter, toListQuery } from './page.ts'
import type { ReaderEnv } from './principal.ts'
import { readRoute, refuseInvalid, responses } from './route.ts'
import { spanJson, spanSchema } from './span-json.ts'

const CURSOR = { id: /^[0-9a-f]{32}:[0-9a-f]{16}$/, limit: 2n ** 63n }

/** `GET /ledger/v1/spans`. */
export function spanRoutes(
  reader: SpanReader,
  authenticate: Authenticate,
  gate: MiddlewareHandler<ReaderEnv>,
): OpenAPIHono<ReaderEnv> {
  const list = createRoute({
    ...readRoute(authenticate, 'spans', gate),
    path: '/ledger/v1/spans',
    summary: 'Spans that meet the filter',
    description: `A page ends early where its spans would be more than ${READ_BOUND} together.`,
    request: {
      query: z.strictObject({
        ...filterParameters,
        sort: sortParameter(['startTime', 'duration', 'cost']),
        ...pageParameters,
      }),
    },
    responses: responses('a page of spans', z.object({ spans: z.array(spanSchema), ...nextPageSchema })),
  })
  return new OpenAPIHono<ReaderEnv>({ defaultHook: refuseInvalid }).openapi(list, async (c) => {
    const { project } = c.get('principal')
    const { query, next } = toListQuery('spans', project, c.req.valid('query'), CURSOR)
    const page = await reader.listSpans(query)
    return c.json({ spans: page.items.map((span) => spanJson(span)), ...next(page.next) }, 200)
  })
}
