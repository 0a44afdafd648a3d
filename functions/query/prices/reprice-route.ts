import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi'
import type { Authenticate } from '../../../shared/auth/authenticate.ts'
import { SpanledgerError } from '../../../shared/errors.ts'
import { moneyJson, moneySchema } from '../../../shared/http/money.ts'
import { parseTime } from '../../../shared/http/time.ts'
import type { Pricer } from '../../../shared/pricing/pricer.ts'
import { fromPageToken, nextPage, nextPageSchema } from '../page.ts'
import { type ReaderEnv, requireScope } from '../principal.ts'
import { API_KEY_SCHEME, noParameters, responses, WITH_BODY } from '../route.ts'
import { repricePage } from './reprice.ts'
import type { RepriceSources } from './reprice-trace.ts'

export interface RepriceRouteOptions extends Omit<RepriceSources, 'pricer' | 'now'> {
  /** Asked for at the first request: the catalogue is not loaded before it is needed. */
  readonly pricer: () => Promise<Pricer>
  readonly authenticate: Authenticate
  readonly now?: () => number
}

const CURSOR = { id: /^[0-9a-f]{32}:\d{1,3}$/, limit: 2n ** 63n }

const requestSchema = z.strictObject({
  from: z.string().meta({ description: 'start time, RFC 3339, inclusive' }),
  to: z.string().meta({ description: 'start time, RFC 3339, exclusive' }),
  model: z.string().max(256).optional(),
  apply: z.boolean().default(false).meta({ description: 'publish corrections; without, nothing changes' }),
  pageToken: z.string().max(1024).optional(),
})

const responseSchema = z.object({
  spans: z.number().int().meta({ description: 'spans of this page that were looked at' }),
  skipped: z.number().int().meta({ description: 'traces of this page that are too large to be repriced' }),
  changes: z.array(
    z.object({
      day: z.string(),
      model: z.string(),
      user: z.string(),
      spans: z.number().int(),
      before: moneySchema,
      after: moneySchema,
      unknownBefore: z.number().int(),
      unknownAfter: z.number().int(),
    }),
  ),
  ...nextPageSchema,
})

/** Adds `POST /ledger/v1/prices:reprice`: one page of traces a request. */
export function repriceRoute(app: OpenAPIHono<ReaderEnv>, options: RepriceRouteOptions): void {
  const { reader, bus, pricer, authenticate, now = Date.now } = options
  const route = createRoute({
    method: 'post' as const,
    tags: ['prices'],
    security: [{ [API_KEY_SCHEME]: [] }],
    middleware: requireScope(authenticate, 'admin'),
    path: '/ledger/v1/prices:reprice',
    summary: 'Prices stored spans anew, a page of traces at a time',
    description: 'Reports by day, model and user what changes. What was said before stays as it was said then.',
    request: {
      query: noParameters,
      body: { required: true, content: { 'application/json': { schema: requestSchema } } },
    },
    responses: responses('what changes on this page', responseSchema, WITH_BODY),
  })
  app.openapi(route, async (c) => {
    const { project } = c.get('principal')
    const { from, to, model, apply, pageToken } = c.req.valid('json')
    const range = { from: parseTime(from), to: parseTime(to) }
    if (range.from >= range.to) throw new SpanledgerError('query/invalid', '`to` must be after `from`')
    const identity = ['reprice', project, from, to, model ?? null]
    const after = pageToken === undefined ? undefined : fromPageToken(pageToken, identity, CURSOR)
    const query = {
      project,
      ...range,
      apply,
      ...(model !== undefined && { model }),
      ...(after !== undefined && { after }),
    }
    const page = await repricePage(query, { reader, bus, now, pricer: await pricer() })
    const changes = page.changes.map((change) => ({
      ...change,
      before: moneyJson(change.before),
      after: moneyJson(change.after),
    }))
    return c.json({ spans: page.spans, skipped: page.skipped, changes, ...nextPage(page.next, identity) }, 200)
  })
}
