import { createRoute, OpenAPIHono, z } from '@hono/zod-openapi'
import { SpanledgerError } from '../../../shared/errors.ts'
import { etagOf, versionOf } from '../../../shared/http/etag.ts'
import { checkJsonBody } from '../../../shared/http/json-body.ts'
import { handleProblems } from '../../../shared/http/problem.ts'
import type { Log } from '../../../shared/log.ts'
import { customPricesSchema } from '../../../shared/pricing/custom-price.ts'
import type { PriceStore } from '../../../shared/pricing/price-store.ts'
import type { SpanReader, SpanScanner } from '../../../shared/warehouse/trace-store.ts'
import { filterParameters, toFilter } from '../filter.ts'
import { createGate, SUMS } from '../gate.ts'
import { type ReaderEnv, requireScope } from '../principal.ts'
import { API_KEY_SCHEME, noParameters, readRoute, refuseInvalid, responses, WITH_BODY } from '../route.ts'
import { spendJson, spendSchema } from '../spend-json.ts'
import { MAX_USAGE_ROWS } from '../usage.ts'
import { type RepriceRouteOptions, repriceRoute } from './reprice-route.ts'

export interface PriceRoutesOptions extends RepriceRouteOptions {
  readonly prices: PriceStore
  readonly reader: Pick<SpanReader & SpanScanner, 'usage' | 'listSpans' | 'scanSpans'>
  readonly log?: Log
}

const MAX_BODY_BYTES = 1024 * 1024

const pricesSchema = z.strictObject({ prices: customPricesSchema })
const unpricedSchema = spendSchema.extend({
  provider: z.string(),
  model: z.string(),
  serviceTier: z.string().meta({ description: 'empty for the standard one', example: 'scale' }),
  reason: z.string().meta({ description: 'why there is no price', example: 'no price for service tier scale' }),
})

const { costStatus: _, ...unpricedParameters } = filterParameters
const UNPRICED_BY = ['provider', 'model', 'serviceTier', 'reason'] as const

const IF_MATCH = 'the ETag of the prices that are to be replaced: refused if they have been changed since'

/** Prices of one's own, and what has no price: `/ledger/v1/prices`, `/ledger/v1/models/unpriced`. */
export function createPriceRoutes(options: PriceRoutesOptions): OpenAPIHono<ReaderEnv> {
  const { prices, reader, authenticate, log } = options
  const app = new OpenAPIHono<ReaderEnv>({ defaultHook: refuseInvalid })
  handleProblems(app, log)
  const check = checkJsonBody({ maxBytes: MAX_BODY_BYTES, code: 'pricing/invalid' })
  // On no other path: it would hold for all that is mounted beside.
  for (const path of ['/ledger/v1/prices', '/ledger/v1/prices:reprice']) app.use(path, ...check)

  const get = createRoute({
    ...readRoute(authenticate, 'prices'),
    path: '/ledger/v1/prices',
    summary: "The project's own prices",
    request: { query: noParameters },
    responses: responses('the prices', pricesSchema),
  })
  const put = createRoute({
    method: 'put' as const,
    tags: ['prices'],
    security: [{ [API_KEY_SCHEME]: [] }],
    middleware: requireScope(authenticate, 'admin'),
    path: '/ledger/v1/prices',
    summary: "Replaces the project's own prices",
    description:
      'They hold for spans priced from now on, within a second (30 on Google Cloud); what was priced before is repriced by a command.',
    request: {
      query: noParameters,
      headers: z.object({ 'if-match': z.string().max(64).optional().meta({ description: IF_MATCH }) }),
      body: { required: true, content: { 'application/json': { schema: pricesSchema } } },
    },
    responses: responses('the prices', pricesSchema, [412, ...WITH_BODY]),
  })
  const unpriced = createRoute({
    ...readRoute(authenticate, 'prices', createGate(SUMS)),
    path: '/ledger/v1/models/unpriced',
    summary: 'Models that were used and have no price, latest first',
    description:
      'One row for each model, service tier and reason: a listed model may have a price for some calls alone.',
    request: { query: z.strictObject(unpricedParameters) },
    responses: responses('the models', z.object({ models: z.array(unpricedSchema) })),
  })

  app.openapi(get, async (c) => {
    const { prices: own, version } = await prices.get(c.get('principal').project)
    c.header('etag', etagOf(version))
    return c.json({ prices: [...own] }, 200)
  })
  app.openapi(put, async (c) => {
    const expected = c.req.valid('header')['if-match']
    const replaced = await prices.replace(c.get('principal').project, c.req.valid('json').prices, versionOf(expected))
    if (replaced === undefined)
      throw new SpanledgerError('pricing/changed', 'the prices have been changed since; read them again')
    c.header('etag', etagOf(replaced.version))
    return c.json({ prices: [...replaced.prices] }, 200)
  })
  app.openapi(unpriced, async (c) => {
    const filter = { ...toFilter(c.get('principal').project, c.req.valid('query')), costStatus: ['unpriced' as const] }
    const rows = await reader.usage({ filter, groupBy: UNPRICED_BY, maxRows: MAX_USAGE_ROWS })
    const models = rows
      .toSorted((a, b) => (a.lastSeen === b.lastSeen ? 0 : a.lastSeen < b.lastSeen ? 1 : -1))
      .map((row) => ({
        ...unpricedModel(row.group),
        ...spendJson(row),
      }))
    return c.json({ models }, 200)
  })
  repriceRoute(app, options)
  return app
}

/** What the values of {@link UNPRICED_BY} are. */
function unpricedModel([provider = '', model = '', serviceTier = '', reason = '']: readonly string[]) {
  return { provider, model, serviceTier, reason }
}
