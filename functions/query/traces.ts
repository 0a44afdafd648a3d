import { createRoute, OpenAPIHono, z } from '@hono/zod-openapi'
import type { MiddlewareHandler } from 'hono'
import type { Authenticate } from '../../shared/auth/authenticate.ts'
import { SpanledgerError } from '../../shared/errors.ts'
import type { SpanReader, StoredSpan, TraceSummary } from '../../shared/warehouse/trace-store.ts'
import { filterParameters } from './filter.ts'
import { nextPageSchema, pageParameters, READ_BOUND, sortParameter, toListQuery } from './page.ts'
import { choices, traceId } from './parameters.ts'
import type { ReaderEnv } from './principal.ts'
import { readRoute, refuseInvalid, responses } from './route.ts'
import { spanJson } from './span-json.ts'
import { summarize, traceDetailSchema, traceJson, traceSchema } from './trace-json.ts'

/** A trace by its id shows at most this many spans, fewer where they are large. */
export const MAX_TRACE_SPANS = 10_000

// The costs of a trace's spans may add up to more than 2^63.
const CURSOR = { id: /^[0-9a-f]{32}$/, limit: 2n ** 90n }
/** What a trace shows only when asked. */
const INCLUDES = ['messages'] as const
const SORTS = ['startTime', 'duration', 'cost', 'spanCount'] as const

/** `GET /ledger/v1/traces` and `/ledger/v1/traces/{traceId}`. */
export function traceRoutes(
  reader: SpanReader,
  authenticate: Authenticate,
  gates: Readonly<Record<'whole' | 'sums', MiddlewareHandler<ReaderEnv>>>,
): OpenAPIHono<ReaderEnv> {
  const list = createRoute({
    ...readRoute(authenticate, 'traces', gates.sums),
    path: '/ledger/v1/traces',
    summary: 'Traces with at least one span that meets the whole filter',
    description: 'Bounds of cost and duration alone are on the trace, as are all sums.',
    request: { query: z.strictObject({ ...filterParameters, sort: sortParameter(SORTS), ...pageParameters }) },
    responses: responses('a page of traces', z.object({ traces: z.array(traceSchema), ...nextPageSchema })),
  })
  const get = createRoute({
    ...readRoute(authenticate, 'traces', gates.whole),
    path: '/ledger/v1/traces/{traceId}',
    summary: 'A trace with its spans',
    description: `The first ${MAX_TRACE_SPANS.toLocaleString('en')} spans, of ${READ_BOUND} together.`,
    request: {
      params: z.object({ traceId: z.string() }),
      query: z.strictObject({ include: choices('What to show besides', INCLUDES) }),
    },
    responses: responses('the trace', traceDetailSchema, [404]),
  })

  return new OpenAPIHono<ReaderEnv>({ defaultHook: refuseInvalid })
    .openapi(list, async (c) => {
      const { project } = c.get('principal')
      const { query, next } = toListQuery('traces', project, c.req.valid('query'), CURSOR)
      const page = await reader.listTraces(query)
      const traces = page.items.map((trace) => traceJson(project, trace))
      return c.json({ traces, ...next(page.next) }, 200)
    })
    .openapi(get, async (c) => {
      const { project } = c.get('principal')
      const id = traceId(c.req.valid('param').traceId)
      const { include = [] } = c.req.valid('query')
      const shown = { messages: include.includes('messages') }
      const { spans, truncated } = await reader.getTrace(project, id, { limit: MAX_TRACE_SPANS })
      if (!isNonEmpty(spans)) throw new SpanledgerError('query/not-found', `there is no trace ${id} in this project`)
      const trace = (truncated && (await wholeSummary(reader, project, id))) || summarize(spans)
      return c.json({ ...traceJson(project, trace), spans: spans.map((span) => spanJson(span, shown)), truncated }, 200)
    })
}

/** The sums over a trace that is too large to be read whole. */
async function wholeSummary(reader: SpanReader, project: string, id: string): Promise<TraceSummary | undefined> {
  const filter = { project, traceId: id }
  const { items } = await reader.listTraces({ filter, sort: 'startTime', order: 'asc', pageSize: 1 })
  return items[0]
}

function isNonEmpty(spans: readonly StoredSpan[]): spans is readonly [StoredSpan, ...StoredSpan[]] {
  return spans.length > 0
}
