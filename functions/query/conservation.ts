import { createRoute, OpenAPIHono, z } from '@hono/zod-openapi'
import type { Authenticate } from '../../shared/auth/authenticate.ts'
import type { Conservation } from '../../shared/conservation.ts'
import type { ReaderEnv } from './principal.ts'
import { noParameters, readRoute, refuseInvalid, responses } from './route.ts'
import { countJson, countSchema } from './usage-json.ts'

const byReason = z.record(z.string(), countSchema)
const reportSchema = z.object({
  projectId: z.string(),
  accepted: countSchema,
  rejected: byReason.meta({ description: 'refused at the edge, by reason' }),
  sinks: z.record(
    z.string(),
    z.object({
      stored: countSchema,
      duplicates: countSchema.meta({ description: 'already there from another export' }),
      quarantined: countSchema.meta({ description: 'set aside: their times cannot be right' }),
      expired: countSchema.meta({ description: 'deleted by retention' }),
      inFlight: countSchema,
      dead: byReason.meta({ description: 'given up, by reason, until they are replayed' }),
    }),
  ),
  balanced: z.boolean().meta({ description: 'whether for every sink accepted is the sum of the others' }),
})

/** `GET /ledger/v1/conservation`. */
export function conservationRoutes(conservation: Conservation, authenticate: Authenticate): OpenAPIHono<ReaderEnv> {
  const get = createRoute({
    ...readRoute(authenticate, 'conservation'),
    path: '/ledger/v1/conservation',
    summary: 'Where every span of the project is',
    request: { query: noParameters },
    responses: responses('the report', reportSchema),
  })
  return new OpenAPIHono<ReaderEnv>({ defaultHook: refuseInvalid }).openapi(get, async (c) => {
    const report = await conservation(c.get('principal').project)
    const sinks = Object.entries(report.sinks).map(([name, { dead, ...sink }]) => [
      name,
      {
        stored: countJson(sink.stored),
        duplicates: countJson(sink.duplicates),
        quarantined: countJson(sink.quarantined),
        expired: countJson(sink.expired),
        inFlight: countJson(sink.inFlight),
        dead: counts(dead),
      },
    ])
    return c.json(
      {
        projectId: report.projectId,
        accepted: countJson(report.accepted),
        rejected: counts(report.rejected),
        sinks: Object.fromEntries(sinks) as z.input<typeof reportSchema>['sinks'],
        balanced: report.balanced,
      },
      200,
    )
  })
}

function counts(byReason: Readonly<Record<string, bigint>>): Record<string, number | string> {
  return Object.fromEntries(Object.entries(byReason).map(([reason, count]) => [reason, countJson(count)]))
}
