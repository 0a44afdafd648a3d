import { createRoute, OpenAPIHono, z } from '@hono/zod-openapi'
import type { MiddlewareHandler } from 'hono'
import type { Authenticate } from '../../shared/auth/authenticate.ts'
import type { SpanReader } from '../../shared/warehouse/trace-store.ts'
import { filterParameters, toFilter } from './filter.ts'
import type { ReaderEnv } from './principal.ts'
import { readRoute, refuseInvalid, responses } from './route.ts'
import { spendJson, spendSchema } from './spend-json.ts'
import { MAX_USAGE_ROWS } from './usage.ts'

const modelSchema = spendSchema.extend({ provider: z.string(), model: z.string() })

/** `GET /ledger/v1/models`. */
export function modelRoutes(
  reader: SpanReader,
  authenticate: Authenticate,
  gate: MiddlewareHandler<ReaderEnv>,
): OpenAPIHono<ReaderEnv> {
  const list = createRoute({
    ...readRoute(authenticate, 'usage', gate),
    path: '/ledger/v1/models',
    summary: 'Spend and volume by provider and model, dearest first',
    description: 'A model that nobody named is listed, with an empty name, where tokens were used.',
    request: { query: z.strictObject(filterParameters) },
    responses: responses('the models', z.object({ models: z.array(modelSchema) })),
  })
  return new OpenAPIHono<ReaderEnv>({ defaultHook: refuseInvalid }).openapi(list, async (c) => {
    const filter = toFilter(c.get('principal').project, c.req.valid('query'))
    const rows = await reader.usage({ filter, groupBy: ['provider', 'model'], maxRows: MAX_USAGE_ROWS })
    const models = rows
      .map((row) => ({ provider: row.group[0] ?? '', model: row.group[1] ?? '', ...spendJson(row) }))
      .filter(({ model, cost }) => model !== '' || cost.status !== 'no_usage')
    return c.json({ models }, 200)
  })
}
