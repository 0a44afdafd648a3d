import { createRoute, OpenAPIHono, z } from '@hono/zod-openapi'
import { bodyLimit } from 'hono/body-limit'
import { handleProblems, problem } from '../../../shared/http/problem.ts'
import type { Log } from '../../../shared/log.ts'
import { customPricesSchema } from '../../../shared/pricing/custom-price.ts'
import type { PriceStore } from '../../../shared/pricing/price-store.ts'
import type { SpanReader } from '../../../shared/warehouse/trace-store.ts'
import { filterParameters, toFilter } from '../filter.ts'
import { type ReaderEnv, requireScope } from '../principal.ts'
import { API_KEY_SCHEME, readRoute, refuseInvalid, responses } from '../route.ts'
import { spendJson, spendSchema } from '../spend-json.ts'
import { MAX_USAGE_ROWS } from '../usage.ts'
import { type RepriceRouteOptions, repriceRoute } from './reprice-route.ts'

export interface PriceRoutesOptions extends RepriceRouteOptions {
  readonly prices: PriceStore
  readonly reader: Pick<SpanReader, 'usage' | 'listTraces' | 'getTrace'>
  readonly log?: Log
}

const MAX_BODY_BYTES = 1024 * 1024

const pricesSchema = z.strictObject({ prices: customPricesSchema })
const unpricedSchema = spendSchema.extend({
  provider: z.string(),
  model: z.string(),
})

/** Prices of one's own, and what has no price: `/ledger/v1/prices`, `/ledger/v1/models/unpriced`. */
export function createPriceRoutes(options: PriceRoutesOptions): OpenAPIHono<ReaderEnv> {
  const { prices, reader, authenticate, log } = options
  const app = new OpenAPIHono<ReaderEnv>({ defaultHook: refuseInvalid })
  handleProblems(app, log)
  const refuse = () => problem(413, `pricing: a body has at most ${MAX_BODY_BYTES} bytes`, { code: 'pricing/invalid' })
  app.use('/ledger/v1/*', bodyLimit({ maxSize: MAX_BODY_BYTES, onError: refuse }))

  const get = createRoute({
    ...readRoute(authenticate, 'prices'),
    path: '/ledger/v1/prices',
    summary: "The project's own prices",
    responses: responses('the prices', pricesSchema, [401, 403, 503]),
  })
  const put = createRoute({
    method: 'put' as const,
    tags: ['prices'],
    security: [{ [API_KEY_SCHEME]: [] }],
    middleware: requireScope(authenticate, 'admin'),
    path: '/ledger/v1/prices',
    summary: "Replaces the project's own prices",
    description:
      'They hold for spans priced from now on, within a second; what was priced before is repriced by a command.',
    request: { body: { required: true, content: { 'application/json': { schema: pricesSchema } } } },
    responses: responses('the prices', pricesSchema),
  })
  const unpriced = createRoute({
    ...readRoute(authenticate, 'prices'),
    path: '/ledger/v1/models/unpriced',
    summary: 'Models that were used and have no price, latest first',
    request: { query: z.strictObject(filterParameters) },
    responses: responses('the models', z.object({ models: z.array(unpricedSchema) })),
  })

  app.openapi(get, (c) => c.json({ prices: [...prices.list(c.get('principal').project)] }, 200))
  app.openapi(put, (c) => {
    const { project } = c.get('principal')
    prices.replace(project, c.req.valid('json').prices)
    return c.json({ prices: [...prices.list(project)] }, 200)
  })
  app.openapi(unpriced, async (c) => {
    const filter = { ...toFilter(c.get('principal').project, c.req.valid('query')), costStatus: ['unpriced' as const] }
    const rows = await reader.usage({ filter, groupBy: ['provider', 'model'], maxRows: MAX_USAGE_ROWS })
    const models = rows
      .toSorted((a, b) => (a.lastSeen === b.lastSeen ? 0 : a.lastSeen < b.lastSeen ? 1 : -1))
      .map((row) => ({
        provider: row.group[0] ?? '',
        model: row.group[1] ?? '',
        ...spendJson(row),
      }))
    return c.json({ models }, 200)
  })
  repriceRoute(app, options)
  return app
}
